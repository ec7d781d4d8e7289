"""Apple Push Notification service."""

from cryptography.hazmat.primitives.asymmetric import ec

from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.apns import FakeApns, a_key
from fakes.http2_server import FakeHttp2
from fakes.http_vendor import Behaviour
from tests.contract.case import Case

OTHER_KEY = ec.generate_private_key(ec.SECP256R1())

CASES = [
    Case(
        vendor="apns",
        channel=Channel.PUSH,
        fake=FakeApns,
        server=FakeHttp2,
        settings={
            "key": FakeApns.key(), "key_id": FakeApns.kid, "team_id": FakeApns.team,
            "topic": FakeApns.topic,
        },
        wrong={"key": a_key(OTHER_KEY)},
        address="0a1b2c3d" * 8,
        target={"platform": "ios"},
        content={
            "title": "Grüße", "body": "It rang", "url": "https://example.com/orders/7",
            "image": "https://example.com/bell.png", "badge": 3, "sound": "default",
            "collapse_key": "order 7", "data": {"order": 7, "tags": ["a", "b"]},
        },
        too_long={"title": "Hi", "body": "ü" * 2_048},
        expects={
            Behaviour.REJECT_RECIPIENT: (OutcomeKind.REJECTED, Scope.RECIPIENT, "unregistered"),
            Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "config_missing"),
            # TooManyRequests is said of one device token.
            Behaviour.THROTTLE: (OutcomeKind.THROTTLED, Scope.RECIPIENT, "rate_recipient"),
        },
    )
]  # fmt: skip
