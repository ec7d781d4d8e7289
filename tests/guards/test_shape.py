"""Files stay small and named by what they hold; migrations form one unbroken line."""

import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.guards.test_packages import NOT_PACKAGED, ROOT, on_disk

MOST_LINES = 350
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "stuff"}
MIGRATIONS = ROOT / "migrations"


def product_files() -> list[Path]:
    folders = [ROOT / name for name in sorted(on_disk() | {"migrations"})]
    return [file for folder in folders for file in sorted(folder.rglob("*.py"))]


def test_no_file_is_long() -> None:
    lines = {file: len(file.read_text().splitlines()) for file in product_files()}
    assert {str(file): count for file, count in lines.items() if count > MOST_LINES} == {}


def test_no_name_says_nothing() -> None:
    everything = [
        *product_files(),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "bench").rglob("*.py"),
    ]
    named = {part for file in everything for part in (file.stem, file.parent.name)}
    assert named & SAYS_NOTHING == set()


@pytest.mark.parametrize("name", sorted(on_disk()))
def test_every_folder_of_a_package_says_that_it_is_one(name: str) -> None:
    holding = {file.parent for file in (ROOT / name).rglob("*.py")}
    nested = {up for folder in holding for up in (folder, *folder.parents) if ROOT in up.parents}
    assert [str(one) for one in sorted(nested) if not (one / "__init__.py").exists()] == []


def test_init_files_hold_no_code() -> None:
    inits = [file for file in product_files() if file.name == "__init__.py"]
    wordy = [file for file in inits if not re.fullmatch(r'("""[^"]*"""\s*)?', file.read_text())]
    assert wordy == []


@pytest.mark.parametrize("name", sorted(NOT_PACKAGED - {"bench"}))
def test_what_is_not_packaged_is_not_a_package(name: str) -> None:
    assert list((ROOT / name).rglob("__init__.py")) == []


def test_migrations_are_named_by_number_and_words() -> None:
    names = sorted(file.name for file in (MIGRATIONS / "versions").glob("*.py"))
    assert all(re.fullmatch(r"\d{4}_[a-z]+(_[a-z]+)*\.py", name) for name in names), names
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_migrations_form_one_line_in_the_order_of_their_numbers() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    line = [script.revision for script in scripts.walk_revisions()]
    assert len(scripts.get_heads()) == 1
    assert line == sorted(line, reverse=True)
    files = sorted(file.name[:4] for file in (MIGRATIONS / "versions").glob("*.py"))
    assert sorted(line) == files
