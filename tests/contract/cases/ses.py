"""Amazon SES."""

from domain.vocabulary import Channel, ReceiptKind
from fakes.http_vendor import Forgery
from fakes.ses import FakeSes
from fakes.sns_signer import TOPIC
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="ses",
        channel=Channel.EMAIL,
        fake=FakeSes,
        settings={
            "region": "us-east-1",
            "access_key_id": "AKIDFAKE",
            "secret_access_key": "fake-secret-access-key",
            "topics": [TOPIC],
            "from": "Grüße <shop@example.com>",
        },
        wrong={"secret_access_key": "wrong"},
        address="somebody@example.com",
        content={
            "subject": "Grüße",
            "text": "It rang",
            "html": "<p>It rang</p>",
            "headers": {"List-Unsubscribe": "<https://tocsin.example.com/u/1>"},
        },
        events={
            "Send": Told(ReceiptKind.SENT),
            "Delivery": Told(ReceiptKind.DELIVERED),
            "DeliveryDelay": Told(None),
            "Bounce/Permanent/General": Told(ReceiptKind.BOUNCED, hard=True),
            "Bounce/Permanent/NoEmail": Told(ReceiptKind.BOUNCED, hard=True),
            "Bounce/Permanent/OnAccountSuppressionList": Told(ReceiptKind.BOUNCED, hard=True),
            "Bounce/Transient/MailboxFull": Told(ReceiptKind.BOUNCED),
            "Bounce/Undetermined/Undetermined": Told(ReceiptKind.BOUNCED),
            "Complaint/abuse": Told(ReceiptKind.COMPLAINED),
            "Complaint/not-spam": Told(None),
            "Reject": Told(ReceiptKind.FAILED),
            "Rendering Failure": Told(ReceiptKind.FAILED),
            "Open": Told(ReceiptKind.OPENED),
            "Click": Told(ReceiptKind.CLICKED),
            "Subscription/OptOut": Told(None, unsubscribes=True),
            "Subscription/OptIn": Told(None),
            "A word of tomorrow": Told(None),
        },
        forgeries=tuple(Forgery),
    ),
]
