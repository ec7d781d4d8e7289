"""What is packaged and what is checked for its imports is what is there."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
NOT_PACKAGED = {"tests", "bench", "migrations"}


def on_disk(root: Path = ROOT) -> set[str]:
    """Names of the root packages: folders with Python code, however deep."""
    folders = (one for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
    return (
        {one.name for one in folders if any(one.rglob("*.py"))} - NOT_PACKAGED - {"build", "dist"}
    )


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"])


def test_the_wheel_holds_every_package(pyproject: dict[str, Any]) -> None:
    listed = pyproject["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(listed) == sorted(on_disk())


def test_the_wheel_holds_the_migrations(pyproject: dict[str, Any]) -> None:
    included = pyproject["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {"migrations": "cli/migrations"}


def test_the_imports_of_every_package_are_checked(pyproject: dict[str, Any]) -> None:
    assert sorted(pyproject["importlinter"]["root_packages"]) == sorted(on_disk())


def test_every_package_has_its_layer_or_stands_apart(pyproject: dict[str, Any]) -> None:
    contracts = {one["name"]: one for one in pyproject["importlinter"]["contracts"]}
    layers = contracts["Dependencies point down"]["layers"]
    named = [name.strip() for layer in layers for name in layer.split("|")]
    assert sorted([*named, "fakes"]) == sorted(on_disk())


def test_a_package_that_nobody_lists_is_seen(tmp_path: Path) -> None:
    for name in ("listed", "tests", ".hidden", "empty"):
        (tmp_path / name / "deep").mkdir(parents=True)
    for name in ("listed", "tests", ".hidden"):
        (tmp_path / name / "deep" / "code.py").touch()
    assert on_disk(tmp_path) == {"listed"}
