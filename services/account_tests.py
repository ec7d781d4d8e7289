"""Trying an account: one message through it at once, and what came of it in plain words."""

import time
from typing import Any, Final

from pydantic import ValidationError

from channels.message import build
from channels.problems import ContentRefused
from domain.contract.account import AccountTest
from domain.contract.content import Content
from domain.errors import Invalid
from domain.ids import encode, new_id
from domain.outcome import Outcome
from domain.sealed_settings import secret_names
from domain.vocabulary import Channel, OutcomeKind, Scope
from services.access import Actor
from services.account_settings import opened
from services.accounts import find_row
from services.app import App
from services.auditing import audit_subject
from services.fields import field_errors
from services.vendor_parts import vendor_parts
from vendors.contract import VendorSettings
from vendors.registry import KINDS

SECONDS: Final = 20.0
_HELLO: Final = "It works: this is a test of the account {name}."
_PUSHED: Final = frozenset({Channel.PUSH, Channel.WEBPUSH, Channel.INAPP})
_REACH: Final = ("base_url", "url", "host", "port", "security", "ca_file")
_SENDER: Final = (
    "from",
    "bounces",
    "messaging_service_sid",
    "phone_number_id",
    "configuration_set",
)


async def try_account(app: App, actor: Actor, id_text: str, request: AccountTest) -> dict[str, Any]:
    """Send one message, outside routing and ledger, and tell the outcome and where to look."""
    actor.require("accounts:write")
    async with app.db.leader() as conn:
        row = await find_row(conn, id_text)
        settings = opened(app.seal, row)
    channel = Channel(row.channel)
    content = _content(channel, request, row.name)
    sender = KINDS[row.vendor].open_account(settings, vendor_parts(app))
    attempt = encode("att", new_id())
    started = time.monotonic()
    try:
        message = build(
            channel,
            content,
            as_fields=sender.takes_fields,
            address=request.address,
            name="",
            attempt_id=attempt,
            notification_id=encode("ntf", new_id()),
            default_from=sender.default_from or app.settings.mail_from,
            target=request.target,
        )
        outcome = await sender.send(message, deadline=started + SECONDS)
    except ContentRefused as error:
        raise Invalid.field("content", str(error)) from None
    except ValueError as error:
        raise Invalid.field("address", str(error)) from None
    finally:
        await sender.close()
    async with app.db.leader() as conn:
        await audit_subject(
            conn,
            actor,
            "account.tested",
            id_text,
            actor.module_id,
            {"outcome": outcome.kind, "reason": outcome.reason},
        )
    return _told(outcome, settings, attempt, time.monotonic() - started)


def _content(channel: Channel, request: AccountTest, name: str) -> dict[str, Any]:
    words = _HELLO.format(name=name)
    given: dict[str, Any] = request.content or {}
    if not given and channel is Channel.EMAIL:
        given = {"subject": "A test", "text": words}
    elif not given:
        given = {"title": "A test", "body": words} if channel in _PUSHED else {"text": words}
    try:
        checked = Content.model_validate({channel.value: given})
    except ValidationError as error:
        raise Invalid(errors=field_errors(error, "content")) from None
    dumped = checked.model_dump(mode="json", by_alias=True, exclude_none=True)
    content: dict[str, Any] = dumped[channel.value]
    return content


def _told(
    outcome: Outcome, settings: VendorSettings, attempt: str, seconds: float
) -> dict[str, Any]:
    return {
        "ok": outcome.kind is OutcomeKind.ACCEPTED and not outcome.reason,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "scope": outcome.scope,
        "words": _words(outcome),
        "look_at": _look_at(outcome, settings),
        "phase": outcome.phase,
        "vendor_code": outcome.vendor_code,
        "vendor_id": outcome.vendor_id,
        "detail": outcome.detail,
        "attempt": attempt,
        "milliseconds": round(seconds * 1000),
    }


def _words(outcome: Outcome) -> str:
    reason = outcome.reason.replace("_", " ")
    match outcome.kind:
        case OutcomeKind.ACCEPTED if reason:
            return f"The vendor has taken the message but holds it back: {reason}."
        case OutcomeKind.ACCEPTED:
            return "The vendor has taken the message."
        case OutcomeKind.UNKNOWN:
            return f"The vendor may have the message; nobody can tell: {reason}."
        case OutcomeKind.THROTTLED:
            return f"The vendor asks to slow down: {reason}."
        case OutcomeKind.TRANSIENT:
            return f"It was surely not sent, and may go later: {reason}."
    whose = {
        Scope.ACCOUNT: "The account was refused",
        Scope.RECIPIENT: "The recipient was refused",
        Scope.MESSAGE: "The message was refused",
    }
    return f"{whose[outcome.scope]}: {reason}."


def _look_at(outcome: Outcome, settings: VendorSettings) -> list[str]:
    """Return the settings that an outcome may be due to."""
    names = settings.revealed()
    match outcome.reason:
        case "auth_failed" | "forbidden":
            ids = {name for name in names if name.endswith(("_id", "_sid", "user", "key"))}
            given = {name for name in ids - set(_SENDER) if names[name]}
            return sorted(f"settings.{name}" for name in secret_names(type(settings)) | given)
        case "connect_failed" | "address_not_allowed" | "config_missing":
            return [f"settings.{name}" for name in _REACH if name in names]
        case "sender_not_registered":
            return [f"settings.{name}" for name in _SENDER if name in names]
    return []
