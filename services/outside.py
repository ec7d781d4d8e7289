"""Calls to addresses that others name: certificates, confirmations, webhooks of modules."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.errors import Unavailable
from domain.http import HttpExchange, HttpRequest

if TYPE_CHECKING:
    from transport.http.pool import HttpPool

MOST_KEPT: Final = 256
_DAY: Final = 86_400.0
_FETCH_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class _Anywhere:
    """The servers of other people: patience for strangers."""

    connections: int = 50
    connect_seconds: float = 5.0
    reply_seconds: float = 15.0
    ca_file: str = ""


class Outside:
    """Connections to strangers; networks that are not public are kept away from them."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = tuple(allowed)
        self._pool: HttpPool | None = None
        self._kept: dict[str, tuple[float, bytes]] = {}

    async def call(self, request: HttpRequest, *, seconds: float) -> HttpExchange:
        """Try once; never raises for what server or network do. Redirects are not followed."""
        return await self._connections().exchange(request, deadline=time.monotonic() + seconds)

    async def fetch(self, requests: Sequence[HttpRequest]) -> dict[str, bytes]:
        """Return bodies by URL, kept for a day; what is not there (4xx) is left out.

        Raises Unavailable when a server does not answer.
        """
        found: dict[str, bytes] = {}
        for one in requests:
            body = await self._fetch(one)
            if body is not None:
                found[one.url] = body
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _fetch(self, request: HttpRequest) -> bytes | None:
        until, body = self._kept.get(request.url, (0.0, b""))
        if time.monotonic() < until:
            return body
        exchange = await self.call(request, seconds=_FETCH_SECONDS)
        answer = exchange.response
        if exchange.problem == "refused" or (answer and 400 <= answer.status < 500):
            return None
        if answer is None or answer.status != 200:
            raise Unavailable(
                "What the signature is checked with cannot be fetched now; repeat the call.",
                headers={"Retry-After": "30"},
            )
        self._kept.pop(request.url, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[request.url] = (time.monotonic() + _DAY, answer.body)
        return answer.body

    def _connections(self) -> HttpPool:
        if self._pool is None:
            # The HTTP client is loaded only where something is called: it takes its time.
            from transport.http.guard import Guard
            from transport.http.pool import HttpPool

            self._pool = HttpPool(_Anywhere(), Guard(self._allowed))
        return self._pool
