"""APNs: headers and payload, what its reasons mean, and the provider token."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import ValidationError

from domain.http import HttpRequest, HttpResponse
from domain.ids import encode, new_id
from domain.message import ContentMessage
from domain.vocabulary import CategoryClass, Channel, OutcomeKind, Scope
from fakes.apns import FakeApns, a_key
from fakes.fcm import FakeFcm
from fakes.http2_server import FakeHttp2
from fakes.http2_session import Http2Fault
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Vendor
from vendors.http_api import Moment, Unfit
from vendors.http_outcomes import Unreadable
from vendors.push import apns

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DEVICE = "0a1b2c3d" * 8
GIVEN = {
    "key": FakeApns.key(), "key_id": FakeApns.kid, "team_id": FakeApns.team,
    "topic": FakeApns.topic,
}  # fmt: skip
SETTINGS = apns.Settings.model_validate(GIVEN)


def a_push(content: Mapping[str, Any] | None = None, **given: Any) -> ContentMessage:
    usual: dict[str, Any] = {
        "attempt_id": "att_00000000000000000000000001", "notification_id": "ntf_1",
        "channel": Channel.PUSH, "address": DEVICE,
        "content": {"title": "Hi", "body": "there", **(content or {})},
    }  # fmt: skip
    return ContentMessage(**{**usual, **given})


def asked(content: Mapping[str, Any] | None = None, **given: Any) -> HttpRequest:
    return apns.request(a_push(content, **given), SETTINGS, Moment(NOW, "t"))


def answered(status: int, reason: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return apns.outcome(HttpResponse(status, named, json.dumps({"reason": reason}).encode()))


@asynccontextmanager
async def an_account(**served: Any) -> AsyncIterator[tuple[FakeApns, FakeHttp2, Vendor]]:
    fake = FakeApns()
    async with FakeHttp2(fake, **served) as server:
        settings = {"base_url": server.url("apns"), **server.settings, **GIVEN}
        account = apns.KIND.open(settings, parts_for())
        yield fake, server, account
        await account.close()


@pytest.mark.parametrize("reasons", apns.REFUSALS)
def test_every_reason_is_judged(reasons: tuple[str, ...]) -> None:
    for reason in reasons:
        found = answered(400, reason)
        assert (found.kind, found.scope, found.reason) == apns.REFUSALS[reasons]
        assert found.vendor_code == reason


def test_an_unknown_reason_is_judged_by_its_status() -> None:
    assert (answered(403, "NewReason").scope, answered(403, "x").reason) == (
        Scope.ACCOUNT, "forbidden",
    )  # fmt: skip
    assert answered(400, "NewReason").reason == "invalid_payload"
    assert answered(429, "NewReason").kind is OutcomeKind.THROTTLED


def test_a_dead_token_says_since_when() -> None:
    body = json.dumps({"reason": "Unregistered", "timestamp": 1_893_456_000_000}).encode()
    assert "1893456000000" in apns.outcome(HttpResponse(410, {}, body)).detail


def test_an_acceptance_is_known_by_its_id() -> None:
    assert apns.outcome(HttpResponse(200, {"apns-id": "a"})).vendor_id == "a"
    with pytest.raises(Unreadable):
        apns.outcome(HttpResponse(200, {}, b"{}"))


def test_the_headers_as_apple_wants_them() -> None:
    attempt = new_id()
    request = asked(
        {"collapse_key": "order-7"},
        attempt_id=encode("att", attempt),
        expires_at=NOW + timedelta(minutes=5),
        class_=CategoryClass.OTP,
    )
    assert request.url == f"https://api.push.apple.com/3/device/{DEVICE}"
    assert request.headers == {
        "authorization": "bearer t",
        "content-type": "application/json",
        "apns-topic": "com.example.app",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(NOW.timestamp()) + 300),
        "apns-id": str(attempt),
        "apns-collapse-id": "order-7",
    }
    assert UUID(request.headers["apns-id"]).version == 7


def test_marketing_wakes_nobody_and_what_is_over_is_tried_once() -> None:
    request = asked(class_=CategoryClass.MARKETING, expires_at=NOW)
    assert request.headers["apns-priority"] == "5"
    assert request.headers["apns-expiration"] == "0"


@pytest.mark.parametrize("key", ["x" * 65, "commande n°7", "order 7", "a\r\nb"])
def test_a_collapse_key_that_apple_would_refuse_becomes_its_digest(key: str) -> None:
    found = asked({"collapse_key": key}).headers["apns-collapse-id"]
    assert found == hashlib.sha256(key.encode()).hexdigest()
    assert len(found) == 64


def test_the_payload_as_apple_wants_it() -> None:
    content = {
        "url": "app://orders/7", "image": "https://example.com/i.png", "badge": 0,
        "sound": "bell.caf", "data": {"order": 7, "url": "overruled"},
    }  # fmt: skip
    assert json.loads(asked(content).body) == {
        "aps": {
            "alert": {"title": "Hi", "body": "there"},
            "badge": 0, "sound": "bell.caf", "mutable-content": 1,
        },
        "order": 7, "url": "app://orders/7", "image": "https://example.com/i.png",
        "tocsin_id": "att_00000000000000000000000001",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason", "word"),
    [
        ({"ttl": "soon"}, "ttl_invalid", "ttl"),
        ({"badge": "many"}, "invalid_payload", "badge"),
        ({"data": {"aps": {}}}, "invalid_payload", "aps"),
        ({"body": "x" * 4_096}, "payload_too_large", "4,096"),
    ],
)
def test_what_apple_would_refuse_is_seen_before(
    content: dict[str, Any], reason: str, word: str
) -> None:
    with pytest.raises(Unfit) as unfit:
        asked(content)
    assert unfit.value.reason == reason
    assert word in unfit.value.detail


def test_4096_octets_are_taken() -> None:
    room = 4_096 - len(asked({"body": ""}).body) - len('"body":"",')
    assert len(asked({"body": "x" * room}).body) == 4_096
    with pytest.raises(Unfit, match=r"4,097 octets"):
        asked({"body": "x" * (room + 1)})


def test_the_provider_token_is_signed_by_the_key() -> None:
    token, seconds = apns.provider_token(SETTINGS, Moment(NOW))
    public = load_pem_private_key(GIVEN["key"].encode(), None).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    claims = jwt.decode(token, public, algorithms=["ES256"], options={"verify_iat": False})
    assert claims == {"iss": "TEAM123456", "iat": int(NOW.timestamp())}
    assert jwt.get_unverified_header(token)["kid"] == "KEY1234567"
    assert 1_200 < seconds * 0.9 < 3_600


async def test_one_provider_token_serves_many_messages() -> None:
    async with an_account() as (fake, _, account):
        sent = [account.send(a_push(), deadline=soon()) for _ in range(50)]
        assert {one.kind for one in await asyncio.gather(*sent)} == {OutcomeKind.ACCEPTED}
        assert len(fake.tokens) == 1


async def test_an_expired_token_is_renewed_once_for_all() -> None:
    async with an_account() as (fake, _, account):
        await account.send(a_push(), deadline=soon())
        fake.expire()
        sent = [account.send(a_push(), deadline=soon()) for _ in range(50)]
        assert {one.kind for one in await asyncio.gather(*sent)} == {OutcomeKind.ACCEPTED}
        assert len(fake.tokens) == 2
        assert len(fake.taken) == 51


async def test_the_id_that_apple_names_is_our_attempt() -> None:
    attempt = new_id()
    async with an_account() as (fake, _, account):
        found = await account.send(a_push(attempt_id=encode("att", attempt)), deadline=soon())
        assert found.vendor_id == str(attempt)
        assert [one.id for one in fake.taken] == [str(attempt)]


async def test_a_burst_waits_until_apple_trusts_the_first_token() -> None:
    async with an_account(max_streams=1, raised_to=100) as (fake, server, account):
        sent = [account.send(a_push(), deadline=soon()) for _ in range(60)]
        assert {one.kind for one in await asyncio.gather(*sent)} == {OutcomeKind.ACCEPTED}
        assert len(fake.taken) == 60
        assert len(server.opened) < 10


@pytest.mark.parametrize("fault", [Http2Fault.GOAWAY, Http2Fault.REFUSED_STREAM])
async def test_what_was_surely_not_processed_is_transient(fault: Http2Fault) -> None:
    async with an_account() as (fake, server, account):
        server.fail(fault)
        found = await account.send(a_push(), deadline=soon())
        assert (found.kind, found.reason) == (OutcomeKind.TRANSIENT, "vendor_unavailable")
        assert fake.taken == []


async def test_what_may_have_been_processed_is_unknown() -> None:
    async with an_account() as (fake, server, account):
        server.fail(Http2Fault.RESET)
        found = await account.send(a_push(), deadline=soon())
        assert (found.kind, found.reason) == (OutcomeKind.UNKNOWN, "connection_lost_after_body")
        assert len(fake.taken) == 1


@pytest.mark.parametrize(
    "key",
    [
        "no key",
        json.loads(FakeFcm.service_account())["private_key"],
        a_key(ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_a_key_must_be_one_of_apple(key: str) -> None:
    with pytest.raises(ValidationError, match=r"PEM|P-256") as wrong:
        apns.Settings.model_validate({**GIVEN, "key": key})
    assert "PRIVATE KEY" not in str(wrong.value)
