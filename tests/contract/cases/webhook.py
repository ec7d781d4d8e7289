"""A server of one's own: a notice for an app's inbox, and a text message by a gateway."""

from typing import Any

from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_vendor import Behaviour, Forgery
from fakes.webhook import FakeWebhook
from tests.contract.case import Case, Told

_ALIKE: dict[str, Any] = {
    "vendor": "webhook",
    "fake": FakeWebhook,
    "settings": {"secret": FakeWebhook.secret},
    "wrong": {"secret": "whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"},
    # Any 2xx takes the message: a receiver need not answer with words, nor with ours.
    "expects": {
        Behaviour.GARBAGE: (OutcomeKind.ACCEPTED, Scope.MESSAGE, ""),
        Behaviour.WRONG_TYPE: (OutcomeKind.ACCEPTED, Scope.MESSAGE, ""),
    },
    "events": {
        "sent": Told(ReceiptKind.SENT),
        "delivered": Told(ReceiptKind.DELIVERED),
        "opened": Told(ReceiptKind.OPENED),
        "clicked": Told(ReceiptKind.CLICKED),
        "read": Told(ReceiptKind.READ),
        "bounced": Told(ReceiptKind.BOUNCED, hard=True),
        "complained": Told(ReceiptKind.COMPLAINED),
        "failed": Told(ReceiptKind.FAILED, hard=True),
        "unsubscribed": Told(None, unsubscribes=True),
        "a word of tomorrow": Told(None),
    },
    "forgeries": tuple(Forgery),
}

CASES = [
    Case(
        channel=Channel.INAPP,
        address="user-1",
        content={"title": "Grüße", "body": "It rang", "url": "https://example.com/1"},
        **_ALIKE,
    ),
    Case(
        channel=Channel.SMS,
        address="+14155550100",
        content={"text": "Grüße, it rang", "encoding": "gsm7", "segments": 1},
        **_ALIKE,
    ),
]
