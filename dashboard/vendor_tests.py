"""Trying a vendor account from its page: what is asked, and what is told of the outcome."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard import story
from dashboard.message_forms import checked
from dashboard.vendor_fields import new_document
from dashboard.vendor_inputs import Input, Kind, label_of
from domain.contract.account import AccountTest
from domain.vocabulary import Channel
from services import account_tests
from services.access import Actor
from services.app import App

_ADDRESSES: Final = {
    Channel.EMAIL: ("E-mail address", ""),
    Channel.SMS: ("Phone number", "Such as +14155550100."),
    Channel.PUSH: ("Device token", "As the app was given it."),
    Channel.WEBPUSH: ("Subscription", "The JSON that a browser's PushSubscription gives."),
    Channel.WHATSAPP: ("Phone number", "Such as +14155550100."),
    Channel.TELEGRAM: ("Chat ID", "Of a chat that the bot may write to."),
    Channel.INAPP: ("Address", "As the receiver knows the person."),
}
_CONTENT: Final = Input(
    "content", "Content", Kind.OBJECT,
    'As the API takes it for this channel, such as {"text": "Hello"}. Empty: a few plain words.',
)  # fmt: skip


def trial_inputs(channel: str) -> Sequence[Input]:
    """Return the inputs of a test over an account of this channel."""
    label, help = _ADDRESSES[Channel(channel)]
    kind = Kind.FILE if channel == Channel.WEBPUSH else Kind.LINE
    return Input("address", label, kind, help, required=True), _CONTENT


async def try_account(
    app: App, actor: Actor, account: Mapping[str, Any], fields: Mapping[str, str]
) -> dict[str, Any]:
    """Send one message, and return the outcome with its colour and the settings to look at.

    Raises Invalid for an address or a content that nothing can be sent with.
    """
    document = new_document(trial_inputs(account["channel"]), fields)
    if account["channel"] == Channel.WEBPUSH:
        document |= _subscription(document.get("address", ""))
    told = await account_tests.try_account(
        app, actor, account["id"], checked(AccountTest, document)
    )
    settings = [(name, label_of(name.rpartition(".")[2])) for name in told["look_at"]]
    return {**told, "tone": story.tone({"kind": told["outcome"]}), "look_at": settings}


def _subscription(text: str) -> dict[str, Any]:
    """Return where a browser is reached, and its keys; text that is no JSON stays the address."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(given, dict):
        return {}
    return {"address": given.get("endpoint", ""), "target": {"keys": given.get("keys")}}
