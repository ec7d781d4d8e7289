"""Nothing that git keeps speaks of the machine it was written on, or of work left undone."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guards.test_packages import ROOT

UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MACHINE = re.compile(r"(?<![\w.*-])/(work|root|home|Users|mnt|media)(/[\w.-]+|/)")
REGISTRY = re.compile(
    r"--(extra-)?index-url|--find-links|--trusted-host|PIP_INDEX|UV_INDEX|UV_DEFAULT_INDEX"
    r"|https?://[\w.:@-]*(pypi|pythonhosted|npmjs|artifact|mirror|nexus|devpi|registry)[\w.:-]*",
    re.IGNORECASE,
)
LOCAL_URL = re.compile(r"@ file:|^-e |^file:", re.MULTILINE)


def kept() -> list[Path]:
    """Files that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    assert listed.returncode == 0, f"git cannot say what it keeps: {listed.stderr.strip()[:100]}"
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in kept():
        try:
            yield str(path.relative_to(ROOT)), path.read_text()
        except UnicodeDecodeError:
            continue


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        if "vendor/" not in name and name != "tests/guards/test_words.py"
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_git_keeps_what_these_tests_read() -> None:
    assert ROOT / "pyproject.toml" in kept()


def test_nothing_is_left_to_do() -> None:
    assert found(UNDONE) == []


def test_no_path_of_a_machine() -> None:
    assert found(MACHINE) == []


def test_no_registry_or_mirror() -> None:
    assert found(REGISTRY) == []


def test_requirements_are_pinned_by_hash_and_come_from_no_place() -> None:
    files = sorted((ROOT / "requirements").glob("*.txt"))
    assert files
    for file in files:
        text = file.read_text()
        assert "://" not in text, file
        assert not LOCAL_URL.search(text), file
        blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
        assert blocks
        assert [
            block for block in blocks if not re.match(r"\S+==\S+[\s\S]*--hash=sha256:", block)
        ] == []


@pytest.mark.parametrize(
    ("pattern", "bad", "good"),
    [
        (UNDONE, "# TODO: later", "a todo list"),
        (MACHINE, "see /work/main/x.py", "https://example.com/work/1 and /usr/bin and /tmp/x"),
        (MACHINE, 'Path("/home/sam")', "tests/home/page"),
        (REGISTRY, "--index-url https://e.com", "--no-emit-index-url"),
        (REGISTRY, "https://files.pythonhosted.org/x", "https://example.com"),
        (LOCAL_URL, "tocsin @ file:///x", "tocsin==1.0"),
    ],
)
def test_the_patterns_tell_bad_from_good(pattern: re.Pattern[str], bad: str, good: str) -> None:
    assert pattern.search(bad)
    assert not pattern.search(good)
