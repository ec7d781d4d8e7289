"""Points in the code at which a crash test kills the process for real."""

import os
import signal
from pathlib import Path

_hits: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL if TOCSIN_FAILPOINT names this point (`name` or `name@nth`).

    It fires once in all processes together: the line it leaves in TOCSIN_FAILPOINT_LOG
    disarms it, so that a restarted process goes on.
    """
    wanted = os.environ.get("TOCSIN_FAILPOINT")
    if not wanted:
        return
    target, _, nth = wanted.partition("@")
    if target != name:
        return
    _hits[name] = _hits.get(name, 0) + 1
    if _hits[name] < int(nth or 1):
        return
    log = os.environ.get("TOCSIN_FAILPOINT_LOG")
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
