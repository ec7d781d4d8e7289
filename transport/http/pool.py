"""Requests over HTTP/1.1 by aiohttp: one pool of connections an account, and the phase of a loss.

aiohttp on uvloop sends many times more requests a second than httpx (docs/decisions/0010).
"""

import asyncio
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
from transport.http.server import HttpServer, tls_context
from transport.http.tracing import span_of, tell

MOST_ANSWER: Final = 1_048_576
_KEEP_SECONDS: Final = 15.0
_ENDED: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


@dataclass(slots=True)
class _Progress:
    """How far one request is; `left` are octets of the body that were not handed over yet."""

    phase: str
    left: int

    @property
    def sent(self) -> bool:
        return self.phase == "response"

    def body_went(self, octets: int) -> None:
        self.left -= octets
        self.phase = "response" if self.left <= 0 else "body"


class HttpPool:
    """Connections to the servers of one account; redirects are not followed, no cookie is kept."""

    def __init__(self, server: HttpServer, guard: Guard) -> None:
        self._server = server
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: HttpRequest, *, deadline: float) -> HttpExchange:
        """Try once, until `deadline` (of time.monotonic()); never raises for server or network."""
        progress = _Progress("pool", len(request.body))
        with span_of(request) as span:
            found = await self._exchange(request, progress, deadline)
            tell(span, found)
            return found

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(
        self, request: HttpRequest, progress: _Progress, deadline: float
    ) -> HttpExchange:
        try:
            url = URL(request.url, encoded=True)
            if address := literal(url.host or ""):
                self._guard.check(address)
            async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                return await self._ask(request, url, progress)
        except _ENDED as error:
            return _failed(error, progress)

    async def _ask(self, request: HttpRequest, url: URL, progress: _Progress) -> HttpExchange:
        async with self._open().request(
            request.method,
            url,
            headers=dict(request.headers),
            data=request.body or None,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as answer:
            progress.phase = "response"
            body = bytearray()
            async for piece in answer.content.iter_chunked(65_536):
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
                    sock_connect=self._server.connect_seconds,
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

    async def headers_went(_session: Any, context: Any, _params: Any) -> None:
        context.trace_request_ctx.body_went(0)

    async def chunk_went(_session: Any, context: Any, params: Any) -> None:
        context.trace_request_ctx.body_went(len(params.chunk))

    config.on_connection_create_start.append(enters("connect"))
    config.on_dns_resolvehost_start.append(enters("dns"))
    config.on_dns_resolvehost_end.append(enters("connect"))
    config.on_dns_cache_hit.append(enters("connect"))
    config.on_connection_create_end.append(enters("headers"))
    config.on_connection_reuseconn.append(enters("headers"))
    config.on_request_headers_sent.append(headers_went)
    config.on_request_chunk_sent.append(chunk_went)
    return config


def _failed(error: Exception, progress: _Progress) -> HttpExchange:
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
