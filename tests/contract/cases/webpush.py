"""Web Push."""

from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.http_vendor import Behaviour
from fakes.webpush import FakeWebPush
from tests.contract.case import Case

OTHER_KEY = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"

CASES = [
    Case(
        vendor="webpush",
        channel=Channel.WEBPUSH,
        fake=FakeWebPush,
        settings={
            "vapid_private_key": FakeWebPush.vapid_key(), "subject": "mailto:push@example.com",
        },
        wrong={"vapid_private_key": OTHER_KEY},
        address="{base_url}/send/one",
        target={"keys": FakeWebPush.keys()},
        content={
            "title": "Grüße", "body": "It rang", "url": "https://example.com/orders/7",
            "image": "https://example.com/bell.png", "badge": 3, "collapse_key": "order 7",
            "data": {"order": 7, "tags": ["a", "b"]},
        },
        too_long={"title": "Hi", "body": "ü" * 2_000},
        expects={
            Behaviour.REJECT_RECIPIENT: (OutcomeKind.REJECTED, Scope.RECIPIENT, "unregistered"),
            Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed"),
            # The push service is the recipient's: others of the same account are another's.
            Behaviour.THROTTLE: (OutcomeKind.THROTTLED, Scope.RECIPIENT, "rate_recipient"),
            Behaviour.UNAVAILABLE: (
                OutcomeKind.TRANSIENT, Scope.RECIPIENT, "vendor_unavailable",
            ),
        },
    )
]  # fmt: skip
