"""Keeps the parts running: starts them in order, brings a killed one back, stops them cleanly."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cli.embedded.data_folder import DataFolder
from cli.embedded.parts import Part
from cli.embedded.process import end_leftovers, identity, spawn, stop
from cli.embedded.trouble import Trouble
from stores.database import DATABASE_ERRORS

Tell = Callable[[Part, str], None]
"""Hears of each part's state: preparing, starting, ready, restarting, crashing, stopped."""

_READY_SECONDS: Final = 120.0
_CALM_SECONDS: Final = 30.0
_LONGEST_PAUSE: Final = 15.0


@dataclass(slots=True)
class Running:
    """A part as it is now."""

    part: Part
    process: asyncio.subprocess.Process | None = None
    state: str = "stopped"
    started: float = 0.0
    restarts: int = 0
    keeper: asyncio.Task[None] | None = None


class Supervisor:
    """Runs parts until told to stop."""

    def __init__(self, folder: DataFolder, tell: Tell, facts: dict[str, Any]) -> None:
        self._folder = folder
        self._tell = tell
        self._facts = facts
        self._running: list[Running] = []
        self._stopping = False

    def clear_leftovers(self) -> int:
        """End what a supervisor that was killed left running; return how many processes."""
        state = self._folder.read_state() or {}
        return end_leftovers([part.get("process") for part in state.get("parts", [])])

    async def start(self, parts: Sequence[Part]) -> None:
        """Start parts one after the other, each once the one before is ready; raises Trouble."""
        for part in parts:
            await self._start(part)

    async def start_together(self, parts: Sequence[Part]) -> None:
        """Start parts that do not need each other; raises Trouble."""
        await asyncio.gather(*(self._start(part) for part in parts))

    async def stop(self) -> list[str]:
        """Stop everything in reverse order; return the names of those ended by force."""
        self._stopping = True
        forced: list[str] = []
        own = [one for one in self._running if one.part.env is not None]
        others = [one for one in reversed(self._running) if one.part.env is None]
        await asyncio.gather(*(self._stop(one, forced) for one in own))
        for one in others:
            await self._stop(one, forced)
        self._write()
        return forced

    async def _start(self, part: Part) -> None:
        one = Running(part)
        self._running.append(one)
        self._note(one, "preparing")
        await part.prepare()
        await self._launch(one)
        deadline = time.monotonic() + _READY_SECONDS
        while not await part.ready():
            if one.process is not None and one.process.returncode is not None:
                raise Trouble(
                    f"{part.title} ended while it started: {self._last_words(part)}",
                    f"Its log is {self._log(part)}.",
                )
            if time.monotonic() > deadline:
                raise Trouble(
                    f"{part.title} was not ready within {_READY_SECONDS:.0f} s: "
                    f"{self._last_words(part)}",
                    f"Its log is {self._log(part)}.",
                )
            await asyncio.sleep(0.1)
        self._note(one, "ready")
        one.keeper = asyncio.create_task(self._keep(one))

    async def _launch(self, one: Running) -> None:
        part = one.part
        one.process = await spawn(
            part.command,
            log=self._log(part),
            env=part.env,
            user=part.user,
            death_signal=part.stop_signal,
            cwd=part.cwd,
        )
        one.started = time.time()
        self._note(one, "starting")

    async def _keep(self, one: Running) -> None:
        """Bring a part back whenever it ends; wait longer each time it ends soon."""
        soon = 0
        while one.process is not None:
            await one.process.wait()
            if self._stopping:
                return
            soon = soon + 1 if time.time() - one.started < _CALM_SECONDS else 0
            one.restarts += 1
            self._note(one, "crashing" if soon > 3 else "restarting")
            await asyncio.sleep(min(_LONGEST_PAUSE, 0.2 * 2**soon))
            if self._stopping:
                return
            await self._launch_again(one)
            await self._await_ready(one, one.process)

    async def _await_ready(self, one: Running, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            if await one.part.ready():
                self._note(one, "ready")
                return
            await asyncio.sleep(0.2)

    async def _launch_again(self, one: Running) -> None:
        """Try until it works: the part's own needs may be on their way back too."""
        while not self._stopping:
            try:
                await one.part.prepare()
                await self._launch(one)
            except (Trouble, *DATABASE_ERRORS):
                await asyncio.sleep(1)
            else:
                return

    async def _stop(self, one: Running, forced: list[str]) -> None:
        if one.keeper is not None:
            one.keeper.cancel()
            await asyncio.gather(one.keeper, return_exceptions=True)
        if one.process is None:
            return
        if not await stop(one.process, one.part.stop_signal, one.part.stop_seconds):
            forced.append(one.part.title)
        one.process = None
        self._note(one, "stopped")

    def _note(self, one: Running, state: str) -> None:
        one.state = state
        self._write()
        self._tell(one.part, state)

    def _write(self) -> None:
        self._folder.write_state(
            {
                **self._facts,
                "supervisor": None if self._all_stopped() else identity(os.getpid()),
                "parts": [_described(one) for one in self._running],
            }
        )

    def _all_stopped(self) -> bool:
        return self._stopping and all(one.process is None for one in self._running)

    def _log(self, part: Part) -> Any:
        return self._folder.logs / f"{part.name}.log"

    def _last_words(self, part: Part) -> str:
        try:
            lines = self._log(part).read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return " / ".join(line[:300] for line in lines[-3:]) or "it said nothing"


def _described(one: Running) -> dict[str, Any]:
    pid = one.process.pid if one.process is not None else None
    return {
        "name": one.part.name,
        "title": one.part.title,
        "state": one.state,
        "port": one.part.port,
        "process": identity(pid) if pid else None,
        "started_at": datetime.fromtimestamp(one.started, UTC).isoformat() if pid else None,
        "restarts": one.restarts,
    }


async def until_told() -> None:
    """Wait for SIGINT or SIGTERM."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()
