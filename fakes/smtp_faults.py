"""What a fake mail server can do wrong, and when: a script of faults."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

Stage = Literal[
    "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "after", "rset"
]
"""When a fault strikes: in place of the reply to a step; `body`: as soon as content comes in;
`after`: when the reply to the final dot has been sent."""

Act = Literal["reply", "drop", "hang", "garbage", "delay", "half"]
"""Say `text` instead; close; be silent; say what is no reply; answer late; say half a reply."""

STAGES: Final = (
    "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "after", "rset",
)  # fmt: skip
ACTS: Final = ("reply", "drop", "hang", "garbage", "delay", "half")


@dataclass(frozen=True, slots=True)
class Fault:
    """One act at one stage, `times` times; a `reply` of 421 closes the connection as well."""

    at: Stage
    act: Act
    text: str = ""
    seconds: float = 0.0
    times: int = 1


def parse_fault(text: str) -> Fault:
    """Return the fault of `stage:act[:text or seconds]`, as `rcpt:reply:550 5.1.1 nobody`.

    Raises ValueError.
    """
    at, act, rest = [*text.split(":", 2), "", ""][:3]
    for stage in STAGES:
        for known in ACTS:
            if (at, act) == (stage, known):
                seconds = float(rest) if act == "delay" else 0.0
                return Fault(stage, known, text=rest, seconds=seconds)
    raise ValueError(f"{text!r} is not stage:act[:text], with stages {STAGES} and acts {ACTS}")


def _nothing(_recipients: Sequence[str]) -> Fault | None:
    return None


class Script:
    """The faults still to come, and those that always strike a recipient's local part."""

    def __init__(
        self,
        by_local_part: Mapping[str, Fault] | None = None,
        queue: list[Fault] | None = None,
        usual: Callable[[Sequence[str]], Fault | None] = _nothing,
    ) -> None:
        self._queue: list[Fault] = [] if queue is None else queue
        self._by_local_part = dict(by_local_part or {})
        self._usual = usual

    def add(self, faults: Iterable[Fault]) -> None:
        """Queue faults; each strikes when its stage is next reached."""
        self._queue.extend(faults)

    def take(self, stage: Stage, recipients: Sequence[str] = ()) -> Fault | None:
        """Return the fault that strikes now: the queue's, the recipients', or the usual one."""
        for place, fault in enumerate(self._queue):
            if fault.at == stage:
                left = replace(fault, times=fault.times - 1)
                self._queue[place : place + 1] = [left] if left.times > 0 else []
                return fault
        for recipient in recipients:
            found = self._by_local_part.get(recipient.partition("@")[0])
            found = found or self._by_local_part.get("*")
            if found is not None and found.at == stage:
                return found
        usual = self._usual(recipients)
        return usual if usual is not None and usual.at == stage else None
