"""Vendors of other packages come by entry point; what is wrong with one harms nobody else."""

import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from vendors import sandbox
from vendors.registry import GROUP, KINDS, load_others

PACKAGE = """
    from dataclasses import replace
    from vendors.sandbox import KIND as SANDBOX
    KIND = replace(SANDBOX, name="pling")
    SAME_NAME = replace(SANDBOX, name="smtp")
    NO_KIND = "pling"
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of somebody else's, installed as far as Python can tell."""
    (tmp_path / "pling_vendor.py").write_text(textwrap.dedent(PACKAGE))
    (tmp_path / "pling_broken.py").write_text("raise RuntimeError('no')")
    metadata = tmp_path / "pling-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pling\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\npling = pling_vendor:KIND\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("pling_vendor", "pling_broken"):
        sys.modules.pop(name, None)


def entry(value: str) -> EntryPoint:
    return EntryPoint("pling", value, GROUP)


def test_an_installed_package_brings_its_vendor(package: Path) -> None:
    found = load_others(entry_points(group=GROUP), KINDS)
    assert found["pling"].channels == sandbox.KIND.channels
    assert found["pling"].name == "pling"


@pytest.mark.parametrize(
    "value",
    [
        "pling_broken:KIND",
        "pling_vendor:MISSING",
        "pling_vendor:NO_KIND",
        "pling_vendor:SAME_NAME",
        "no_such_module:KIND",
    ],
)
def test_a_wrong_one_is_left_out_and_named(package: Path, value: str) -> None:
    with capture_logs() as logs:
        found = load_others([entry(value), entry("pling_vendor:KIND")], KINDS)
    assert set(found) == {"pling"}
    assert [line["log_level"] for line in logs] == ["error"]
