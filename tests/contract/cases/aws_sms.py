"""AWS End User Messaging."""

from domain.vocabulary import Channel, ReceiptKind
from fakes.aws_sms import FakeAwsSms
from fakes.http_vendor import Forgery
from fakes.sns_signer import TOPIC
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="aws_sms",
        channel=Channel.SMS,
        fake=FakeAwsSms,
        settings={
            "region": "us-east-1",
            "access_key_id": "AKIDFAKE",
            "secret_access_key": "fake-secret-access-key",
            "topics": [TOPIC],
            "from": "+12065550152",
        },
        wrong={"secret_access_key": "wrong"},
        address="+14155550100",
        content={"text": "Grüße, it rang", "encoding": "gsm7", "segments": 1},
        too_long={"text": "a" * 1601, "encoding": "gsm7", "segments": 11},
        events={
            "TEXT_QUEUED": Told(None),
            "TEXT_PENDING": Told(None),
            "TEXT_SENT": Told(ReceiptKind.SENT),
            "TEXT_SUCCESSFUL": Told(ReceiptKind.SENT),
            "TEXT_DELIVERED": Told(ReceiptKind.DELIVERED),
            "TEXT_INVALID": Told(ReceiptKind.FAILED, hard=True),
            "TEXT_INVALID_MESSAGE": Told(ReceiptKind.FAILED),
            "TEXT_BLOCKED": Told(ReceiptKind.FAILED, hard=True),
            "TEXT_CARRIER_BLOCKED": Told(ReceiptKind.FAILED),
            "TEXT_SPAM": Told(ReceiptKind.FAILED),
            "TEXT_PROTECT_BLOCKED": Told(ReceiptKind.FAILED),
            "TEXT_UNREACHABLE": Told(ReceiptKind.FAILED),
            "TEXT_CARRIER_UNREACHABLE": Told(ReceiptKind.FAILED),
            "TEXT_UNKNOWN": Told(ReceiptKind.FAILED),
            "TEXT_TTL_EXPIRED": Told(ReceiptKind.FAILED),
            "TEXT_OF_TOMORROW": Told(None),
        },
        forgeries=tuple(Forgery),
    ),
]
