"""Mailchimp Transactional (Mandrill)."""

from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_vendor import Behaviour
from fakes.mandrill import FakeMandrill
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="mandrill",
        channel=Channel.EMAIL,
        fake=FakeMandrill,
        settings={
            "api_key": FakeMandrill.api_key,
            "webhook_key": FakeMandrill.webhook_key,
            "from": "Shop <shop@example.com>",
        },
        wrong={"api_key": "md-wrong"},
        address="sam@example.com",
        content={
            "text": "It rang",
            "html": "<p>It <b>rang</b></p>",
            "headers": {"List-Unsubscribe": "<https://example.com/u/1>"},
            "subject": "Grüße",
        },
        expects={
            # A suspended account takes mails and holds them; one without credit refuses.
            Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "no_credit"),
        },
        events={
            "send": Told(ReceiptKind.SENT),
            "deferral": Told(None),
            "delivered": Told(ReceiptKind.DELIVERED),
            "hard_bounce bad_mailbox": Told(ReceiptKind.BOUNCED, hard=True),
            "soft_bounce mailbox_full": Told(ReceiptKind.BOUNCED),
            "reject hard-bounce": Told(ReceiptKind.FAILED, hard=True),
            "reject unsub": Told(ReceiptKind.FAILED, hard=True),
            "reject unsigned": Told(ReceiptKind.FAILED),
            "open": Told(ReceiptKind.OPENED),
            "click": Told(ReceiptKind.CLICKED),
            "spam": Told(ReceiptKind.COMPLAINED),
            "unsub": Told(None, unsubscribes=True),
            "a_word_of_tomorrow": Told(None),
        },
    )
]
