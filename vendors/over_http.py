"""Makes an account of a vendor's pure functions: it asks, once, and judges what came back."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from domain.http import HttpExchange, HttpRequest, HttpResponse
from domain.message import ContentMessage, Message
from domain.outcome import Outcome
from domain.report import Report
from domain.vocabulary import Channel, OutcomeKind, Scope
from vendors.contract import (
    Absent,
    Capabilities,
    HttpPool,
    Parts,
    Sought,
    Vendor,
    VendorKind,
    Webhooks,
)
from vendors.http_api import Batch, HttpApi, HttpSettings, Login, Moment, Unfit
from vendors.http_outcomes import Unreadable, outcome_of_loss, outcome_of_status

_TOKEN_MARGIN: Final = 300.0
_LEAST_TOKEN_SECONDS: Final = 1.0


def http_kind(
    *,
    name: str,
    title: str,
    channels: Sequence[Channel],
    settings: type[HttpSettings],
    api: HttpApi,
    capabilities: Capabilities = Capabilities(),  # noqa: B008 - frozen
    webhooks: Webhooks | None = None,
) -> VendorKind:
    """Return the kind of a vendor over HTTP."""

    def open_account(given: HttpSettings, parts: Parts) -> Vendor:
        kind = _BatchHttpVendor if api.batch else HttpVendor
        return kind(api, given, parts.http_pool(given))

    return VendorKind(
        name=name,
        title=title,
        channels=frozenset(channels),
        settings=settings,
        open_account=open_account,
        capabilities=capabilities,
        webhooks=webhooks,
    )


class HttpVendor:
    """An account at a vendor over HTTP."""

    takes_fields = True

    def __init__(self, api: HttpApi, settings: HttpSettings, pool: HttpPool) -> None:
        self.settings = settings
        self.default_from: str = getattr(settings, "from_", "")
        self._api = api
        self._pool = pool
        self._skew = timedelta()
        self._tokens = _Tokens()

    async def send(self, message: Message, *, deadline: float) -> Outcome:
        """Hand over one message; raises TypeError for assembled mail."""
        content = _content(message)
        found = await self._hand_over(content, deadline)
        if address := self._moved(found):
            found = await self._hand_over(replace(content, address=address), deadline)
        if not isinstance(found, HttpResponse):
            return found
        outcome = self._read(found, self._api.outcome)
        if outcome.kind is OutcomeKind.ACCEPTED and not outcome.vendor_id:
            return replace(outcome, vendor_id=content.attempt_id)
        return outcome

    async def look_up(self, sought: Sought, *, deadline: float) -> Report | Absent | None:
        """Return what the vendor knows of an attempt; None when nobody can tell now."""
        if self._api.look_up is None:
            return None
        asks = self._api.look_up
        found = await self._ask(
            lambda moment: asks.request(sought, self.settings, moment), deadline
        )
        if not isinstance(found, HttpResponse):
            return None
        try:
            return asks.found(found, sought)
        except _UNREADABLE:
            return None

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def _hand_over(self, content: ContentMessage, deadline: float) -> HttpResponse | Outcome:
        return await self._ask(
            lambda moment: self._api.request(content, self.settings, moment), deadline
        )

    async def _ask(
        self, build: Callable[[Moment], HttpRequest], deadline: float
    ) -> HttpResponse | Outcome:
        """Return the answer to a request, or how it ended without one."""
        repeated = False
        while True:
            token = await self._token(deadline)
            if isinstance(token, Outcome):
                return token
            try:
                request = build(Moment(datetime.now(UTC) + self._skew, token))
            except Unfit as unfit:
                return Outcome(
                    OutcomeKind.REJECTED, unfit.reason, unfit.scope, phase="check",
                    detail=unfit.detail,
                )  # fmt: skip
            exchange = await self._pool.exchange(request, deadline=deadline)
            if exchange.response is None:
                return self._lost(exchange)
            if repeated or not self._mended(exchange.response):
                return exchange.response
            repeated = True

    def _moved(self, found: HttpResponse | Outcome) -> str:
        if self._api.moved is None or not isinstance(found, HttpResponse):
            return ""
        return self._api.moved(found)

    def _mended(self, response: HttpResponse) -> bool:
        """Whether it was the token or the clock, and a second request will be better."""
        if self._api.login is not None and self._api.login.expired(response):
            self._tokens.forget()
            return True
        if self._api.skewed is not None and self._api.skewed(response):
            try:
                theirs = parsedate_to_datetime(response.headers.get("date", ""))
            except (ValueError, TypeError):
                return False
            self._skew = theirs - datetime.now(UTC)
            return True
        return False

    def _lost(self, exchange: HttpExchange) -> Outcome:
        if exchange.problem == "refused" and self._api.endpoint:
            return Outcome(
                OutcomeKind.REJECTED, "invalid_address", Scope.RECIPIENT, phase=exchange.phase,
                detail=exchange.detail,
            )  # fmt: skip
        return outcome_of_loss(exchange)

    def _read(self, response: HttpResponse, read: Callable[[HttpResponse], Outcome]) -> Outcome:
        try:
            return read(response)
        except _UNREADABLE:
            return outcome_of_status(response)

    async def _token(self, deadline: float) -> str | Outcome:
        login = self._api.login
        if login is None:
            return ""
        async with self._tokens.lock:
            if self._tokens.fresh():
                return self._tokens.value
            moment = Moment(datetime.now(UTC) + self._skew)
            exchange = await self._pool.exchange(
                login.request(self.settings, moment), deadline=deadline
            )
            if exchange.response is None:
                # Whatever became of it, the message itself has surely not been sent.
                return Outcome(
                    OutcomeKind.TRANSIENT, "connect_failed", Scope.ACCOUNT, phase="login",
                    detail=exchange.detail,
                )  # fmt: skip
            return self._signed_in(login, exchange.response)

    def _signed_in(self, login: Login, response: HttpResponse) -> str | Outcome:
        if response.status >= 500 or response.status == 429:
            return Outcome(
                OutcomeKind.TRANSIENT, "vendor_unavailable", Scope.ACCOUNT,
                vendor_code=str(response.status), phase="login",
            )  # fmt: skip
        try:
            value, seconds = login.token(response)
        except _UNREADABLE:
            return Outcome(
                OutcomeKind.REJECTED, "auth_failed", Scope.ACCOUNT,
                vendor_code=str(response.status), phase="login",
                detail=response.body[:200].decode("utf-8", "replace"),
            )  # fmt: skip
        self._tokens.keep(value, seconds)
        return value


class _BatchHttpVendor(HttpVendor):
    """An account whose vendor takes several messages in one call."""

    @property
    def batch(self) -> int:
        """How many messages one call may carry."""
        return self._api.batch.size if self._api.batch else 1

    async def send_batch(
        self, messages: Sequence[Message], *, deadline: float
    ) -> Sequence[Outcome]:
        """Hand over messages in one call; those that do not fit go beside it, one by one."""
        batch = self._api.batch
        contents = [_content(message) for message in messages]
        together: list[ContentMessage] = []
        apart: list[ContentMessage] = []
        for one in contents:
            (together if batch is not None and batch.fits(one) else apart).append(one)
        if len(together) < 2:
            together, apart = [], contents
        in_one, alone = await asyncio.gather(
            self._together(batch, together, deadline),
            asyncio.gather(*(self.send(one, deadline=deadline) for one in apart)),
        )
        found = {
            one.attempt_id: outcome
            for one, outcome in zip([*together, *apart], [*in_one, *alone], strict=True)
        }
        return [found[one.attempt_id] for one in contents]

    async def _together(
        self, batch: Batch | None, messages: Sequence[ContentMessage], deadline: float
    ) -> Sequence[Outcome]:
        if batch is None or not messages:
            return []
        calls = batch.divide(messages)
        answers = await asyncio.gather(*(self._one_call(batch, one, deadline) for one in calls))
        found = {
            message.attempt_id: outcome
            for call, outcomes in zip(calls, answers, strict=True)
            for message, outcome in zip(call, outcomes, strict=True)
        }
        return [found[one.attempt_id] for one in messages]

    async def _one_call(
        self, batch: Batch, messages: Sequence[ContentMessage], deadline: float
    ) -> Sequence[Outcome]:
        """Return the outcomes of one call. What refuses it as a whole may be true of one message
        only; nothing was sent then, so each goes alone.
        """
        found = await self._ask(
            lambda moment: batch.request(messages, self.settings, moment), deadline
        )
        outcomes = self._each(batch, messages, found)
        whole = isinstance(found, Outcome) or found.status >= 400
        if whole and len(messages) > 1 and all(map(_of_a_message, outcomes)):
            return await asyncio.gather(*(self.send(one, deadline=deadline) for one in messages))
        return outcomes

    def _each(
        self, batch: Batch, messages: Sequence[ContentMessage], found: HttpResponse | Outcome
    ) -> Sequence[Outcome]:
        if isinstance(found, Outcome):
            return [found] * len(messages)
        try:
            outcomes = batch.outcomes(messages, found)
            if len(outcomes) != len(messages):
                raise Unreadable("the answer is not about each of the messages")
        except _UNREADABLE:
            return [outcome_of_status(found)] * len(messages)
        return outcomes


@dataclass(slots=True)
class _Tokens:
    """The access token in use; renewed five minutes, or a tenth of its life, before its end."""

    value: str = ""
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def fresh(self) -> bool:
        return bool(self.value) and time.monotonic() < self.until

    def keep(self, value: str, seconds: float) -> None:
        left = max(seconds - min(_TOKEN_MARGIN, seconds / 10), _LEAST_TOKEN_SECONDS)
        self.value, self.until = value, time.monotonic() + left

    def forget(self) -> None:
        self.value, self.until = "", 0.0


_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What taking apart an answer of the wrong shape raises; Unreadable is a ValueError."""


def _of_a_message(outcome: Outcome) -> bool:
    return outcome.kind is OutcomeKind.REJECTED and outcome.scope is not Scope.ACCOUNT


def _content(message: Message) -> ContentMessage:
    if not isinstance(message, ContentMessage):
        raise TypeError("takes rendered content, not assembled mail")
    return message
