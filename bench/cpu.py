"""CPU time of the processes that are measured, by what they are."""

from typing import Final

import psutil

_KINDS: Final = {
    "temporal server": "Temporal",
    "postgres": "PostgreSQL",
    "worker --lanes high": "worker, high",
    "worker --lanes low": "worker, low",
    "cli.main api": "API",
}


def since(before: dict[str, float]) -> dict[str, float]:
    """Return the CPU seconds since then; of processes that were killed, only those since."""
    return {name: max(at - before.get(name, 0.0), 0.0) for name, at in used().items()}


def used() -> dict[str, float]:
    """Return the CPU seconds (user and system) of Tocsin's, PostgreSQL's and Temporal's processes
    so far, by what they are; the mail server and the measuring itself are left out.
    """
    found: dict[str, float] = {}
    for one in psutil.process_iter(["cmdline", "name", "cpu_times"]):
        words = " ".join(one.info["cmdline"] or [one.info["name"] or ""])
        kind = next((name for mark, name in _KINDS.items() if mark in words), None)
        if kind is not None and one.info["cpu_times"] is not None:
            times = one.info["cpu_times"]
            found[kind] = found.get(kind, 0.0) + times.user + times.system
    return found
