"""Telegram's Bot API: https://core.telegram.org/bots/api#sendmessage, and for what users do
https://core.telegram.org/bots/api#update

The bot's token stands in the path of every URL, so no word of an answer that is not the Bot API's
own is kept: a proxy's page of an error repeats the URL.
"""

import hmac
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, SecretStr

from domain.http import HttpRequest, HttpResponse, Webhook
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Heard, ReceiptForged, Reply
from domain.vocabulary import Channel, OutcomeKind, Scope
from vendors.calls import part, read_json, time_of, word
from vendors.contract import Capabilities, Checking, Webhooks
from vendors.http_api import HttpApi, HttpSettings, Moment, Unfit
from vendors.http_outcomes import Unreadable, accepted, outcome_of, outcome_of_status
from vendors.http_outcomes import read_json as read_answer
from vendors.over_http import http_kind

MOST_CHARACTERS: Final = 4096

_REJECTED, _TRANSIENT = OutcomeKind.REJECTED, OutcomeKind.TRANSIENT
_BLOCKED: Final = (_REJECTED, Scope.RECIPIENT, "blocked")
_NOBODY: Final = (_REJECTED, Scope.RECIPIENT, "invalid_address")
_UNFIT: Final = (_REJECTED, Scope.MESSAGE, "invalid_payload")
_NO_TOKEN: Final = (_REJECTED, Scope.ACCOUNT, "auth_failed")

REFUSALS: Final[tuple[tuple[int, str, tuple[OutcomeKind, Scope, str]], ...]] = (
    (400, "chat not found", _NOBODY),
    (400, "peer_id_invalid", _NOBODY),
    (400, "user not found", _NOBODY),
    (400, "group chat was upgraded", _NOBODY),
    (400, "message is too long", (_REJECTED, Scope.MESSAGE, "payload_too_large")),
    (400, "not enough rights", (_REJECTED, Scope.RECIPIENT, "unreachable")),
    (400, "", _UNFIT),
    (401, "", _NO_TOKEN),
    (403, "bot was blocked by the user", _BLOCKED),
    (403, "bot can't initiate conversation", _BLOCKED),
    (403, "bot was kicked", _BLOCKED),
    (403, "bot is not a member", _BLOCKED),
    (403, "user is deactivated", _NOBODY),
    # Any other has been seen to pass by itself, so it says nothing of the address.
    (403, "", (_TRANSIENT, Scope.RECIPIENT, "unreachable")),
    (404, "", _NO_TOKEN),
    (429, "", (OutcomeKind.THROTTLED, Scope.RECIPIENT, "rate_recipient")),
)
"""(error_code, words of the description, outcome): the first that fits counts."""

PRESENT: Final = frozenset({"creator", "administrator", "member", "restricted"})
GONE: Final = frozenset({"left", "kicked"})
"""Statuses of the bot in a chat; in a private one `kicked` means that the user blocked it."""

_TOKEN: Final = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{10,100}")
_HEADER_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_NOT_TELEGRAM: Final = "the answer is not one of the Bot API"


