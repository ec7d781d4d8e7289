"""Messages that go one after the other over one session, each in one round trip where it may.

A server with PIPELINING (RFC 2920) gets the envelope of a message together with the content of the
one before it. A connection that is lost leaves in doubt only the message whose content was on its
way: of the next one the server has no more than the envelope.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from domain.message import EmailMessage
from transport.smtp.envelope import Envelope, seal_envelope
from transport.smtp.exchange import OUR_REFUSALS, Exchange, Stopped
from transport.smtp.session import ONE_WRITE_OCTETS, Deadline, Session


@dataclass(frozen=True, slots=True)
class _Opened:
    """A message whose envelope is written, or about to be."""

    place: int
    message: EmailMessage
    commands: bytes
    resets: bool


class Train:
    """Messages for one session; `exchanges` says of each how far it came, as far as they came."""

    def __init__(
        self, session: Session, messages: Sequence[EmailMessage], deadline: Deadline
    ) -> None:
        self._session = session
        self._connection = session.connection
        self._messages = messages
        self._deadline = deadline
        self._found: list[Exchange | None] = [None] * len(messages)
        self._next = 0
        self._resets = False
        self.unharmed = True

    @property
    def exchanges(self) -> list[Exchange]:
        """The ends of the first messages, up to the one with which the session ended."""
        found: list[Exchange] = []
        for one in self._found:
            if one is None:
                break
            found.append(one)
        return found

    async def run(self) -> None:
        """Carry the messages until all have come to an end, or the session has.

        It never raises for what the server or network does. A cancelled run closes the connection.
        """
        pipelines = self._connection.dialogue.capabilities.pipelining
        try:
            await (self._pipelined() if pipelines else self._one_by_one())
        except asyncio.CancelledError:
            self._connection.stop("lost", "the send was cancelled")
            raise

    async def _one_by_one(self) -> None:
        for place, message in enumerate(self._messages):
            try:
                self._found[place] = await self._session.deliver(message, self._deadline)
            except Stopped as stopped:
                self._found[place] = stopped.exchange
                if stopped.exchange.problem not in OUR_REFUSALS:
                    self.unharmed = False
                    return
            if not self._connection.usable:
                return

    async def _pipelined(self) -> None:
        self._resets = self._session.in_transaction
        opened = self._seal_next()
        try:
            self._write(opened)
            while opened is not None:
                opened = await self._carry(opened)
        except Stopped as stopped:
            self.unharmed = False
            if opened is not None:
                self._found[opened.place] = stopped.exchange
        self._session.in_transaction = self._resets

    async def _carry(self, opened: _Opened) -> _Opened | None:
        """See a message to its end, and return the next one, whose envelope is written by then."""
        refused, takes_content = await self._ask(opened)
        if refused is not None:
            if takes_content:  # nobody is to get it, and yet it is asked for
                await self._end_empty()
            self._found[opened.place] = refused
            if self._connection.dialogue.closing:
                return None
            following = self._seal_next()
            self._write(following)
            return following
        self._resets = False  # the final dot ends the transaction, whatever the server says to it
        block = self._connection.dialogue.body(opened.message.mime)
        if len(block) > ONE_WRITE_OCTETS:
            self._found[opened.place] = await self._session.send_content(block, self._deadline)
            following = self._seal_next()
            self._write(following)
            return following
        return await self._send_with_next(opened, block)

    async def _send_with_next(self, opened: _Opened, block: bytes) -> _Opened | None:
        seconds = self._deadline.within(self._session.server.final_seconds)
        if not seconds:
            raise Stopped.because("body", "timeout", "the dot was held back: the time was up")
        block += self._connection.dialogue.final_dot()
        following = self._seal_next()
        if following is not None:
            block += following.commands
        self._connection.check("body")
        self._connection.write(block, "final-dot")
        reply = await self._connection.reply("final-dot", seconds)
        self._found[opened.place] = Exchange("final-dot", reply)
        return None if self._connection.dialogue.closing else following

    async def _ask(self, opened: _Opened) -> tuple[Exchange | None, bool]:
        """Return the refusal of an envelope, if it was refused, and whether content is awaited."""
        seconds = self._deadline.within(self._session.server.reply_seconds)
        refused: Exchange | None = None
        if opened.resets:
            reply = await self._connection.reply("rset", seconds)
            if not reply.positive:
                raise Stopped(Exchange("rset", reply))
        for phase in ("mail", "rcpt", "data"):
            reply = await self._connection.reply(phase, seconds)
            self._resets = reply.positive if phase == "mail" else self._resets
            if refused is None and not (reply.code == 354 if phase == "data" else reply.positive):
                refused = Exchange(phase, reply)
            if self._connection.dialogue.closing:
                return refused, False
        return refused, reply.code == 354

    async def _end_empty(self) -> None:
        self._connection.write(self._connection.dialogue.final_dot(), "rcpt")
        seconds = self._deadline.within(self._session.server.reply_seconds)
        await self._connection.reply("rcpt", seconds)
        self._resets = False

    def _seal_next(self) -> _Opened | None:
        """Return the next message that is fit for the server, with its commands."""
        dialogue = self._connection.dialogue
        while self._next < len(self._messages):
            place, message = self._next, self._messages[self._next]
            self._next += 1
            self._session.served += 1
            try:
                envelope = seal_envelope(message, dialogue.capabilities)
            except Stopped as stopped:
                self._found[place] = stopped.exchange
                continue
            return self._open(place, message, envelope)
        return None

    def _open(self, place: int, message: EmailMessage, envelope: Envelope) -> _Opened:
        dialogue, resets = self._connection.dialogue, self._resets
        commands = dialogue.rset() if resets else b""
        commands += dialogue.mail(envelope) + dialogue.rcpt(envelope) + dialogue.data()
        self._resets = False
        return _Opened(place, message, commands, resets)

    def _write(self, opened: _Opened | None) -> None:
        if opened is not None:
            self._connection.write(opened.commands, "mail")
