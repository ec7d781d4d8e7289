"""Vendors' own calls: checked by their signature, kept, acted on, and answered as they want it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Forbidden, Invalid, NotFound, Unavailable
from domain.http import HttpRequest, HttpResponse, Webhook, is_mail
from domain.ids import InvalidId, decode, encode, new_id
from domain.report import Heard, ReceiptForged
from domain.storable import storable_text
from services import replies, reports
from services.access import Actor
from services.app import App
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.relooking import wake_all
from services.reply_answers import Answering, start_answers
from services.reports import FOREIGN, HEARD, REPEATED, UNMATCHED
from services.times import stamp
from stores import accounts, receipt_counts, webhook_calls
from stores.database import DATABASE_ERRORS
from stores.sealing import SealBroken
from stores.webhook_calls import WebhookCall
from vendors.contract import Checking, VendorKind, Webhooks
from vendors.http_outcomes import Unreadable
from vendors.registry import KINDS

log = structlog.get_logger()

MOST_OCTETS: Final = 1_048_576
MOST_MAIL_OCTETS: Final = 10_485_760
"""Of a call that is a mail: reports of some servers return all of what was sent."""
FORGED, UNREADABLE = "forged", "unreadable"
VERDICTS: Final = (HEARD, REPEATED, UNMATCHED, FOREIGN, UNREADABLE, FORGED)
_FORGED_KEPT: Final = 5
"""Forged calls that are stored with their reason, per account and 10 seconds; all are counted."""

_HEADERS: Final = frozenset(
    {
        "content-type", "content-length", "user-agent", "date", "x-amz-sns-message-type",
        "x-amz-sns-message-id", "x-amz-sns-topic-arn", "i-twilio-idempotency-token",
        "x-twilio-email-event-webhook-timestamp", "webhook-id", "webhook-timestamp",
    }
)  # fmt: skip
"""What is kept of a call's headers: no signature, no token."""

