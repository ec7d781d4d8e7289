"""Runs `tocsin …` as a process of its own, as an operator would."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fixtures.forked import Forked, fork

SECRET_KEY = "0" * 64
"""The one that `settings_for` gives: what it sealed can be opened."""


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """A shell in a folder of its own, with no variable of ours but those given."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    async def start(self, *arguments: str) -> Forked:
        """Start a command and leave it running."""
        usual = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
        env = {**usual, "NO_COLOR": "1", "COLUMNS": "300", **self.variables}
        return await fork(arguments, env=env, cwd=self.folder)

    async def run(self, *arguments: str, code: int = 0) -> Said:
        """Run a command to its end; fail on another exit code, and on any traceback."""
        process = await self.start(*arguments)
        out, err = (text.decode() for text in await process.communicate())
        assert process.returncode == code, out + err
        assert "Traceback" not in out + err, out + err
        return Said(code, out, err)


def on_database(database: Any, **more: str) -> Mapping[str, str]:
    """Return the variables that lead to a test's database; Temporal does not answer."""
    return {
        "TOCSIN_DATABASE_URL": database.leader_dsn,
        "TOCSIN_REPLICA_URLS": json.dumps([database.replica_dsn]),
        "TOCSIN_TEMPORAL_ADDRESS": "127.0.0.1:9",
        "TOCSIN_SECRET_KEY": SECRET_KEY,
        **more,
    }
