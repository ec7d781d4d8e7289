"""The one folder that holds all of an embedded system: its layout, lock, key and state."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import IO, Any, Final

from cli.embedded.trouble import Trouble
from config.settings import Settings

LAYOUT: Final = 1
LEAST_FREE: Final = 500_000_000
"""Bytes that must be free to start: PostgreSQL stops for good on a full disk."""


class DataFolder:
    """A data folder, checked and locked for one supervisor."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make the folder where needed and lock it; raises Trouble for whatever is in the way."""
        self.make()
        self._check_layout()
        self._check_space()
        self._take_lock()

    def make(self) -> None:
        """Make the folder where needed; raises Trouble when it cannot be written."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._check_writable()
        except OSError as error:
            raise Trouble(
                f"The data folder {self.path} cannot be written ({error.strerror}).",
                "Choose another with --data-dir, or mend its permissions.",
            ) from None

    def secret_key(self) -> str:
        """Return the key that seals secrets; made once, readable by its owner only."""
        path = self.path / "secret.key"
        if not path.exists():
            self._make_key(path)
        return path.read_text().strip()

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state file at once, so that a reader never sees half of it."""
        draft = self.path / "state.json.new"
        draft.write_text(json.dumps(state, indent=1))
        draft.chmod(0o600)
        draft.replace(self.path / "state.json")

    def read_state(self) -> dict[str, Any] | None:
        """Return the last state, None when there is none."""
        try:
            state: dict[str, Any] = json.loads((self.path / "state.json").read_text())
        except (OSError, ValueError):
            return None
        return state if isinstance(state, dict) else None

    def _make_key(self, path: Path) -> None:
        """Put a key there whole or not at all: an empty one would seal everything badly."""
        draft = path.with_name(f"secret.key.{os.getpid()}")
        descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()

    def _check_writable(self) -> None:
        probe = self.path / ".probe"
        probe.write_text("")
        probe.unlink()

    def _check_layout(self) -> None:
        marker = self.path / "LAYOUT"
        if not marker.exists():
            others = [p.name for p in self.path.iterdir() if p.name not in ("logs", ".probe")]
            if others and "state.json" not in others:
                raise Trouble(
                    f"{self.path} holds other things ({', '.join(sorted(others)[:3])}).",
                    "Choose an empty or new folder with --data-dir.",
                )
            marker.write_text(f"{LAYOUT}\n")
        found = marker.read_text().strip()
        if found != str(LAYOUT):
            raise Trouble(
                f"The data in {self.path} has layout {found}, and this Tocsin knows {LAYOUT}.",
                "Start it with the version that made it, or choose another --data-dir.",
            )

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < LEAST_FREE:
            raise Trouble(
                f"Only {free // 1_000_000} MB are free for {self.path}, "
                f"and {LEAST_FREE // 1_000_000} MB are needed.",
                "Free some space, or choose another disk with --data-dir.",
            )

    def _take_lock(self) -> None:
        self._lock = (self.path / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble(
                f"Tocsin runs on {self.path} already.",
                "`tocsin status` shows it, `tocsin down` stops it.",
            ) from None


def default_folder(settings: Settings) -> DataFolder:
    """Return the data folder of the settings: TOCSIN_DATA_DIR, or .tocsin where we are."""
    return DataFolder(settings.data_dir or Path.cwd() / ".tocsin")
