"""Encryption and VAPID: the published examples, and what must be refused."""

import base64
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from domain.subscription_keys import BadKey, SubscriptionKeys, read_keys
from fakes.webpush import open_message
from vendors.webpush.encryption import MOST_PLAINTEXT, encrypt, one_time_key
from vendors.webpush.vapid import authorization, load_key, public_key

NOW = datetime(2030, 1, 1, 1, tzinfo=UTC)

PLAINTEXT = b"When I grow up, I want to be a watermelon"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BROWSER_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
KEYS = {
    "p256dh": (
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    ),
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
SENDER_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SENDER_PUBLIC = (
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY"
    "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS"
    "gSxsj_Qulcy4a-fN"
)
"""RFC 8291, appendix A."""

VAPID_KEY = (
    "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)
VAPID_TOKEN = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAi"
    "OjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HL"
    "GkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
)
"""RFC 8292 §2.4."""


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read(token: str, key: str, audience: str) -> dict[str, object]:
    """Return the claims of a VAPID token, which must be signed by the public key."""
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets(key))
    claims: dict[str, object] = jwt.decode(
        token, public, algorithms=["ES256"], audience=audience, options={"verify_exp": False}
    )
    return claims


def test_the_published_message() -> None:
    keys, private = read_keys(KEYS), load_key(SENDER_PRIVATE)
    assert public_key(private) == SENDER_PUBLIC
    body = encrypt(PLAINTEXT, keys, salt=octets(SALT), private=private)
    assert body == octets(BODY)
    assert len(body) == 144


def test_the_published_message_is_read_by_the_browser_of_the_fake() -> None:
    private = load_key(BROWSER_PRIVATE)
    assert open_message(octets(BODY), private, octets(KEYS["auth"])) == PLAINTEXT


@given(st.binary(max_size=MOST_PLAINTEXT), st.binary(min_size=16, max_size=16))
def test_every_message_arrives(plaintext: bytes, salt: bytes) -> None:
    browser, keys = load_key(BROWSER_PRIVATE), read_keys(KEYS)
    body = encrypt(plaintext, keys, salt=salt, private=one_time_key(salt))
    assert open_message(body, browser, keys.secret) == plaintext


def test_the_largest_message_fills_what_a_push_service_takes() -> None:
    keys, private = read_keys(KEYS), load_key(SENDER_PRIVATE)
    assert MOST_PLAINTEXT == 3_993
    assert len(encrypt(b"x" * 3_993, keys, salt=octets(SALT), private=private)) == 4_096
    with pytest.raises(ValueError, match="3,994"):
        encrypt(b"x" * 3_994, keys, salt=octets(SALT), private=private)


def test_another_browser_cannot_read_it() -> None:
    body, auth = octets(BODY), octets(KEYS["auth"])
    with pytest.raises(InvalidTag):
        open_message(body, load_key(SENDER_PRIVATE), auth)
    with pytest.raises(InvalidTag):
        open_message(body, load_key(BROWSER_PRIVATE), bytes(16))


@pytest.mark.parametrize("seed", [bytes(40), b"\xff" * 40, bytes(range(40))])
def test_any_chance_makes_a_key(seed: bytes) -> None:
    assert one_time_key(seed).private_numbers().private_value > 0


def test_the_published_token_verifies() -> None:
    assert read(VAPID_TOKEN, VAPID_KEY, "https://push.example.net") == {
        "aud": "https://push.example.net", "exp": 1_453_523_768, "sub": "mailto:push@example.com",
    }  # fmt: skip


def test_our_token_says_who_to_whom_and_until_when() -> None:
    header = authorization(SENDER_PRIVATE, "mailto:a@b.example", "https://push.example", NOW)
    token, key = header.removeprefix("vapid t=").split(", k=")
    assert key == SENDER_PUBLIC
    claims = read(token, key, "https://push.example")
    assert claims["sub"] == "mailto:a@b.example"
    left = int(str(claims["exp"])) - NOW.timestamp()
    assert 6 * 3_600 <= left <= 12 * 3_600
    assert jwt.get_unverified_header(token)["alg"] == "ES256"


def test_a_token_is_kept_for_hours_and_per_place() -> None:
    def made(audience: str, after: timedelta = timedelta()) -> str:
        return authorization(SENDER_PRIVATE, "mailto:a@b.example", audience, NOW + after)

    assert made("https://a.example") == made("https://a.example", timedelta(hours=4))
    assert made("https://a.example") != made("https://b.example")
    assert made("https://a.example") != made("https://a.example", timedelta(hours=6))


def test_a_key_may_be_pem() -> None:
    pem = load_key(SENDER_PRIVATE).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert public_key(load_key(pem.decode())) == SENDER_PUBLIC


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 octets"),
        ("AAAA", "3 octets"),
        ("not base64!", "neither PEM nor base64url"),
        ("A" * 43, "a number that is no key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot be read"),
    ],
)
def test_what_is_no_key_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_key(text)


@pytest.mark.parametrize(
    ("keys", "name", "words"),
    [
        (None, "p256dh", "is required"),
        ({}, "p256dh", "is required"),
        ({"p256dh": KEYS["p256dh"]}, "auth", "is required"),
        ({**KEYS, "auth": 7}, "auth", "is required"),
        ({**KEYS, "auth": "tBHI"}, "auth", "must be 16 octets, and is 3"),
        ({**KEYS, "auth": "a b"}, "auth", "is not base64url"),
        ({**KEYS, "p256dh": "BNcRd"}, "p256dh", "is not base64url"),
        ({**KEYS, "p256dh": "BNcR"}, "p256dh", "must be 65 octets, and is 3"),
        ({**KEYS, "p256dh": "B" + "A" * 86}, "p256dh", "is not a public key"),
    ],
)
def test_keys_that_no_message_can_be_encrypted_with(keys: object, name: str, words: str) -> None:
    with pytest.raises(BadKey, match=words) as bad:
        read_keys(keys)
    assert bad.value.name == name


def test_keys_may_be_padded() -> None:
    padded = {name: value + "=" * (-len(value) % 4) for name, value in KEYS.items()}
    assert read_keys(padded) == read_keys(KEYS)
    assert read_keys(KEYS) == SubscriptionKeys(octets(KEYS["p256dh"]), octets(KEYS["auth"]))