_BROKEN: Final = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What taking apart a call of the wrong shape raises."""


async def hear(app: App, account_text: str, webhook: Webhook) -> HttpResponse:
    """Take a vendor's call and return the answer that the vendor wants.

    Raises NotFound, Forbidden for a call that the vendor did not sign, Invalid for one that is
    signed but cannot be read, and Unavailable only for one that was not stored.
    """
    account, kind, webhooks = await _account(app, account_text)
    if webhook.method == "HEAD":
        return HttpResponse(200)  # whether somebody listens here, and nothing else
    settings = _settings(app, account, kind)
    await _verify(app, account.id, webhooks, webhook, settings)
    try:
        heard = webhooks.receipts(webhook, settings)
    except _BROKEN as error:
        why = str(error) if isinstance(error, Unreadable) else type(error).__name__
        await _keep_unreadable(app, account.id, webhook, why)
        raise Invalid(f"The call is signed but cannot be read: {why}.") from None
    call_id = new_id()
    answers, woken = await _keep(app, account.id, call_id, webhook, heard)
    await start_answers(app, answers)
    await wake_all(app, woken)
    if heard.follow is not None:
        await _follow(app, call_id, heard.follow)
    return heard.answer


async def keep_forged(app: App, account_id: UUID, webhook: Webhook, why: str) -> None:
    """Count a forged call; the first ones of a while are stored too, without what they say."""

    async def work(conn: AsyncConnection) -> None:
        seen = await receipt_counts.count(conn, account_id, forged=1)
        if seen <= _FORGED_KEPT:
            call = _call(new_id(), account_id, webhook, FORGED, detail=why, whole=False)
            await webhook_calls.add(conn, call)

    await app.db.retrying(work)


async def find(
    app: App,
    actor: Actor,
    *,
    account: Sequence[str] = (),
    verdict: Sequence[str] = (),
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return what vendors called, newest first; bodies only for who may change accounts."""
    actor.require("accounts:read")
    for number, one in enumerate(verdict):
        if one not in VERDICTS:
            raise Invalid.field(f"verdict[{number}]", f"is none of {', '.join(VERDICTS)}")
    async with app.db.leader() as conn:
        rows = await webhook_calls.find(
            conn,
            accounts=[_account_id(one) for one in account],
            verdicts=list(verdict),
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    whole = actor.may("accounts:write")
    items = [_view(row, whole=whole) for row in rows[:limit]]
    return Page(items, next_cursor([row.id for row in rows], limit))


async def _account(app: App, text: str) -> tuple[Row[Any], VendorKind, Webhooks]:
    """Return an account that can be called; one look-up, whatever the id looks like."""
    try:
        id = decode("acc", text)
    except InvalidId:
        id = UUID(int=0)
    async with app.db.leader() as conn:
        row = await accounts.get(conn, id)
    kind = KINDS.get(row.vendor) if row is not None else None
    if row is None or kind is None or kind.webhooks is None:
        raise NotFound("There is no account here that takes receipts.")
    return row, kind, kind.webhooks


def _settings(app: App, account: Row[Any], kind: VendorKind) -> Any:
    try:
        return kind.read(app.seal.open(account.settings))
    except (SealBroken, ValidationError) as error:
        log.error("receipts.settings_unusable", account=encode("acc", account.id))
        raise Unavailable(
            "The settings of this account cannot be read now; repeat the call.",
            headers={"Retry-After": "60"},
        ) from error


async def _verify(
    app: App, account_id: UUID, webhooks: Webhooks, webhook: Webhook, settings: Any
) -> None:
    try:
        needed = webhooks.needs(webhook, settings)
        material = await app.outside.fetch(needed)
        checking = Checking(datetime.now(UTC), material, app.return_paths)
        webhooks.verify(webhook, settings, checking)
    except ReceiptForged as forged:
        await keep_forged(app, account_id, webhook, str(forged))
        raise Forbidden(f"The call is not signed as it must be: {forged}.") from None
    except _BROKEN as error:
        await keep_forged(app, account_id, webhook, f"cannot be checked: {type(error).__name__}")
        raise Forbidden("The call is not signed as it must be: it cannot be checked.") from None


async def _keep_unreadable(app: App, account_id: UUID, webhook: Webhook, why: str) -> None:
    said = webhook.url.partition("?")[2] + webhook.body.decode("utf-8", "replace")

    async def work(conn: AsyncConnection) -> None:
        # A mail may return a one-time password without naming its attempt as we do.
        whole = not is_mail(webhook.headers) and await reports.names_no_password(conn, said)
        call = _call(new_id(), account_id, webhook, UNREADABLE, detail=why, whole=whole)
        await webhook_calls.add(conn, call)

    await app.db.retrying(work)


async def _keep(
    app: App, account_id: UUID, call_id: UUID, webhook: Webhook, heard: Heard
) -> tuple[list[Answering], Sequence[str]]:
    """Store a call with everything it says, and all that follows, in one transaction; return what
    is to be answered, and the workflows that are to be woken.
    """

    async def work(conn: AsyncConnection) -> tuple[list[Answering], Sequence[str]]:
        kept = await reports.keep(conn, account_id, heard.reports, call_id=call_id)
        written, answers = await replies.keep(app, conn, account_id, heard.replies, call_id=call_id)
        told = any(one.kind for one in heard.reports) or bool(heard.replies)
        verdict = kept.verdict
        if verdict == HEARD and told and not kept.fresh and not written:
            verdict = REPEATED
        call = _call(
            call_id, account_id, webhook, verdict, whole=kept.storable, reports=kept.shown()
        )
        await webhook_calls.add(conn, call)
        if heard.reports:
            await receipt_counts.count(conn, account_id, receipts=kept.fresh)
        return answers, kept.woken

    return await app.db.retrying(work)


async def _follow(app: App, call_id: UUID, request: HttpRequest) -> None:
    """Confirm a subscription; that it failed is seen at the call."""
    exchange = await app.outside.call(request, seconds=10)
    answer = exchange.response
    came = f"{exchange.problem} ({exchange.phase})" if answer is None else str(answer.status)
    if answer is None or answer.status >= 300:
        log.warning("receipts.confirmation_failed", call=encode("rpt", call_id), came=came)
    with suppress(*DATABASE_ERRORS):  # the call itself is stored, and must not be told again
        async with app.db.leader() as conn:
            await webhook_calls.note(conn, call_id, f"confirmation: {came}")


def _call(
    id: UUID,
    account_id: UUID,
    webhook: Webhook,
    verdict: str,
    *,
    whole: bool,
    detail: str = "",
    reports: Sequence[dict[str, Any]] = (),
) -> WebhookCall:
    headers = {
        name: storable_text(value[:500])
        for name, value in webhook.headers.items()
        if name in _HEADERS
    }
    query = storable_text(webhook.url.partition("?")[2])
    return WebhookCall(
        id=id,
        account_id=account_id,
        method=webhook.method,
        headers=headers,
        query=query if whole else None,
        body=webhook.body[:MOST_OCTETS] if whole else None,
        bytes=len(webhook.body),
        verdict=verdict,
        detail=storable_text(detail[:500]),
        reports=list(reports),
    )


def _account_id(text: str) -> UUID:
    try:
        return decode("acc", text)
    except InvalidId as error:
        raise Invalid.field("account", str(error)) from None


def _view(row: Row[Any], *, whole: bool) -> dict[str, Any]:
    shown = {
        "id": encode("rpt", row.id),
        "account": encode("acc", row.account_id),
        "account_name": row.account,
        "received_at": stamp(row.received_at),
        "method": row.method,
        "verdict": row.verdict,
        "detail": row.detail,
        "reports": row.reports,
        "headers": row.headers,
        "bytes": row.bytes,
    }
    if whole:
        shown["query"] = row.query
        shown["body"] = None if row.body is None else bytes(row.body).decode("utf-8", "replace")
    return shown
