"""The supervisor over tiny real processes: order, restarts, giving up, and the end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.embedded import supervisor as module
from cli.embedded.data_folder import DataFolder
from cli.embedded.parts import Part
from cli.embedded.process import identity, is_alive
from cli.embedded.supervisor import Supervisor
from cli.embedded.trouble import Trouble
from tests.fixtures.servers import until

PART = """
import signal, sys
name, diary = sys.argv[1], sys.argv[2]

def note(what):
    with open(diary, "a") as file:
        file.write(f"{name} {what}\\n")

def end(*_):
    note("ended")
    sys.exit(0)

signal.signal(signal.SIGTERM, signal.SIG_IGN if name == "stubborn" else end)
note("began")
while True:
    signal.pause()
"""
ENDS = "print('one'); print('two'); print('three'); print('four'); raise SystemExit(3)"


async def always() -> bool:
    return True


async def never() -> bool:
    return False


@dataclass
class Stage:
    """A supervisor, what it told, and what its parts wrote down."""

    folder: Path
    told: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "logs").mkdir()
        self.diary.write_text("")
        self.data = DataFolder(self.folder)
        self.supervisor = Supervisor(self.data, self._tell, {"url": "http://here"})

    @property
    def diary(self) -> Path:
        return self.folder / "diary"

    def _tell(self, part: Part, state: str) -> None:
        self.told.append((part.name, state))

    def lines(self) -> list[str]:
        return self.diary.read_text().splitlines()

    def part(self, name: str, *, code: str = PART, **given: Any) -> Part:
        async def began() -> bool:
            # A line of now: each start writes one more.
            return self.lines().count(f"{name} began") > self.told.count((name, "ready"))

        command = [sys.executable, "-c", code, name, str(self.diary)]
        usual: dict[str, Any] = {"title": name.title(), "ready": began}
        return Part(name=name, command=command, **{**usual, **given})

    def state(self, name: str) -> dict[str, Any]:
        """Return what the state file says of a part."""
        state = self.data.read_state()
        assert state is not None
        found: dict[str, Any] = next(one for one in state["parts"] if one["name"] == name)
        return found

    def is_back(self, name: str, restarts: int) -> Callable[[], Awaitable[bool]]:
        async def asked() -> bool:
            found = self.state(name)
            return bool(found["restarts"] == restarts and found["state"] == "ready")

        return asked

    def kill(self, name: str) -> None:
        os.kill(self.state(name)["process"]["pid"], signal.SIGKILL)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Give a supervisor, and stop whatever it started."""
    made = Stage(tmp_path)
    yield made
    await made.supervisor.stop()


async def test_parts_start_in_order_each_once_the_one_before_is_ready(stage: Stage) -> None:
    await stage.supervisor.start([stage.part(name) for name in ("a", "b", "c")])
    assert stage.lines() == ["a began", "b began", "c began"]
    steps = ("preparing", "starting", "ready")
    assert stage.told == [(name, step) for name in ("a", "b", "c") for step in steps]


async def test_the_state_file_tells_each_part_and_the_supervisor(stage: Stage) -> None:
    await stage.supervisor.start([stage.part("a", port=7)])
    state = stage.data.read_state()
    assert state is not None
    assert state["url"] == "http://here"
    assert state["supervisor"] == identity(os.getpid())
    found = stage.state("a")
    assert is_alive(found.pop("process"))
    assert found.pop("started_at")
    assert found == {"name": "a", "title": "A", "state": "ready", "port": 7, "restarts": 0}


async def test_a_killed_part_comes_back_and_is_counted(stage: Stage) -> None:
    await stage.supervisor.start([stage.part("a"), stage.part("b")])
    before = stage.state("b")["process"]
    for count in (1, 2):
        first = stage.state("a")["process"]
        stage.kill("a")
        await until(stage.is_back("a", count))
        assert not is_alive(first)
        assert is_alive(stage.state("a")["process"])
    assert stage.state("b")["process"] == before
    assert stage.state("b")["restarts"] == 0
    assert stage.lines().count("a began") == 3
    again = [state for name, state in stage.told if name == "a"][3:]
    assert again == ["restarting", "starting", "ready"] * 2


async def test_a_part_is_prepared_again_until_that_succeeds(stage: Stage) -> None:
    prepared: list[int] = []

    async def prepare() -> None:
        prepared.append(1)
        if len(prepared) == 2:
            raise Trouble("The disk is away.")

    await stage.supervisor.start([stage.part("a", prepare=prepare)])
    stage.kill("a")
    await until(stage.is_back("a", 1))
    assert len(prepared) == 3


