"""Requests over HTTP/2 by httpcore: many at once on few connections, and the phase of a loss.

A server may promise that it has not processed a request (RFC 9113 §6.8 GOAWAY, §8.7
REFUSED_STREAM): then a loss is no doubt.
"""

import asyncio
import socket
import time
from collections.abc import Iterable
from typing import Any, Final

import h2.errors
import h2.events
import httpcore
from httpcore import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

from domain.http import HttpExchange, HttpRequest, HttpResponse
from transport.http.guard import AddressRefused, Guard
from transport.http.pool import MOST_ANSWER
from transport.http.server import HttpServer, tls_context
from transport.http.tracing import span_of, tell

_KEEP_SECONDS: Final = 300.0
_PHASES: Final = {
    "connection.connect_tcp.started": "connect",
    "connection.start_tls.started": "tls",
    "connection.start_tls.complete": "headers",
    "http2.send_request_headers.started": "headers",
    "http2.send_request_headers.complete": "body",
    "http2.send_request_body.complete": "response",
}
_ENDED: Final = (
    httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException,
    httpcore.UnsupportedProtocol, OSError, TimeoutError, ValueError,
)  # fmt: skip
_NOTHING_SENT: Final = (
    httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout,
    httpcore.ConnectionNotAvailable, httpcore.UnsupportedProtocol,
)  # fmt: skip


class _Progress:
    """How far one request is."""

    def __init__(self) -> None:
        self.phase = "pool"

    async def trace(self, event: str, _info: Any) -> None:
        self.phase = _PHASES.get(event, self.phase)


class Http2Pool:
    """Connections over HTTP/2 to the servers of one account."""

    def __init__(self, server: HttpServer, guard: Guard) -> None:
        self._server = server
        self._guard = guard
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def exchange(self, request: HttpRequest, *, deadline: float) -> HttpExchange:
        """Try once, until `deadline` (of time.monotonic()); never raises for server or network."""
        progress = _Progress()
        with span_of(request) as span:
            try:
                async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                    found = await self._ask(request, progress)
            except _ENDED as error:
                found = _failed(error, progress.phase)
            tell(span, found)
            return found

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    async def _ask(self, request: HttpRequest, progress: _Progress) -> HttpExchange:
        patience = {
            "connect": self._server.connect_seconds,
            "pool": self._server.connect_seconds,
            "write": self._server.reply_seconds,
            "read": self._server.reply_seconds,
        }
        async with self._open().stream(
            request.method,
            request.url,
            headers=[(name.lower(), value) for name, value in request.headers.items()],
            content=request.body,
            extensions={"timeout": patience, "trace": progress.trace},
        ) as answer:
            body = bytearray()
            async for piece in answer.aiter_stream():
                body += piece
                if len(body) > MOST_ANSWER:
                    detail = f"the answer is longer than {MOST_ANSWER:,} octets"
                    return HttpExchange(None, "too_large", "response", detail, sent=True)
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in answer.headers
            }
            return HttpExchange(HttpResponse(answer.status, headers, bytes(body)), sent=True)

    def _open(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=tls_context(self._server.ca_file, http2=True),
                max_connections=self._server.connections,
                keepalive_expiry=_KEEP_SECONDS,
                http1=False,
                http2=True,
                network_backend=_GuardedBackend(self._guard),
            )
        return self._pool


class _GuardedBackend(AsyncNetworkBackend):
    """Connects to addresses that may be reached; the name is resolved once, here."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM
        )
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for address in addresses:
            self._guard.check(address)
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )


def _failed(error: Exception, phase: str) -> HttpExchange:
    if isinstance(error, AddressRefused):
        return HttpExchange(None, "refused", "connect", str(error))
    timed_out = isinstance(error, TimeoutError | httpcore.TimeoutException)
    sent = phase in ("body", "response") and not isinstance(error, _NOTHING_SENT)
    if isinstance(error, socket.gaierror):
        phase = "dns"
    # A body over HTTP/2 may have been read before it was written to its end.
    return HttpExchange(
        None,
        "timeout" if timed_out else "lost",
        phase,
        type(error).__name__,
        sent=sent,
        unprocessed=_unprocessed(error),
    )


def _unprocessed(error: Exception) -> bool:
    """Whether the server says that it has not processed the stream."""
    event = error.args[0] if error.args else None
    if isinstance(event, h2.events.StreamReset):
        return event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
    return isinstance(error, httpcore.ConnectionNotAvailable)
