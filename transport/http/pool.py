"""Requests over HTTP/1.1 by aiohttp: one pool of connections an account, and the phase of a loss.

aiohttp on uvloop sends many times more requests a second than httpx (docs/decisions/0010).
"""

import asyncio
import io
import socket
import time
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from aiohttp import ClientTimeout, TraceConfig
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from domain.http import HttpExchange, HttpRequest, HttpResponse
from transport.http.guard import AddressRefused, Guard, literal
from transport.http.server import HttpServer, NoAuthorities, tls_context
from transport.http.tracing import span_of, tell

MOST_ANSWER: Final = 1_048_576
_PIECE: Final = 65_536
_KEEP_SECONDS: Final = 15.0
_ENDED: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


@dataclass(slots=True)
class _Progress:
    """How far one request is; `left` are octets of the body that were not handed over yet.

    `limit` ends the request at `ends` (of the loop's time), and while a connection is being made
    after `patience` seconds, however many addresses a name has.
    """

    left: int
    patience: float
    limit: asyncio.Timeout
    ends: float
    phase: str = "pool"

    def connects(self) -> None:
        self.phase = "connect"
        self._end_at(min(self.ends, asyncio.get_running_loop().time() + self.patience))

    def connected(self) -> None:
        self.phase = "headers"
        self._end_at(self.ends)

    def body_went(self, octets: int) -> None:
        self.left -= octets
        self.phase = "response" if self.left <= 0 else "body"

    @property
    def sent(self) -> bool:
        return self.phase == "response"

    def _end_at(self, when: float) -> None:
        if not self.limit.expired():
            self.limit.reschedule(when)


class HttpPool:
    """Connections to the servers of one account; redirects are not followed, no cookie is kept."""

    def __init__(self, server: HttpServer, guard: Guard) -> None:
        self._server = server
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: HttpRequest, *, deadline: float) -> HttpExchange:
        """Try once, until `deadline` (of time.monotonic()); never raises for server or network."""
        with span_of(request) as span:
            found = await self._exchange(request, deadline - time.monotonic())
            tell(span, found)
            return found

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(self, request: HttpRequest, seconds: float) -> HttpExchange:
        if seconds <= 0:  # aiohttp would write a small request before it was interrupted
            return HttpExchange(None, "timeout", "pool", "the deadline had passed")
        patience, ends = self._server.connect_seconds, asyncio.get_running_loop().time() + seconds
        progress = _Progress(len(request.body), patience, asyncio.timeout_at(ends), ends)
        try:
            url = URL(request.url, encoded=True)
            if address := literal(url.host or ""):
                self._guard.check(address)
            async with progress.limit:
                return await self._ask(request, url, progress)
        except _ENDED as error:
            return _failed(error, progress)

    async def _ask(self, request: HttpRequest, url: URL, progress: _Progress) -> HttpExchange:
        async with self._open().request(
            request.method,
            url,
            headers=dict(request.headers),
            data=_in_pieces(request.body),
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as answer:
            progress.phase = "response"
            body = bytearray()
            async for piece in answer.content.iter_chunked(_PIECE):
                body += piece
                if len(body) > MOST_ANSWER:
                    answer.close()
                    detail = f"the answer is longer than {MOST_ANSWER:,} octets"
                    return HttpExchange(None, "too_large", "response", detail, sent=True)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return HttpExchange(HttpResponse(answer.status, headers, bytes(body)), sent=True)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._server.connections,
                ssl=tls_context(self._server.ca_file),
                resolver=_GuardedResolver(self._guard),
                keepalive_timeout=_KEEP_SECONDS,
                ttl_dns_cache=30,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=ClientTimeout(
                    total=None,
                    connect=None,
                    sock_connect=None,  # _Progress has one patience for all addresses of a name
                    sock_read=self._server.reply_seconds,
                    ceil_threshold=1e9,
                ),
                headers={"User-Agent": "Tocsin"},
                skip_auto_headers=("Accept-Encoding",),
                trace_configs=[_phases()],
            )
        return self._session


class _GuardedResolver(AbstractResolver):
    """Resolves names, and refuses those that lead to an address that must not be reached."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            self._guard.check(one["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()


def _phases() -> TraceConfig:
    """Return hooks that keep a request's _Progress up to date."""
    config = TraceConfig()

    def enters(phase: str) -> Any:
        async def enter(_session: Any, context: Any, _params: Any) -> None:
            context.trace_request_ctx.phase = phase

        return enter

    async def connects(_session: Any, context: Any, _params: Any) -> None:
        context.trace_request_ctx.connects()

    async def connected(_session: Any, context: Any, _params: Any) -> None:
        context.trace_request_ctx.connected()

    async def headers_went(_session: Any, context: Any, _params: Any) -> None:
        context.trace_request_ctx.body_went(0)

    async def chunk_went(_session: Any, context: Any, params: Any) -> None:
        context.trace_request_ctx.body_went(len(params.chunk))

    config.on_connection_create_start.append(connects)
    config.on_dns_resolvehost_start.append(enters("dns"))
    config.on_dns_resolvehost_end.append(enters("connect"))
    config.on_dns_cache_hit.append(enters("connect"))
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(enters("headers"))
    config.on_request_headers_sent.append(headers_went)
    config.on_request_chunk_sent.append(chunk_went)
    return config


def _in_pieces(body: bytes) -> bytes | io.BytesIO | None:
    """Return a body so that a long one is written piece by piece: its progress is then known."""
    return io.BytesIO(body) if len(body) > _PIECE else body or None


def _failed(error: Exception, progress: _Progress) -> HttpExchange:
    if isinstance(error, NoAuthorities):
        return HttpExchange(None, "unsupported", "tls", str(error))
    inner = getattr(error, "os_error", None) or error.__cause__
    refused = next((one for one in (error, inner) if isinstance(one, AddressRefused)), None)
    if refused is not None:
        return HttpExchange(None, "refused", "connect", str(refused))
    phase = progress.phase
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        phase = "dns"
    elif isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        phase = "tls"
    problem = "timeout" if isinstance(error, TimeoutError) else "lost"
    return HttpExchange(None, problem, phase, _words(error), sent=progress.sent)


def _words(error: Exception) -> str:
    """Return an error's kind, and its words where they cannot hold the URL."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{type(error).__name__}: {error.os_error.strerror or 'no connection'}"
    return type(error).__name__