async def test_a_part_that_keeps_ending_is_told_and_tried_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.01)
    await stage.supervisor.start([stage.part("a", code="raise SystemExit(1)", ready=always)])

    async def restarted_often() -> bool:
        return bool(stage.state("a")["restarts"] >= 6)

    await until(restarted_often)
    ends = [state for _, state in stage.told if state in ("restarting", "crashing")]
    assert ends[:6] == ["restarting"] * 3 + ["crashing"] * 3


async def test_a_part_that_ends_while_it_starts_is_given_up_with_its_last_words(
    stage: Stage,
) -> None:
    parts = [stage.part("a"), stage.part("b", code=ENDS), stage.part("c")]
    with pytest.raises(Trouble) as caught:
        await stage.supervisor.start(parts)
    assert caught.value.what == "B ended while it started: two / three / four"
    assert caught.value.remedy == f"Its log is {stage.folder / 'logs' / 'b.log'}."
    assert stage.lines() == ["a began"], "what comes after it is not started"
    assert await stage.supervisor.stop() == []
    assert stage.lines() == ["a began", "a ended"]


async def test_a_part_that_ends_without_a_word_is_given_up_too(stage: Stage) -> None:
    with pytest.raises(Trouble, match="A ended while it started: it said nothing"):
        await stage.supervisor.start([stage.part("a", code="raise SystemExit(1)")])


async def test_a_part_that_is_never_ready_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_READY_SECONDS", 0.3)
    code = f"print('warming up', flush=True)\n{PART}"
    with pytest.raises(Trouble, match=r"A was not ready within .* s: "):
        await stage.supervisor.start([stage.part("a", code=code, ready=never)])
    assert await stage.supervisor.stop() == []
    assert not is_alive(stage.state("a")["process"])


async def test_one_of_those_started_together_that_ends_is_told(stage: Stage) -> None:
    parts = [stage.part("a"), stage.part("b", code=ENDS), stage.part("c")]
    with pytest.raises(Trouble, match="B ended while it started"):
        await stage.supervisor.start_together(parts)


async def test_servers_stop_in_reverse_order_after_our_own(stage: Stage) -> None:
    own = stage.part("own", env=dict(os.environ))
    await stage.supervisor.start([stage.part("a"), own, stage.part("b")])
    noted = [stage.state(name)["process"] for name in ("a", "own", "b")]
    assert await stage.supervisor.stop() == []
    assert stage.lines()[3:] == ["own ended", "b ended", "a ended"]
    assert [is_alive(one) for one in noted] == [False] * 3
    state = stage.data.read_state()
    assert state is not None
    assert state["supervisor"] is None
    assert {part["state"] for part in state["parts"]} == {"stopped"}
    assert {part["process"] for part in state["parts"]} == {None}


async def test_a_part_that_ignores_the_signal_is_ended_by_force(stage: Stage) -> None:
    await stage.supervisor.start([stage.part("a"), stage.part("stubborn", stop_seconds=0.2)])
    process = stage.state("stubborn")["process"]
    assert await stage.supervisor.stop() == ["Stubborn"]
    assert not is_alive(process)
    assert stage.lines()[2:] == ["a ended"]


async def test_a_part_that_ended_does_not_come_back_after_the_end(stage: Stage) -> None:
    await stage.supervisor.start([stage.part("a")])
    stage.kill("a")

    async def is_noticed() -> bool:
        return stage.told[-1] == ("a", "restarting")

    await until(is_noticed)
    assert await stage.supervisor.stop() == []
    assert stage.told[-1] == ("a", "stopped")
    assert asyncio.all_tasks() == {asyncio.current_task()}, "nobody is left to bring it back"
    assert stage.lines() == ["a began"]


async def test_a_start_that_is_given_up_leaves_no_process(stage: Stage) -> None:
    starting = asyncio.create_task(stage.supervisor.start([stage.part("a", ready=never)]))

    async def runs() -> bool:
        return stage.lines() == ["a began"]

    await until(runs)
    process = stage.state("a")["process"]
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    assert await stage.supervisor.stop() == []
    assert not is_alive(process)


def test_what_a_killed_supervisor_left_is_ended(stage: Stage) -> None:
    assert stage.supervisor.clear_leftovers() == 0
    with subprocess.Popen(["sleep", "600"]) as left:
        known = identity(left.pid)
        stage.data.write_state({"parts": [{"process": known}, {"process": None}]})
        assert stage.supervisor.clear_leftovers() == 1
    assert not is_alive(known)
