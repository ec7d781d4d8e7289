"""The access token of an account: got by one call for all who want it at the same time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from domain.http import HttpResponse
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope
from vendors.contract import HttpPool
from vendors.http_api import Login, Moment, OwnToken
from vendors.http_outcomes import UNREADABLE, outcome_of_loss, retry_after, words_of

_MARGIN: Final = 300.0
_LEAST_SECONDS: Final = 1.0
_PHASE: Final = "login"


class Tokens:
    """The token in use; renewed five minutes, or a tenth of its life, before its end."""

    def __init__(self, login: Login | OwnToken, settings: Any, pool: HttpPool) -> None:
        self._login = login
        self._settings = settings
        self._pool = pool
        self._value = ""
        self._until = 0.0
        self._signing_in: asyncio.Task[str | Outcome] | None = None

    async def get(self, skew: timedelta, deadline: float) -> str | Outcome:
        """Return the token, or how the login ended; waits until `deadline` at the latest.

        Whoever waits may give up or be cancelled: the login goes on for the others, with the
        patience of the settings.
        """
        if self._value and time.monotonic() < self._until:
            return self._value
        if self._signing_in is None or self._signing_in.done():
            self._signing_in = asyncio.create_task(self._sign_in(skew))
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await asyncio.shield(self._signing_in)
        except TimeoutError:
            return _transient("connect_failed", "no access token came before the deadline")

    def forget(self, value: str) -> None:
        """Take a token out of use, unless a newer one has taken its place."""
        if value == self._value:
            self._value = ""

    async def close(self) -> None:
        """End a login that nobody waits for any more."""
        if self._signing_in is not None:
            self._signing_in.cancel()
            await asyncio.wait([self._signing_in])

    async def _sign_in(self, skew: timedelta) -> str | Outcome:
        if isinstance(self._login, OwnToken):
            return self._keep(*self._login.issue(self._settings, Moment(datetime.now(UTC) + skew)))
        patience = self._settings.connect_seconds + self._settings.reply_seconds
        exchange = await self._pool.exchange(
            self._login.request(self._settings, Moment(datetime.now(UTC) + skew)),
            deadline=time.monotonic() + patience,
        )
        if exchange.response is not None:
            return self._read(self._login, exchange.response)
        if exchange.problem in ("refused", "unsupported"):
            return outcome_of_loss(exchange)
        # Whatever became of it, the message itself has surely not been sent.
        return _transient("connect_failed", exchange.detail)

    def _read(self, login: Login, response: HttpResponse) -> str | Outcome:
        status = response.status
        if status >= 500 or status in (408, 429):
            wait = retry_after(response.headers)
            return _transient("vendor_unavailable", code=str(status), wait=wait)
        try:
            value, seconds = login.token(response)
        except UNREADABLE:
            return _refused(response)
        if not isinstance(value, str) or not value:
            return _refused(response)
        return self._keep(value, seconds)

    def _keep(self, value: str, seconds: float) -> str:
        left = max(seconds - min(_MARGIN, seconds / 10), _LEAST_SECONDS)
        self._value, self._until = value, time.monotonic() + left
        return value


def _refused(response: HttpResponse) -> Outcome:
    """Return what an answer without a token means; the words of a good one may hold a secret."""
    code = str(response.status)
    if response.status < 300:
        return _transient("vendor_unavailable", "the login's answer holds no token", code=code)
    reason = "config_missing" if response.status < 400 or response.status == 404 else "auth_failed"
    return Outcome(
        OutcomeKind.REJECTED, reason, Scope.ACCOUNT, vendor_code=code, phase=_PHASE,
        detail=words_of(response),
    )  # fmt: skip


def _transient(
    reason: str, detail: str = "", *, code: str = "", wait: float | None = None
) -> Outcome:
    return Outcome(
        OutcomeKind.TRANSIENT, reason, Scope.ACCOUNT, retry_after=wait, vendor_code=code,
        phase=_PHASE, detail=detail,
    )  # fmt: skip
