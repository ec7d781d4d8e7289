"""Requests over HTTP/2 by h2: many at once on few connections, and the phase of a loss.

A server may promise that it has not processed a request (RFC 9113 §6.8 GOAWAY, §8.7
REFUSED_STREAM): then a loss is no doubt. Nothing is repeated here; the ledger repeats.
"""

import asyncio
import socket
import time
from collections import deque
from typing import Final
from urllib.parse import urlsplit

from domain.http import HttpExchange, HttpRequest
from transport.http.guard import AddressRefused, Guard
from transport.http.http2_connection import Http2Connection
from transport.http.http2_stream import Lost, Progress
from transport.http.server import HttpServer, tls_context
from transport.http.tracing import span_of, tell

_KEEP_SECONDS: Final = 60.0
"""An idle connection is not trusted for longer: a network may have forgotten it in silence."""
_CLOSE_SECONDS: Final = 2.0
_PORTS: Final = {"https": 443, "http": 80}

Origin = tuple[str, str, int]


class Http2Pool:
    """Connections over HTTP/2 to the servers of one account; another is opened when all are full.

    An http:// URL is spoken to without TLS, as a server that is known to speak HTTP/2 (§3.3).
    """

    def __init__(self, server: HttpServer, guard: Guard) -> None:
        self._server = server
        self._guard = guard
        self._open: list[tuple[Origin, Http2Connection]] = []
        self._opening = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def exchange(self, request: HttpRequest, *, deadline: float) -> HttpExchange:
        """Try once, until `deadline` (of time.monotonic()); never raises for server or network."""
        progress = Progress()
        with span_of(request) as span:
            try:
                async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                    found = await self._ask(request, progress)
            except (Lost, OSError, TimeoutError, ValueError) as error:
                found = _failed(error, progress)
            tell(span, found)
            return found

    async def close(self) -> None:
        """Close the connections; what is under way is lost."""
        closing = [one.closed for _, one in self._open]
        for _, one in self._open:
            one.leave("closed by us")
            one.abort("closed by us")
        if closing:
            await asyncio.wait(closing, timeout=_CLOSE_SECONDS)

    async def _ask(self, request: HttpRequest, progress: Progress) -> HttpExchange:
        connection = await self._lend(_origin(request.url), progress)
        async with asyncio.timeout(self._server.reply_seconds):
            answer = await connection.ask(request, progress)
        return HttpExchange(answer, sent=True)

    async def _lend(self, origin: Origin, progress: Progress) -> Http2Connection:
        """Return a connection with room for one more request."""
        while True:
            self._tidy()
            for theirs, one in self._open:
                if theirs == origin and one.free:
                    return one
            if not self._opening and len(self._open) < self._server.connections:
                await self._open_one(origin, progress)
            else:
                progress.phase = "pool"
                await self._room()

    async def _open_one(self, origin: Origin, progress: Progress) -> None:
        self._opening = True
        try:
            async with asyncio.timeout(self._server.connect_seconds):
                connection = await self._connect(origin, progress)
            self._open.append((origin, connection))
        except (Lost, OSError, TimeoutError) as error:
            if not self._live():
                self._fail_waiting(error)
            raise
        finally:
            self._opening = False
            self._changed()

    async def _connect(self, origin: Origin, progress: Progress) -> Http2Connection:
        scheme, host, port = origin
        context = tls_context(self._server.ca_file, http2=True) if scheme == "https" else None
        link = await self._reach(host, port, progress)
        progress.phase = "tls"
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Http2Connection(self._changed),
            sock=link,
            ssl=context,
            server_hostname=host if context else None,
        )
        try:
            await connection.ready
        except asyncio.CancelledError:
            connection.abort("no settings came")
            raise
        if connection.ending:
            raise Lost(connection.ending)
        return connection

    async def _reach(self, host: str, port: int, progress: Progress) -> socket.socket:
        """Return a TCP connection to the first address of a name that answers."""
        loop = asyncio.get_running_loop()
        progress.phase = "dns"
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        progress.phase = "connect"
        for one in found:
            self._guard.check(str(one[4][0]))
        failed: OSError = ConnectionError("no address")
        for family, kind, protocol, _, address in found:
            link = socket.socket(family, kind, protocol)
            link.setblocking(False)
            try:
                await loop.sock_connect(link, address)
            except OSError as error:
                link.close()
                failed = error
            except asyncio.CancelledError:
                link.close()
                raise
            else:
                return link
        raise failed

    async def _room(self) -> None:
        """Wait until there may be room."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._changed()  # it was our turn: let another have it
            raise

    def _fail_waiting(self, error: Exception) -> None:
        """Do not let everybody who waits try for themselves what has just failed."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    def _changed(self) -> None:
        """Wake as many as there is room for; one more where a connection may be opened."""
        room = sum(one.free for _, one in self._open)
        if not self._opening and len(self._live()) < self._server.connections:
            room += 1
        while room > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1

    def _live(self) -> list[tuple[Origin, Http2Connection]]:
        return [(origin, one) for origin, one in self._open if not one.ending]

    def _tidy(self) -> None:
        """Forget connections that take no more, and close those that were idle for long."""
        oldest = asyncio.get_running_loop().time() - _KEEP_SECONDS
        for _, one in self._live():
            if one.idle and one.idle_since < oldest:
                one.leave("idle")
        self._open = self._live()


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not a URL of a server")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _failed(error: Exception, progress: Progress) -> HttpExchange:
    if isinstance(error, AddressRefused):
        return HttpExchange(None, "refused", "connect", str(error))
    if isinstance(error, Lost):
        return HttpExchange(
            None, error.problem, progress.phase, error.detail, progress.sent, error.unprocessed
        )
    problem = "timeout" if isinstance(error, TimeoutError) else "lost"
    return HttpExchange(None, problem, progress.phase, type(error).__name__, progress.sent)
