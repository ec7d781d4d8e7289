"""The data folder: refused with a sentence where it does not fit, locked, its files kept safe."""

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.embedded import data_folder
from cli.embedded.data_folder import LAYOUT, DataFolder, default_folder
from cli.embedded.trouble import Trouble
from config.settings import Settings


@contextmanager
def opened(path: Path) -> Iterator[None]:
    """Open a folder, and leave it as the end of a process would."""
    folder = DataFolder(path)
    try:
        folder.open()
        yield
    finally:
        if folder._lock is not None:
            folder._lock.close()


def refusal(path: Path) -> Trouble:
    """Return why a folder is not opened."""
    with pytest.raises(Trouble) as caught, opened(path):
        pass
    return caught.value


def test_a_new_folder_is_made_marked_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down"
    with opened(path):
        assert (path / "LAYOUT").read_text() == f"{LAYOUT}\n"
        assert (path / "logs").is_dir()
        assert sorted(one.name for one in path.iterdir()) == ["LAYOUT", "lock", "logs"]
    (path / "postgres").mkdir()
    with opened(path):
        assert (path / "postgres").is_dir()


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    for name in ("d.txt", "c.txt", "b.txt", "a.txt"):
        (tmp_path / name).write_text("mine")
    trouble = refusal(tmp_path)
    assert trouble.what == f"{tmp_path} holds other things (a.txt, b.txt, c.txt)."
    assert "--data-dir" in trouble.remedy
    assert not (tmp_path / "LAYOUT").exists()


def test_logs_of_a_detached_start_are_not_other_things(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "up.log").write_text("Starting")
    with opened(tmp_path):
        assert (tmp_path / "LAYOUT").exists()


def test_the_layout_of_another_version_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "LAYOUT").write_text("7\n")
    trouble = refusal(tmp_path)
    assert trouble.what == f"The data in {tmp_path} has layout 7, and this Tocsin knows {LAYOUT}."
    assert "the version that made it" in trouble.remedy
    assert (tmp_path / "LAYOUT").read_text() == "7\n"


@pytest.mark.parametrize("below", ["", "data", "deep/data"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    trouble = refusal(file / below)
    assert trouble.what.startswith(f"The data folder {file / below} cannot be written (")
    assert "--data-dir" in trouble.remedy
    assert file.read_text() == "mine"


def test_a_full_disk_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_folder, "LEAST_FREE", 10**21)
    trouble = refusal(tmp_path)
    assert f"MB are free for {tmp_path}, and {10**15} MB are needed." in trouble.what
    assert "--data-dir" in trouble.remedy


HOLDS = """
import signal, sys
from pathlib import Path
from cli.embedded.data_folder import DataFolder

folder = DataFolder(Path(sys.argv[1]))
folder.open()
print("held", flush=True)
signal.pause()
"""


def test_the_lock_is_held_until_its_process_is_gone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            trouble = refusal(tmp_path)
        finally:
            holder.kill()
    assert trouble.what == f"Tocsin runs on {tmp_path} already."
    assert "`tocsin down`" in trouble.remedy
    with opened(tmp_path):
        assert refusal(tmp_path).what == trouble.what, "also within one process"


def test_the_secret_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    key = DataFolder(tmp_path).secret_key()
    file = tmp_path / "secret.key"
    assert len(bytes.fromhex(key)) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert DataFolder(tmp_path).secret_key() == key
    assert file.read_text() == key


def test_every_folder_has_its_own_secret_key(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    assert len({DataFolder(folder).secret_key() for folder in folders}) == 2


def test_the_state_is_replaced_at_once(tmp_path: Path) -> None:
    folder, file = DataFolder(tmp_path), tmp_path / "state.json"
    folder.write_state({"parts": [], "url": "first"})
    with file.open() as reading:
        folder.write_state({"parts": [], "url": "second"})
        assert json.load(reading)["url"] == "first", "a reader keeps the whole of the old one"
    assert folder.read_state() == {"parts": [], "url": "second"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "content",
    [
        *(None, b"", b'{"parts": [', b"\xff\xfe", "folder"),
        b"[]",
    ],
)
def test_an_unreadable_state_is_none(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "state.json"
    if content == "folder":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)
    assert DataFolder(tmp_path).read_state() is None


def test_the_folder_is_the_given_one_or_where_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_DATA_DIR", raising=False)
    assert default_folder(Settings(_env_file=None)).path == tmp_path / ".tocsin"
    given = Settings(_env_file=None, data_dir=Path("here"))
    assert default_folder(given).path == tmp_path / "here"