def _check_token(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError("must be a bot's token as @BotFather gives it: 123456:ABC-…")
    return value


def _check_header_secret(value: SecretStr) -> SecretStr:
    if not _HEADER_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError("must be 1 to 256 of A-Z, a-z, 0-9, _ and -")
    return value


class Settings(HttpSettings):
    """A bot; the secret of its webhook is needed to hear what users do."""

    base_url: str = Field("https://api.telegram.org", description="Where the Bot API is")
    bot_token: Annotated[SecretStr, AfterValidator(_check_token)] = Field(
        description="Token of the bot, by @BotFather"
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_check_header_secret)] | None = Field(
        None, description="The secret_token that setWebhook was given"
    )


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    """Return the request that sends a text; raises Unfit for one that is too long.

    Only a text without entities can be counted here: the limit is of what a reader sees.
    """
    content = message.content
    text: str = content["text"]
    if not content.get("parse_mode") and len(text) > MOST_CHARACTERS:
        raise Unfit(
            "payload_too_large",
            f"the text has {len(text)} characters; Telegram takes {MOST_CHARACTERS}",
        )
    document: dict[str, Any] = {"chat_id": _chat(message.address), "text": text}
    if content.get("parse_mode"):
        document["parse_mode"] = content["parse_mode"]
    if content.get("buttons"):
        document["reply_markup"] = {"inline_keyboard": [_row(one) for one in content["buttons"]]}
    token = settings.bot_token.get_secret_value()
    return HttpRequest(
        "POST",
        f"{settings.base_url}/bot{token}/sendMessage",
        {"Content-Type": "application/json", "Accept": "application/json"},
        json.dumps(document).encode(),
    )


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; never raises, since its bytes must not be kept."""
    document = _document(response)
    result = part(document, "result")
    message, chat = word(result.get("message_id")), word(part(result, "chat").get("id"))
    if document.get("ok") is True and message and chat:
        return accepted(f"{chat}:{message}", response)
    code, words = document.get("error_code"), word(document.get("description"))
    if document.get("ok") is not False or not isinstance(code, int):
        return outcome_of_status(response, _NOT_TELEGRAM)
    words = _TOKEN.sub("(token)", words)
    for status, fragment, meaning in REFUSALS:
        if code == status and fragment in words.lower():
            wait = _wait(document)
            return outcome_of(meaning, code=str(code), detail=words, retry_after=wait)
    return outcome_of_status(response, words or _NOT_TELEGRAM)


def moved(response: HttpResponse) -> str:
    """Return the id of the supergroup that a group has become; the message was not sent."""
    return word(part(_document(response), "parameters").get("migrate_to_chat_id"))


def verify(webhook: Webhook, settings: Settings, checking: Checking) -> None:  # noqa: ARG001
    """Check the secret that Telegram repeats in a header; it signs neither body nor time.

    Updates that come again are told by their event key.
    """
    if settings.webhook_secret is None:
        raise ReceiptForged("the account has no webhook_secret to check calls with")
    given = webhook.headers.get("x-telegram-bot-api-secret-token", "")
    expected = settings.webhook_secret.get_secret_value()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise ReceiptForged("X-Telegram-Bot-Api-Secret-Token is not the webhook_secret")


def receipts(webhook: Webhook, settings: Settings) -> Heard:
    """Return what an update says: words of a user, or that the bot was blocked or let in."""
    update = read_json(webhook.body)
    if not isinstance(update, dict) or not word(update.get("update_id")):
        raise ValueError("the call is not an update")
    bot = settings.bot_token.get_secret_value().partition(":")[0]
    message = part(update, "message")
    if text := word(message.get("text")) or word(message.get("caption")):
        return Heard(replies=(_reply(update, message, bot, text),))
    if change := part(update, "my_chat_member"):
        return _membership(update, change, bot)
    return Heard()


def _membership(update: Mapping[str, Any], change: Mapping[str, Any], bot: str) -> Heard:
    """Return that a chat lets the bot write no longer, or again; other changes say nothing."""
    was = word(part(change, "old_chat_member").get("status"))
    now = word(part(change, "new_chat_member").get("status"))
    if now in GONE:
        return Heard(replies=(_reply(update, change, bot, "", unsubscribes=True),))
    if now in PRESENT and was not in PRESENT:
        return Heard(replies=(_reply(update, change, bot, "", resubscribes=True),))
    return Heard()


def _reply(
    update: Mapping[str, Any], event: Mapping[str, Any], bot: str, text: str, **wishes: bool
) -> Reply:
    chat = word(part(event, "chat").get("id"))
    if not chat:
        raise ValueError("the update names no chat")
    return Reply(
        Channel.TELEGRAM, chat, bot, text, word(update["update_id"]), time_of(event.get("date")),
        raw=dict(update), **wishes,
    )  # fmt: skip


def _chat(address: str) -> int | str:
    """Return a chat's id as a number, or the @name of a channel."""
    digits = address.removeprefix("-")
    return int(address) if digits.isascii() and digits.isdecimal() else address


def _row(buttons: Any) -> list[dict[str, str]]:
    return [{"text": one["text"], "url": one["url"]} for one in buttons]


def _wait(document: Mapping[str, Any]) -> float | None:
    seconds = part(document, "parameters").get("retry_after")
    return float(seconds) if isinstance(seconds, int) and seconds >= 0 else None


def _document(response: HttpResponse) -> dict[str, Any]:
    try:
        return read_answer(response)
    except Unreadable:
        return {}


KIND: Final = http_kind(
    name="telegram",
    title="Telegram",
    channels=[Channel.TELEGRAM],
    settings=Settings,
    api=HttpApi(request, outcome, moved=moved),
    capabilities=Capabilities(replies=True),
    webhooks=Webhooks(verify, receipts),
)
