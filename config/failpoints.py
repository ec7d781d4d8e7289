"""Points in the code at which a crash test kills the process for real."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Final

_NEVER_SECONDS: Final = 3_600
_hits: dict[str, int] = {}


async def failpoint(name: str) -> None:
    """Kill this process with SIGKILL if TOCSIN_FAILPOINT names this point: `name`, or `name@n`.

    With `@n` whoever comes waits there until the n-th has come, so that one kill meets them all
    in the same window. It fires once in all processes together: the line it leaves in
    TOCSIN_FAILPOINT_LOG disarms it, so that a restarted process goes on.
    """
    wanted = os.environ.get("TOCSIN_FAILPOINT")
    if not wanted:
        return
    target, _, gathered = wanted.partition("@")
    log = os.environ.get("TOCSIN_FAILPOINT_LOG")
    if target != name or (log and await asyncio.to_thread(Path(log).exists)):
        return
    _hits[name] = _hits.get(name, 0) + 1
    if _hits[name] < int(gathered or 1):
        await asyncio.sleep(_NEVER_SECONDS)
    if log and not _leave_line(Path(log), name):
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _leave_line(path: Path, name: str) -> bool:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    os.write(descriptor, f"{name} pid={os.getpid()}\n".encode())
    os.fsync(descriptor)
    os.close(descriptor)
    return True
