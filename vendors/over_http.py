"""Makes an account of a vendor's pure functions: it asks, once, and judges what came back."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

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
from vendors.http_api import Batch, HttpApi, HttpSettings, Moment, Unfit
from vendors.http_outcomes import UNREADABLE, Unreadable, outcome_of_loss, outcome_of_status
from vendors.tokens import Tokens


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
        capabilities=replace(capabilities, look_up=api.look_up is not None),
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
        self._tokens = Tokens(api.login, settings, pool) if api.login else None

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
        except UNREADABLE:
            return None

    async def close(self) -> None:
        """Close the connections."""
        if self._tokens is not None:
            await self._tokens.close()
        await self._pool.close()

    async def _hand_over(self, content: ContentMessage, deadline: float) -> HttpResponse | Outcome:
        return await self._ask(
            lambda moment: self._api.request(content, self.settings, moment), deadline
        )

    def _moved(self, found: HttpResponse | Outcome) -> str:
        if self._api.moved is None or not isinstance(found, HttpResponse):
            return ""
        return self._api.moved(found)

    async def _ask(
        self, build: Callable[[Moment], HttpRequest], deadline: float
    ) -> HttpResponse | Outcome:
        """Return the answer to a request, or how it ended without one."""
        repeated = False
        while True:
            token = "" if self._tokens is None else await self._tokens.get(self._skew, deadline)
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
            if repeated or not self._mended(exchange.response, token):
                return exchange.response
            repeated = True

    def _mended(self, response: HttpResponse, token: str) -> bool:
        """Whether it was the token or the clock, and a second request will be better."""
        if self._tokens and self._api.login and self._api.login.expired(response):
            self._tokens.forget(token)
            return True
        if self._api.skewed is not None and self._api.skewed(response):
            try:
                theirs = parsedate_to_datetime(response.headers.get("date", ""))
                self._skew = theirs - datetime.now(UTC)
            except (ValueError, TypeError):  # no date, or one without a zone
                return False
            return True
        return False

    def _lost(self, exchange: HttpExchange) -> Outcome:
        found = outcome_of_loss(exchange)
        if not self._api.endpoint or found.scope is not Scope.ACCOUNT:
            return found
        reason = "invalid_address" if exchange.problem == "refused" else found.reason
        return replace(found, scope=Scope.RECIPIENT, reason=reason)

    def _read(self, response: HttpResponse, read: Callable[[HttpResponse], Outcome]) -> Outcome:
        try:
            return read(response)
        except UNREADABLE:
            return outcome_of_status(response)


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
        if batch is None or len(together) < 2:
            return await self._each(contents, deadline)
        in_one, alone = await asyncio.gather(
            self._together(batch, together, deadline), self._each(apart, deadline)
        )
        found = {
            one.attempt_id: outcome
            for one, outcome in zip([*together, *apart], [*in_one, *alone], strict=True)
        }
        return [found[one.attempt_id] for one in contents]

    async def _together(
        self, batch: Batch, messages: Sequence[ContentMessage], deadline: float
    ) -> Sequence[Outcome]:
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
        if isinstance(found, Outcome):
            unfit = found.phase == "check"
            return await self._each(messages, deadline) if unfit else [found] * len(messages)
        try:
            outcomes = batch.outcomes(messages, found)
            if len(outcomes) != len(messages):
                raise Unreadable("the answer is not about each of the messages")
        except UNREADABLE:
            outcomes = [outcome_of_status(found)] * len(messages)
        if found.status >= 400 and len(messages) > 1 and all(map(_refused, outcomes)):
            return await self._each(messages, deadline)
        return outcomes

    async def _each(self, messages: Sequence[ContentMessage], deadline: float) -> Sequence[Outcome]:
        return await asyncio.gather(*(self.send(one, deadline=deadline) for one in messages))


def _refused(outcome: Outcome) -> bool:
    return outcome.kind is OutcomeKind.REJECTED and outcome.scope is not Scope.ACCOUNT


def _content(message: Message) -> ContentMessage:
    if not isinstance(message, ContentMessage):
        raise TypeError("takes rendered content, not assembled mail")
    return message
