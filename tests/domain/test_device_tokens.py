"""Whose phone a push token belongs to, and what cannot be one."""

import pytest

from domain.device_tokens import check_token, platform_of
from domain.recipient import Recipient
from domain.vocabulary import Channel

APNS = "0a" * 32
FCM = "dGhpcyBpcyBh:APA91bGx_0-x"


def test_tokens_tell_their_platform() -> None:
    assert (platform_of(APNS), platform_of(FCM), platform_of("0a" * 31)) == (
        "ios", "android", "android",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "platform", "fits"),
    [
        (APNS, "ios", True), (APNS.upper(), "ios", True), (FCM, "android", True), (FCM, None, True),
        (FCM, "ios", False), (f"<{APNS}>", "ios", False), ("0a" * 31 + "0", "ios", False),
        ("a b", "android", False), ("a\tb", None, False), ("é", None, False),
        ("a" * 4097, None, False),
    ],
)  # fmt: skip
def test_a_wrong_form_is_named(token: str, platform: str | None, fits: bool) -> None:
    assert (check_token(token, platform) is None) == fits


def test_a_target_is_what_the_address_does_not_tell() -> None:
    keys = {"p256dh": "a", "auth": "b"}
    recipient = Recipient(targets={FCM: {"platform": "ios"}, "https://e": {"keys": keys}})
    assert recipient.target(Channel.PUSH, FCM) == {"platform": "ios"}
    assert recipient.target(Channel.PUSH, APNS) == {"platform": "ios"}
    assert recipient.target(Channel.WEBPUSH, "https://e") == {"keys": keys}
    assert recipient.target(Channel.EMAIL, "sam@example.com") == {}
