"""Starts child processes that cannot outlive the supervisor, and finds those that did."""

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1


async def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    death_signal: int = signal.SIGTERM,
    cwd: Path | None = None,
) -> asyncio.subprocess.Process:
    """Start a process in a session of its own, its output appended to `log`.

    The kernel sends it `death_signal` when the supervisor dies, also by kill -9.
    """
    account = pwd.getpwnam(user) if user else None
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_die_with_parent(death_signal),
        )


def _die_with_parent(number: int) -> Callable[[], None] | None:
    """Return what a child does first: ask the kernel for a signal when its parent is gone."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


async def stop(process: asyncio.subprocess.Process, number: int, seconds: float) -> bool:
    """Ask a process to end, and end it by force after `seconds`; True when it went by itself."""
    if process.returncode is not None:
        return True
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return True


def identity(pid: int) -> dict[str, float | int] | None:
    """Return what tells a process from a later one of the same number; None when it is gone."""
    try:
        return {"pid": pid, "born": psutil.Process(pid).create_time()}
    except psutil.Error:
        return None


def is_alive(known: Mapping[str, float | int] | None) -> bool:
    """Whether a process noted by `identity` still runs."""
    if not known:
        return False
    try:
        process = psutil.Process(int(known["pid"]))
        same = abs(process.create_time() - known["born"]) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_leftovers(noted: Sequence[Mapping[str, float | int] | None]) -> int:
    """End processes that a killed supervisor left behind; return how many there were."""
    left = [psutil.Process(int(one["pid"])) for one in noted if one and is_alive(one)]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT)
    _, stubborn = psutil.wait_procs(left, timeout=10)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(left)
