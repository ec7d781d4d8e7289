"""Firebase Cloud Messaging."""

from cryptography.hazmat.primitives.asymmetric import rsa

from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.fcm import FakeFcm, a_key_file
from fakes.http_vendor import Behaviour
from tests.contract.case import Case

OTHER_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

CASES = [
    Case(
        vendor="fcm",
        channel=Channel.PUSH,
        fake=FakeFcm,
        settings={
            "service_account": FakeFcm.service_account(),
            "token_url": "{base_url}/token",
        },
        wrong={"service_account": a_key_file(OTHER_KEY)},
        address="token-of-the-device",
        target={"platform": "android"},
        content={
            "title": "Grüße", "body": "It rang", "url": "https://example.com/orders/7",
            "image": "https://example.com/bell.png", "badge": 3, "sound": "bell",
            "collapse_key": "order 7", "data": {"order": 7, "tags": ["a", "b"]},
        },
        too_long={"title": "Hi", "body": "ü" * 2_048},
        expects={
            Behaviour.REJECT_RECIPIENT: (OutcomeKind.REJECTED, Scope.RECIPIENT, "unregistered"),
            Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden"),
        },
    )
]  # fmt: skip
