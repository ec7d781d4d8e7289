"""Twilio SMS, and Twilio WhatsApp with a template."""

from domain.vocabulary import Channel, ReceiptKind
from fakes.twilio import FakeTwilio, FakeTwilioWhatsApp
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="twilio",
        channel=Channel.SMS,
        fake=FakeTwilio,
        settings={
            "account_sid": "AC00000000000000000000000000000001",
            "auth_token": "fake-token",
            "from": "+14155550199",
        },
        wrong={"auth_token": "wrong"},
        address="+14155550100",
        content={"text": "Grüße, it rang", "encoding": "gsm7", "segments": 1},
        too_long={"text": "a" * 1601, "encoding": "gsm7", "segments": 11},
        events={
            "queued": Told(None),
            "sent": Told(ReceiptKind.SENT),
            "delivered": Told(ReceiptKind.DELIVERED),
            "undelivered": Told(ReceiptKind.FAILED),
            "a word of tomorrow": Told(None),
        },
    ),
    Case(
        vendor="twilio_whatsapp",
        channel=Channel.WHATSAPP,
        fake=FakeTwilioWhatsApp,
        settings={
            "account_sid": "AC00000000000000000000000000000001",
            "auth_token": "fake-token",
            "from": "+14155550199",
        },
        wrong={"auth_token": "wrong"},
        address="+14155550100",
        content={
            "template": "HX00000000000000000000000000000001",
            "language": "en",
            "parameters": {"1": "Zoë", "2": 7},
        },
        too_long={"text": "a" * 1601},
        events={
            "queued": Told(None),
            "sent": Told(ReceiptKind.SENT),
            "delivered": Told(ReceiptKind.DELIVERED),
            "read": Told(ReceiptKind.READ),
            "undelivered": Told(ReceiptKind.FAILED),
            "a word of tomorrow": Told(None),
        },
    ),
]
