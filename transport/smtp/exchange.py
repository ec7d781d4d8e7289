"""How far one message came at a mail server, and what ended it."""

from dataclasses import dataclass
from typing import Final, Literal

from transport.smtp.replies import Reply

Phase = Literal[
    "pool",
    "dns",
    "connect",
    "tls",
    "greeting",
    "ehlo",
    "auth",
    "mail",
    "rcpt",
    "data",
    "body",
    "final-dot",
    "rset",
    "quit",
]
"""The steps of a delivery; up to `body` the server surely does not have the message (RFC 1047)."""

Problem = Literal[
    "", "lost", "timeout", "malformed", "unsupported", "sender", "recipient", "message", "size"
]
"""Why there is no reply: the connection was lost, the time was up, the server's bytes were no
reply, it lacks what we insist on; or the message was unfit and nothing of it was written."""

OUR_REFUSALS: Final = frozenset({"sender", "recipient", "message", "size"})
"""The problems of unfit messages, which harm no session."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The end of one attempt: the server's last reply, or the problem that came instead.

    A message was accepted when `phase` is `final-dot` and the reply is positive.
    """

    phase: Phase
    reply: Reply | None = None
    problem: Problem = ""
    detail: str = ""


class Stopped(Exception):
    """A dialogue cannot go on; `exchange` says where and why."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(f"{exchange.phase}: {exchange.problem or exchange.reply}")
        self.exchange = exchange

    @classmethod
    def because(cls, phase: Phase, problem: Problem, detail: object = "") -> "Stopped":
        """Return the stop for a problem of ours or of the wire."""
        return cls(Exchange(phase, problem=problem, detail=str(detail)))
