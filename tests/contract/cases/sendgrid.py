"""SendGrid."""

from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_vendor import Behaviour, Forgery
from fakes.sendgrid import FakeSendGrid
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="sendgrid",
        channel=Channel.EMAIL,
        fake=FakeSendGrid,
        settings={
            "api_key": FakeSendGrid.api_key,
            "verification_key": FakeSendGrid.verification_key,
            "from": "Shop <shop@example.com>",
        },
        wrong={"api_key": "SG.wrong"},
        address="sam@example.com",
        content={
            "subject": "Grüße",
            "html": "<p>It <b>rang</b></p>",
            "text": "It rang",
            "from": "Shop <shop@example.com>",
            "headers": {"List-Unsubscribe": "<https://example.com/u/1>"},
        },
        expects={
            # No sign of a suspended account is documented; an unknown sender is the account's.
            Behaviour.REJECT_ACCOUNT: (
                OutcomeKind.REJECTED, Scope.ACCOUNT, "sender_not_registered",
            ),
        },
        events={
            "processed": Told(ReceiptKind.SENT),
            "deferred": Told(None),
            "delivered": Told(ReceiptKind.DELIVERED),
            "bounce": Told(ReceiptKind.BOUNCED, hard=True),
            "bounce blocked": Told(ReceiptKind.BOUNCED),
            "dropped Bounced Address": Told(ReceiptKind.FAILED, hard=True),
            "dropped Unsubscribed Address": Told(ReceiptKind.FAILED),
            "open": Told(ReceiptKind.OPENED),
            "click": Told(ReceiptKind.CLICKED),
            "spamreport": Told(ReceiptKind.COMPLAINED),
            "unsubscribe": Told(None, unsubscribes=True),
            "group_unsubscribe": Told(None, unsubscribes=True),
            "a_word_of_tomorrow": Told(None),
        },
        forgeries=tuple(Forgery),
    )
]  # fmt: skip
