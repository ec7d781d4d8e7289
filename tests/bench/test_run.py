"""`python -m bench --quick` for real; nothing here looks at how fast it was."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.report import RESULTS

ROOT = RESULTS.parent.parent


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder for the run's temporary files that PostgreSQL's user may enter."""
    made = Path(tempfile.mkdtemp(prefix="tocsin-bench-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def start(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", "--quick", cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), "TOCSIN_FAILPOINT": "accepted"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def results() -> bytes:
    return RESULTS.read_bytes() if RESULTS.exists() else b""


async def test_a_quick_look_prints_the_table_and_leaves_the_results(folder: Path) -> None:
    before = results()
    process = await start(folder)
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    for row in (
        "Idle latency, ms",
        "**Ratio**",
        "p50 by round",
        "One-time passwords, ms",
        "API and dashboard",
    ):
        assert row in said.decode()
    assert results() == before
    assert not os.listdir(folder)


async def test_a_run_that_is_told_to_stop_leaves_nothing_behind(folder: Path) -> None:
    process = await start(folder)
    assert process.stderr is not None
    while b"Round 1" not in (line := await process.stderr.readline()):
        assert line, "it ended before it measured"
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) > 5
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 130
    assert not [one for one in children if one.is_running() and one.status() != "zombie"]
    assert not os.listdir(folder)
