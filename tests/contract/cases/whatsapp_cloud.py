"""WhatsApp Cloud API."""

from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_vendor import Behaviour
from fakes.whatsapp_cloud import FakeWhatsAppCloud
from tests.contract.case import Case, Told

CASES = [
    Case(
        vendor="whatsapp_cloud",
        channel=Channel.WHATSAPP,
        fake=FakeWhatsAppCloud,
        settings={
            "phone_number_id": FakeWhatsAppCloud.phone_number_id,
            "access_token": FakeWhatsAppCloud.access_token,
            "app_secret": FakeWhatsAppCloud.app_secret,
            "verify_token": FakeWhatsAppCloud.verify_token,
        },
        wrong={"access_token": "EAAwrong"},
        address="+14155550100",
        content={"text": "Grüße, it rang"},
        too_long={"text": "a" * 4097},
        expects={
            # Nobody with that number is on WhatsApp: the number may be good all the same.
            Behaviour.REJECT_RECIPIENT: (
                OutcomeKind.REJECTED, Scope.RECIPIENT, "unreachable",
            ),
        },
        events={
            "sent": Told(ReceiptKind.SENT),
            "delivered": Told(ReceiptKind.DELIVERED),
            "read": Told(ReceiptKind.READ),
            "failed": Told(ReceiptKind.FAILED),
            "a word of tomorrow": Told(None),
        },
    )
]  # fmt: skip
