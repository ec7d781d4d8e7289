"""Vonage SMS."""

from domain.vocabulary import Channel, ReceiptKind
from fakes.http_vendor import Forgery
from fakes.vonage import FakeVonage
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="vonage",
        channel=Channel.SMS,
        fake=FakeVonage,
        settings={
            "api_key": "abcd1234",
            "api_secret": "fake-secret",
            "signature_secret": "fake-signature-secret-of-32-letters",
            "from": "+447700900001",
        },
        wrong={"api_secret": "wrong"},
        address="+447700900000",
        content={"text": "Grüße = it & rang", "encoding": "gsm7", "segments": 1},
        events={
            "accepted": Told(ReceiptKind.SENT),
            "buffered": Told(ReceiptKind.SENT),
            "delivered": Told(ReceiptKind.DELIVERED),
            "expired": Told(ReceiptKind.FAILED),
            "failed": Told(ReceiptKind.FAILED),
            "rejected": Told(ReceiptKind.FAILED, hard=True),
            "unknown": Told(ReceiptKind.FAILED),
            "a word of tomorrow": Told(None),
        },
        forgeries=tuple(Forgery),
    )
]
