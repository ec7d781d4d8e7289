"""Sessions of one account at a mail server: kept, reused, recycled, and never more than so many."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final

import structlog

from domain.message import EmailMessage
from transport.smtp.exchange import OUR_REFUSALS, Exchange, Phase, Stopped
from transport.smtp.opening import open_session
from transport.smtp.server import Server, make_tls_context
from transport.smtp.session import Deadline, Session
from transport.smtp.train import Train

MESSAGES_PER_SESSION: Final = 100
IDLE_SECONDS: Final = 60.0
GOODBYE_SECONDS: Final = 2.0

_BEFORE_BODY: Final[frozenset[Phase]] = frozenset({"rset", "mail", "rcpt", "data"})

_NO_SLOT: Final = Exchange("pool", problem="timeout", detail="no connection was free in time")

log = structlog.get_logger()


class SmtpPool:
    """Sends over at most `server.connections` connections; the one used last is used next."""

    def __init__(
        self,
        server: Server,
        *,
        messages_per_session: int = MESSAGES_PER_SESSION,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._server = server
        self._slots = asyncio.Semaphore(server.connections)
        self._messages_per_session = messages_per_session
        self._idle_seconds = idle_seconds
        self._idle: list[tuple[Session, asyncio.TimerHandle]] = []
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def send(self, message: EmailMessage, *, deadline: float) -> Exchange:
        """Return how far the message came; it never raises for what the server or network does.

        `deadline` is a moment of time.monotonic(). A kept connection that turns out dead before
        the content began to leave is replaced once. A cancelled send closes its connection.
        """
        patience = Deadline(deadline)
        if not await self._has_slot(patience):
            return _NO_SLOT
        try:
            return await self._send(message, patience)
        except Stopped as stopped:
            return stopped.exchange
        finally:
            self._slots.release()

    async def send_all(
        self, messages: Sequence[EmailMessage], *, deadline: float
    ) -> list[Exchange]:
        """Return how far each of the messages came, which go over one connection, one after the
        other; as `send` otherwise. What a lost connection left unsent goes over another.
        """
        patience = Deadline(deadline)
        if not await self._has_slot(patience):
            return [_NO_SLOT] * len(messages)
        try:
            return await self._send_all(messages, patience)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Say goodbye on idle connections; busy ones are closed when their message is done."""
        self._closed = True
        idle, self._idle = self._idle, []
        for session, timer in idle:
            timer.cancel()
            session.connection.close()
        if idle:
            await asyncio.wait(
                [session.connection.closed for session, _ in idle], timeout=GOODBYE_SECONDS
            )

    async def _has_slot(self, patience: Deadline) -> bool:
        try:
            async with asyncio.timeout(patience.left()):
                await self._slots.acquire()
        except TimeoutError:
            return False
        return True

    async def _send_all(
        self, messages: Sequence[EmailMessage], deadline: Deadline
    ) -> list[Exchange]:
        found: list[Exchange] = []
        anew = False
        while left := messages[len(found) :]:
            try:
                session = (None if anew else self._take()) or await self._open(deadline)
            except Stopped as stopped:
                return [*found, *[stopped.exchange] * len(left)]
            kept, room = session.served > 0, max(self._messages_per_session - session.served, 1)
            train = Train(session, left[:room], deadline)
            await train.run()
            self._put_back(session, unharmed=train.unharmed)
            ends = train.exchanges
            anew = (kept or len(ends) > 1) and _found_dead(ends[-1])
            if anew:
                log.info("smtp.connection.replaced", phase=ends[-1].phase)
            found += ends[:-1] if anew else ends
        return found

    async def _send(self, message: EmailMessage, deadline: Deadline) -> Exchange:
        session = self._take() or await self._open(deadline)
        reused = session.served > 0
        try:
            exchange = await self._use(session, message, deadline)
        except Stopped as stopped:
            if not (reused and _found_dead(stopped.exchange)):
                raise
            exchange = stopped.exchange
        if reused and _found_dead(exchange):
            log.info("smtp.connection.replaced", phase=exchange.phase)
            return await self._use(await self._open(deadline), message, deadline)
        return exchange

    async def _use(self, session: Session, message: EmailMessage, deadline: Deadline) -> Exchange:
        try:
            exchange = await session.deliver(message, deadline)
        except Stopped as stopped:
            self._put_back(session, unharmed=stopped.exchange.problem in OUR_REFUSALS)
            raise
        except BaseException:
            session.connection.stop("lost", "the send was cancelled")
            raise
        self._put_back(session, unharmed=True)
        return exchange

    async def _open(self, deadline: Deadline) -> Session:
        if self._tls is None:
            try:
                self._tls = make_tls_context(self._server)
            except OSError as error:
                raise Stopped.because("tls", "unsupported", f"ca_file: {error}") from error
        return await open_session(self._server, self._tls, deadline)

    def _take(self) -> Session | None:
        while self._idle:
            session, timer = self._idle.pop()
            timer.cancel()
            if session.connection.usable:
                return session
            session.connection.close()
        return None

    def _put_back(self, session: Session, *, unharmed: bool) -> None:
        worn = session.served >= self._messages_per_session or self._closed
        if not unharmed or worn or not session.connection.usable:
            session.connection.close()
            return
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._idle_seconds, self._retire, session)
        self._idle.append((session, timer))

    def _retire(self, session: Session) -> None:
        self._idle = [kept for kept in self._idle if kept[0] is not session]
        session.connection.close()


def _found_dead(exchange: Exchange) -> bool:
    """Whether a kept connection was at its end, with nothing of the content on its way."""
    ended = exchange.reply is None or exchange.reply.code == 421
    return ended and exchange.phase in _BEFORE_BODY and exchange.problem not in OUR_REFUSALS
