"""Whose phone a push token belongs to, and what cannot be one."""

import pytest

from domain.device_tokens import check_token, platform_of
from domain.recipient import Recipient
from domain.vocabulary import Channel

APNS = "0a" * 32
FCM = "dGhpcyBpcyBh:APA91bGx_0-x"
SNS = "arn:aws:sns:eu-west-1:123456789012:endpoint/{}/Shop/0f1e-2d3c"


def test_tokens_tell_their_platform() -> None:
    assert (platform_of(APNS), platform_of(FCM), platform_of("0a" * 31)) == (
        "ios", "android", "android",
    )  # fmt: skip
    assert [platform_of(SNS.format(one)) for one in ("APNS", "APNS_SANDBOX", "GCM")] == [
        "ios", "ios", "android",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("token", "platform", "fits"),
    [
        (APNS, "ios", True), (APNS.upper(), "ios", True), (FCM, "android", True), (FCM, None, True),
        (FCM, "ios", False), (f"<{APNS}>", "ios", False), ("0a" * 31 + "0", "ios", False),
        (SNS.format("APNS"), "ios", True), (SNS.format("GCM"), "android", True),
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


def test_a_request_names_tokens_with_and_without_their_platform() -> None:
    given = [FCM, {"token": APNS, "platform": "android"}, {"token": "b1" * 40}, APNS]
    recipient = Recipient.inline({"push": given})
    assert recipient.push == (FCM, APNS, "b1" * 40), "each once"
    assert [recipient.target(Channel.PUSH, one)["platform"] for one in recipient.push] == [
        "android", "android", "ios",
    ]  # fmt: skip
    assert Recipient.inline({"email": "sam@example.com"}).push == ()
