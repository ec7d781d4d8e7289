"""Child processes: logged, told apart from later ones, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from cli.embedded.process import end_leftovers, identity, is_alive, spawn, stop
from tests.fixtures.servers import until

WAITS = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import signal\n"
    "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "while True: signal.pause()\n"
)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def says(log: Path, text: str) -> Callable[[], Any]:
    """Return a question: whether a log has a text."""

    async def asked() -> bool:
        return text in log.read_text()  # noqa: ASYNC240 - a short file

    return asked


@pytest.fixture
def leftover() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start processes that nobody supervises, once they say that they are up."""
    with ExitStack() as stack:

        def start(code: str) -> subprocess.Popen[bytes]:
            process = stack.enter_context(subprocess.Popen(python(code), stdout=subprocess.PIPE))
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            return process

        yield start


async def test_output_and_errors_are_added_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    log.write_text("earlier\n")
    code = "import sys; print('said', flush=True); print('wrong', file=sys.stderr)"
    process = await spawn(python(code), log=log)
    assert await process.wait() == 0
    assert log.read_text() == "earlier\nsaid\nwrong\n"


async def test_a_child_has_its_own_session_folder_and_environment(tmp_path: Path) -> None:
    log, code = tmp_path / "part.log", "import os; print(os.getsid(0), os.getcwd(), os.environ)"
    (tmp_path / "in").mkdir()
    process = await spawn(python(code), log=log, cwd=tmp_path / "in", env={"LC_ALL": "C"})
    await process.wait()
    assert log.read_text().startswith(f"{process.pid} {tmp_path / 'in'} environ({{'LC_ALL': 'C'")
    assert "PATH" not in log.read_text()


async def test_a_process_that_ends_when_asked_is_not_forced(tmp_path: Path) -> None:
    process = await spawn(python(WAITS), log=tmp_path / "log")
    await until(says(tmp_path / "log", "up"))
    assert await stop(process, signal.SIGTERM, 20)
    assert process.returncode == -signal.SIGTERM
    assert await stop(process, signal.SIGTERM, 20), "again is no harm"


async def test_a_process_that_will_not_end_is_forced(tmp_path: Path) -> None:
    process = await spawn(python(STUBBORN), log=tmp_path / "log")
    await until(says(tmp_path / "log", "up"))
    assert not await stop(process, signal.SIGTERM, 0.2)
    assert process.returncode == -signal.SIGKILL


def test_a_process_is_known_by_number_and_birth(leftover: Any) -> None:
    process = leftover(WAITS)
    known = identity(process.pid)
    assert known is not None
    assert is_alive(known)
    assert not is_alive({**known, "born": known["born"] - 100}), "a later one of the same number"
    process.kill()
    process.wait()
    assert not is_alive(known)
    assert identity(process.pid) is None


@pytest.mark.parametrize("nothing", [None, {}])
def test_nothing_noted_is_not_alive(nothing: Any) -> None:
    assert not is_alive(nothing)


async def test_a_zombie_is_not_alive(leftover: Any) -> None:
    process = leftover(WAITS)
    known = identity(process.pid)
    os.kill(process.pid, signal.SIGKILL)

    async def is_zombie() -> bool:
        return psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE

    await until(is_zombie)
    assert identity(process.pid) == known, "the kernel still lists it"
    assert not is_alive(known)


def test_leftovers_are_asked_to_end(leftover: Any) -> None:
    processes = [leftover(WAITS), leftover(WAITS)]
    noted = [identity(process.pid) for process in processes]
    assert end_leftovers([None, *noted, {}]) == 2
    assert [is_alive(one) for one in noted] == [False, False]
    assert end_leftovers(noted) == 0


def test_a_stubborn_leftover_is_ended_by_force(
    leftover: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = psutil.wait_procs

    def impatient(processes: Any, timeout: float) -> Any:
        return patient(processes, timeout=min(timeout, 0.3))

    monkeypatch.setattr("cli.embedded.process.psutil.wait_procs", impatient)
    known = identity(leftover(STUBBORN).pid)
    assert end_leftovers([known]) == 1
    assert not is_alive(known)


def test_a_stranger_with_the_number_of_a_leftover_is_spared(leftover: Any) -> None:
    process = leftover(WAITS)
    known = identity(process.pid)
    assert known is not None
    assert end_leftovers([{**known, "born": known["born"] - 100}]) == 0
    assert process.poll() is None


PARENT = """
import asyncio, sys
from pathlib import Path
from cli.embedded.process import spawn

async def main() -> None:
    user = sys.argv[2] or None
    child = await spawn(["sleep", "600"], log=Path(sys.argv[1]), user=user, cwd=Path("/"))
    print(child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("user", ["", "nobody"] if os.geteuid() == 0 else [""])
async def test_a_child_dies_with_its_parent(tmp_path: Path, user: str) -> None:
    parent = await asyncio.create_subprocess_exec(
        *python(PARENT), str(tmp_path / "log"), user, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    known = identity(pid)
    assert is_alive(known)
    if user:
        assert psutil.Process(pid).username() == user
    parent.kill()
    await parent.communicate()

    async def is_gone() -> bool:
        return not is_alive(known)

    await until(is_gone)
