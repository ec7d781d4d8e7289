"""One connection to a mail server: carries a dialogue's bytes and knows when it was lost."""

import asyncio
from collections import deque
from typing import cast

from transport.smtp.exchange import Phase, Problem, Stopped
from transport.smtp.protocol import Answer, Dialogue
from transport.smtp.replies import MalformedReply, Reply


class Connection(asyncio.Protocol):
    """The socket's end of a dialogue; whatever goes wrong with it ends every wait as Stopped."""

    def __init__(self) -> None:
        self.dialogue = Dialogue()
        self.closed = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._answers: deque[Answer] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._flushed = True
        self._problem: Problem = ""
        self._detail = ""

    @property
    def transport(self) -> asyncio.Transport:
        """The transport in use: the socket's, then that of TLS."""
        assert self._transport is not None  # noqa: S101
        return self._transport

    @property
    def usable(self) -> bool:
        """Whether nothing is known that forbids a next command."""
        return not (self._problem or self.dialogue.closing or self.dialogue.phase)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.attach(cast(asyncio.Transport, transport))

    def attach(self, transport: asyncio.Transport) -> None:
        """Go on with this transport; its buffer counts as full while anything is in it."""
        self._transport = transport
        transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Hand the server's bytes to the dialogue."""
        try:
            self._answers.extend(self.dialogue.receive(data))
        except MalformedReply as error:
            self.stop("malformed", str(error))
        self._wake()

    def eof_received(self) -> None:
        """Count a half-closed connection as lost: SMTP has no use for it."""
        self.stop("lost", "the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember the loss."""
        self.stop("lost", str(exc or "the connection was closed"))
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        """Note that bytes wait to leave."""
        self._flushed = False

    def resume_writing(self) -> None:
        """Note that all bytes have left."""
        self._flushed = True
        self._wake()

    def write(self, data: bytes, phase: Phase) -> None:
        """Give bytes to the socket; raises Stopped, and writes nothing, when it is known dead."""
        self.check(phase)
        self.transport.write(data)

    async def reply(self, phase: Phase, seconds: float) -> Reply:
        """Return the next reply; raises Stopped when none comes in time or ever."""
        while not self._answers:
            self.check(phase)
            await self._wait(phase, seconds)
        return self._answers.popleft().reply

    async def flush(self, phase: Phase, seconds: float) -> None:
        """Wait until every written byte has left; raises Stopped when the connection is lost."""
        while not self._flushed:
            self.check(phase)
            await self._wait(phase, seconds)
        self.check(phase)

    def check(self, phase: Phase) -> None:
        """Raise Stopped when the connection has a problem."""
        if self._problem:
            raise Stopped.because(phase, self._problem, self._detail)

    def stop(self, problem: Problem, detail: str) -> None:
        """Drop the connection at once; the first problem is the one remembered."""
        if not self._problem:
            self._problem, self._detail = problem, detail
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    def close(self) -> None:
        """Say goodbye if it is our turn, and close; the server's goodbye is not waited for."""
        if not self.usable:
            return self.stop("lost", "given up")
        self.transport.write(self.dialogue.quit())
        self._problem, self._detail = "lost", "closed by us"
        return self.transport.close()

    async def _wait(self, phase: Phase, seconds: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._waiter
        except TimeoutError:
            raise Stopped.because(phase, "timeout", "the time was up") from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
