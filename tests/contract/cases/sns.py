"""Amazon SNS, for texts and for push messages.

Publish tells of no suspended account; a key that may not publish is forbidden.
"""

from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.http_vendor import Behaviour
from fakes.sns import FakeSnsPush, FakeSnsSms
from tests.contract.case import Case

CASES = [
    Case(
        vendor="sns_sms",
        channel=Channel.SMS,
        fake=FakeSnsSms,
        settings={
            "region": "us-east-1",
            "access_key_id": "AKIDFAKE",
            "secret_access_key": "fake-secret-access-key",
            "from": "Tocsin",
        },
        wrong={"secret_access_key": "wrong"},
        address="+14155550100",
        content={"text": "Grüße, it rang", "encoding": "gsm7", "segments": 1},
        expects={Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden")},
        too_long={"text": "a" * 1601, "encoding": "gsm7", "segments": 11},
    ),
    Case(
        vendor="sns_push",
        channel=Channel.PUSH,
        fake=FakeSnsPush,
        settings={
            "region": "us-east-1",
            "access_key_id": "AKIDFAKE",
            "secret_access_key": "fake-secret-access-key",
        },
        wrong={"secret_access_key": "wrong"},
        address="arn:aws:sns:us-east-1:123456789012:endpoint/GCM/shop/5e3e9847-3183-3f18",
        target={"platform": "android"},
        content={"title": "Grüße", "body": "It rang", "url": "https://example.com/1"},
        expects={
            Behaviour.REJECT_RECIPIENT: (OutcomeKind.REJECTED, Scope.RECIPIENT, "unregistered"),
            Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden"),
        },
        too_long={"title": "Grüße", "body": "a" * 4_100},
    ),
]
