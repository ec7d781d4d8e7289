"""One connection to a mail server: carries a dialogue's bytes and knows when it was lost."""

import asyncio
import time
from collections import deque
from typing import Final, cast

from transport.smtp.exchange import Phase, Problem, Stopped
from transport.smtp.protocol import Answer, Dialogue
from transport.smtp.replies import MalformedReply, Reply

FLUSH_PAUSE: Final = 0.001
FLUSH_PAUSE_MOST: Final = 0.02


class Connection(asyncio.Protocol):
    """The socket's end of a dialogue; whatever goes wrong with it ends every wait as Stopped."""

    def __init__(self) -> None:
        self.dialogue = Dialogue()
        self.closed = asyncio.get_running_loop().create_future()
        self._transports: list[asyncio.Transport] = []
        self._answers: deque[Answer] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._problem: Problem = ""
        self._detail = ""

    @property
    def transport(self) -> asyncio.Transport:
        """The transport in use: the socket's, or that of TLS above it."""
        return self._transports[-1]

    @property
    def usable(self) -> bool:
        """Whether nothing is known that forbids a next command."""
        return not (self._problem or self.dialogue.closing or self.dialogue.phase)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.attach(cast(asyncio.Transport, transport))

    def attach(self, transport: asyncio.Transport) -> None:
        """Go on with this transport, above those that were in use."""
        self._transports.append(transport)

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
        """Wait until the system has taken every written byte; raises Stopped.

        The buffers are looked at again and again, because under TLS no event loop tells when the
        buffer of the socket itself is empty.
        """
        until, pause = time.monotonic() + seconds, 0.0
        self.check(phase)
        while any(transport.get_write_buffer_size() for transport in self._transports):
            await asyncio.sleep(pause)
            self.check(phase)
            if time.monotonic() >= until:
                raise Stopped.because(phase, "timeout", "the time was up")
            pause = min(pause + FLUSH_PAUSE, FLUSH_PAUSE_MOST)

    def check(self, phase: Phase) -> None:
        """Raise Stopped when the connection has a problem.

        An event loop empties the buffers of a lost connection a moment before it tells the loss.
        """
        if not self._problem and any(transport.is_closing() for transport in self._transports):
            self.stop("lost", "the connection was closed")
        if self._problem:
            raise Stopped.because(phase, self._problem, self._detail)

    def stop(self, problem: Problem, detail: str) -> None:
        """Drop the connection at once; the first problem is the one remembered."""
        if not self._problem:
            self._problem, self._detail = problem, detail
        for transport in reversed(self._transports):
            transport.abort()
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
