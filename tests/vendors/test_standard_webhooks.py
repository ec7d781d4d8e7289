"""Standard Webhooks by the vector of its own library, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel, ValidationError

from domain.report import ReceiptForged
from vendors.standard_webhooks import WebhookSecret, headers, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT = 1614265330
BODY = b'{"test": 2432232314}'
NOW = datetime.fromtimestamp(SENT, UTC)


class Holder(BaseModel):
    secret: WebhookSecret


def test_the_published_vector() -> None:
    signature = sign(SECRET, ID, SENT, BODY)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    verify(SECRET, headers(SECRET, ID, SENT, BODY), BODY, NOW)


def test_one_fitting_signature_of_several_is_enough() -> None:
    given = headers(SECRET, ID, SENT, BODY)
    rotated = f"{sign(OTHER, ID, SENT, BODY)} v1a,ed25519 {given['webhook-signature']}"
    verify(SECRET, {**given, "webhook-signature": rotated}, BODY, NOW)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_allowed_both_ways(seconds: int) -> None:
    verify(SECRET, headers(SECRET, ID, SENT, BODY), BODY, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_older_and_later_calls_are_refused(seconds: int) -> None:
    with pytest.raises(ReceiptForged, match="webhook-timestamp"):
        verify(SECRET, headers(SECRET, ID, SENT, BODY), BODY, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": ""},
        {"webhook-id": "msg_another"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1614265330"},
        {"webhook-timestamp": str(SENT + 1)},
        {"webhook-timestamp": "9" * 5_000},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v2," + sign(SECRET, ID, SENT, BODY)[3:]},
        {"webhook-signature": sign(OTHER, ID, SENT, BODY)},
        {"webhook-signature": "v1,grüße"},
    ],
)
def test_what_was_not_signed_like_this_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(ReceiptForged) as refused:
        verify(SECRET, {**headers(SECRET, ID, SENT, BODY), **changed}, BODY, NOW)
    assert SECRET not in str(refused.value)


def test_every_byte_of_the_body_counts() -> None:
    given = headers(SECRET, ID, SENT, BODY)
    for place in range(len(BODY)):
        changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        with pytest.raises(ReceiptForged):
            verify(SECRET, given, changed, NOW)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_AAAA",
        "whsec_" + "A" * 88,
        "whsec_ü",
    ],
)
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError, match="24 to 64 octets"):
        Holder.model_validate({"secret": secret})
