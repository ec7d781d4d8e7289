"""Infobip SMS, whose notification profile signs in by Basic authentication."""

from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_vendor import Behaviour, Forgery
from fakes.infobip import FakeInfobip
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="infobip",
        channel=Channel.SMS,
        fake=FakeInfobip,
        settings={
            "api_key": FakeInfobip.api_key,
            "from": "InfoSMS",
            "webhook_user": FakeInfobip.user,
            "webhook_password": FakeInfobip.password,
        },
        wrong={"api_key": "wrong"},
        address="+41793026727",
        content={"text": "Grüße, it rang", "encoding": "gsm7", "segments": 1},
        too_long={"text": "a" * 3826, "encoding": "gsm7", "segments": 26},
        expects={
            # No status of a suspended account is documented; one without credit is refused.
            Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "no_credit"),
        },
        events={
            "PENDING_ENROUTE": Told(ReceiptKind.SENT),
            "DELIVERED_TO_OPERATOR": Told(ReceiptKind.SENT),
            "DELIVERED_TO_HANDSET": Told(ReceiptKind.DELIVERED),
            "UNDELIVERABLE_NOT_DELIVERED": Told(ReceiptKind.FAILED),
            "UNDELIVERABLE_NOT_DELIVERED EC_UNKNOWN_SUBSCRIBER": Told(
                ReceiptKind.FAILED, hard=True
            ),
            "UNDELIVERABLE_NOT_DELIVERED EC_ABSENT_SUBSCRIBER": Told(ReceiptKind.FAILED),
            "EXPIRED_EXPIRED": Told(ReceiptKind.FAILED),
            "EXPIRED_DLR_UNKNOWN": Told(None),
            "REJECTED_DND": Told(ReceiptKind.FAILED, hard=True),
            "REJECTED_FLOODING_FILTER": Told(ReceiptKind.FAILED),
            "A_WORD_OF_TOMORROW": Told(None),
        },
        # A password says nothing of the body; tests of its own show that a signature does.
        forgeries=(Forgery.UNSIGNED, Forgery.WRONG_KEY),
    )
]
