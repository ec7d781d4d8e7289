"""A session at a mail server: one message after the other over one connection."""

import time
from dataclasses import dataclass
from typing import Final

from domain.message import EmailMessage
from transport.smtp.connection import Connection
from transport.smtp.envelope import seal_envelope
from transport.smtp.exchange import Exchange, Phase, Stopped
from transport.smtp.replies import Reply
from transport.smtp.server import Server

ONE_WRITE_OCTETS: Final = 16_384
"""A message up to this size leaves in one write with its dot. Of a longer one the dot is held back
until all else has left, so that a loss on the way is known to be before the dot."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of time.monotonic() after which nothing may be waited for."""

    at: float

    def left(self) -> float:
        """Return the seconds that are left; raises TimeoutError when there are none."""
        if (left := self.at - time.monotonic()) <= 0:
            raise TimeoutError("the deadline is over")
        return left

    def within(self, seconds: float) -> float:
        """Return how long a step may take; zero when the time is up."""
        return max(min(seconds, self.at - time.monotonic()), 0)


class Session:
    """An open, signed-in dialogue; `served` counts the messages that were tried on it, and
    `in_transaction` says that one was begun which the server did not end.
    """

    def __init__(self, server: Server, connection: Connection) -> None:
        self.connection = connection
        self.served = 0
        self.server = server
        self.in_transaction = False

    async def ask(self, line: bytes, phase: Phase, deadline: Deadline) -> Reply:
        """Write a command and return its reply; raises Stopped."""
        self.connection.write(line, phase)
        return await self.connection.reply(phase, deadline.within(self.server.reply_seconds))

    async def deliver(self, message: EmailMessage, deadline: Deadline) -> Exchange:
        """Carry one message through MAIL, RCPT, DATA and the final dot.

        Raises Stopped when it ends without the server's word: up to the phase `body` the server
        does not have the message, at `final-dot` it may (RFC 1047). An unfit message is Stopped
        before a byte of it is written.
        """
        dialogue, self.served = self.connection.dialogue, self.served + 1
        envelope = seal_envelope(message, dialogue.capabilities)
        await self._reset(deadline)
        reply = await self.ask(dialogue.mail(envelope), "mail", deadline)
        if not reply.positive:
            return Exchange("mail", reply)
        self.in_transaction = True
        reply = await self.ask(dialogue.rcpt(envelope), "rcpt", deadline)
        if not reply.positive:
            return Exchange("rcpt", reply)
        reply = await self.ask(dialogue.data(), "data", deadline)
        if reply.code != 354:
            return Exchange("data", reply)
        block = self.connection.dialogue.body(message.mime)
        return await self.send_content(block, deadline)

    async def _reset(self, deadline: Deadline) -> None:
        if not self.in_transaction:
            return
        reply = await self.ask(self.connection.dialogue.rset(), "rset", deadline)
        if not reply.positive:
            raise Stopped(Exchange("rset", reply))
        self.in_transaction = False

    async def send_content(self, block: bytes, deadline: Deadline) -> Exchange:
        """Send content with its dots stuffed, and return the server's word on it."""
        connection = self.connection
        if len(block) > ONE_WRITE_OCTETS:
            connection.write(block, "body")
            await connection.flush("body", deadline.within(self.server.reply_seconds))
            block = b""
        seconds = deadline.within(self.server.final_seconds)
        if not seconds:
            raise Stopped.because("body", "timeout", "the dot was held back: the time was up")
        connection.check("body")
        connection.write(block + connection.dialogue.final_dot(), "final-dot")
        self.in_transaction = False
        return Exchange("final-dot", await connection.reply("final-dot", seconds))
