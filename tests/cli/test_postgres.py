"""PostgreSQL's data of another major version is never started, cloned over or thrown away."""

from pathlib import Path

import pytest

from cli.embedded import postgres
from cli.embedded.postgres import BINARIES, MAJOR, Installation, check_version
from cli.embedded.trouble import Trouble


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give a data folder that another major version made."""
    (tmp_path / "PG_VERSION").write_text("15\n")
    return tmp_path


def names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


async def test_data_of_another_major_version_is_refused_and_kept(old: Path) -> None:
    with pytest.raises(Trouble) as caught:
        await postgres.initialise(Installation(BINARIES, None), old)
    assert caught.value.what == (
        f"The data in {old} was made by PostgreSQL 15, and this is {MAJOR}."
    )
    assert "dump it with the old version" in caught.value.remedy
    assert names(old) == ["PG_VERSION"]


async def test_data_of_this_major_version_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text(f"{MAJOR}\n")
    check_version(tmp_path)
    await postgres.initialise(Installation(BINARIES, None), tmp_path)
    assert names(tmp_path) == ["PG_VERSION"]


def test_the_known_version_is_the_installed_one() -> None:
    share = BINARIES.parent / "include" / "pg_config.h"
    versions = [line for line in share.read_text().splitlines() if "PG_MAJORVERSION " in line]
    assert versions == [f'#define PG_MAJORVERSION "{MAJOR}"']


async def test_a_failing_program_is_quoted(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    at = postgres.install(tmp_path / "home")
    with pytest.raises(Trouble, match=r"^initdb failed: .*could not access directory"):
        await postgres.initialise(at, file / "leader")
