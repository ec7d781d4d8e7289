"""Web Push: what a push service is told, and what its answers mean."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.vocabulary import CategoryClass, Channel, OutcomeKind, Scope
from fakes.http_server import FakeHttp
from fakes.webpush import FakeWebPush, open_message
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from tests.vendors.webpush.test_encryption import BROWSER_PRIVATE, KEYS, octets, read
from transport.http.guard import Guard
from transport.http.pool import HttpPool
from vendors.contract import Parts
from vendors.http_api import Moment, Unfit
from vendors.http_outcomes import Unreadable
from vendors.webpush import webpush
from vendors.webpush.vapid import load_key

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GIVEN = {"vapid_private_key": FakeWebPush.vapid_key(), "subject": "mailto:push@example.com"}
SETTINGS = webpush.Settings.model_validate(GIVEN)
ENDPOINT = "https://push.example.net/send/abc"


def a_push(content: Mapping[str, Any] | None = None, **given: Any) -> ContentMessage:
    usual: dict[str, Any] = {
        "attempt_id": "att_00000000000000000000000001", "notification_id": "ntf_1",
        "channel": Channel.WEBPUSH, "address": ENDPOINT, "target": {"keys": KEYS},
        "content": {"title": "Hi", "body": "there", **(content or {})},
    }  # fmt: skip
    return ContentMessage(**{**usual, **given})


def asked(content: Mapping[str, Any] | None = None, **given: Any) -> HttpRequest:
    return webpush.request(a_push(content, **given), SETTINGS, Moment(NOW))


def judged(status: int, body: bytes = b"", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return webpush.outcome(HttpResponse(status, named, body))


@pytest.mark.parametrize("status", webpush.REFUSALS)
def test_every_status_is_judged(status: int) -> None:
    found = judged(status, b"words")
    assert (found.kind, found.scope, found.reason) == webpush.REFUSALS[status]
    assert (found.vendor_code, found.detail) == (str(status), "words")


@pytest.mark.parametrize(
    ("status", "kind", "scope", "reason"),
    [
        (500, "unknown", "message", "vendor_error_after_body"),
        (502, "unknown", "message", "vendor_error_after_body"),
        (307, "rejected", "recipient", "unreachable"),
        (406, "rejected", "message", "invalid_payload"),
    ],
)
def test_other_statuses(status: int, kind: str, scope: str, reason: str) -> None:
    found = judged(status)
    assert (found.kind, found.scope, found.reason) == (kind, scope, reason)


def test_a_subscription_for_another_key_is_never_taken_for_a_dead_one() -> None:
    """Else a wrong key in the settings would cost every subscription there is."""
    words = b"the VAPID credentials do not correspond to the credentials used to subscribe"
    for found in (
        judged(403, words), judged(401, words), judged(400, b'{"reason":"VapidPkHashMismatch"}'),
    ):  # fmt: skip
        assert (found.scope, found.reason) == (Scope.ACCOUNT, "auth_failed")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ({"retry_after": "120"}, 120.0),
        (
            {
                "retry_after": "Tue, 01 Jan 2030 00:00:30 GMT",
                "date": "Tue, 01 Jan 2030 00:00:00 GMT",
            },
            30.0,
        ),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(status: int, given: dict[str, str], wait: float | None) -> None:
    assert judged(status, b"", **given).retry_after == wait


def test_what_proves_that_a_push_service_has_it() -> None:
    assert judged(201, location="https://push.example.net/m/1").vendor_id.endswith("/m/1")
    assert judged(201, apns_id="a-b").vendor_id == "a-b"
    assert judged(201).kind is OutcomeKind.ACCEPTED
    assert judged(202, location="/m/2").vendor_id == "/m/2"
    with pytest.raises(Unreadable):
        judged(200, b"<html>")


def test_the_headers_as_rfc_8030_wants_them() -> None:
    request = asked(
        {"collapse_key": "order-7"}, class_=CategoryClass.OTP, expires_at=NOW + timedelta(minutes=5)
    )
    assert request.url == ENDPOINT
    headers = dict(request.headers)
    token, key = headers.pop("Authorization").removeprefix("vapid t=").split(", k=")
    assert read(token, key, "https://push.example.net")["sub"] == "mailto:push@example.com"
    assert headers == {
        "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream",
        "TTL": "300", "Urgency": "high", "Topic": "order-7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("class_", "urgency"),
    [("otp", "high"), ("transactional", "high"), ("bulk", "normal"), ("marketing", "low")],
)
def test_a_class_has_its_urgency(class_: str, urgency: str) -> None:
    assert asked(class_=CategoryClass(class_)).headers["Urgency"] == urgency


@pytest.mark.parametrize("key", ["x" * 33, "order 7", "naïve"])
def test_a_topic_is_32_letters_of_base64url_at_most(key: str) -> None:
    assert len(asked({"collapse_key": key}).headers["Topic"]) == 32
    assert asked({"collapse_key": key}).headers["Topic"].isalnum()


@pytest.mark.parametrize(
    ("endpoint", "audience"),
    [
        ("https://push.example.net/a?b=c", "https://push.example.net"),
        ("https://push.example.net:443/a", "https://push.example.net"),
        ("https://PUSH.example.net:8443/a", "https://push.example.net:8443"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]"),
    ],
)
def test_the_audience_is_the_origin_of_the_endpoint(endpoint: str, audience: str) -> None:
    header = asked(address=endpoint).headers["Authorization"]
    token, key = header.removeprefix("vapid t=").split(", k=")
    assert read(token, key, audience)["aud"] == audience


def test_the_browser_reads_what_was_written() -> None:
    content = {
        "url": "https://example.com/7", "image": "https://example.com/i.png", "badge": 3,
        "collapse_key": "order 7", "data": {"order": 7, "lines": [{"a": "ü"}]}, "ttl": 60,
    }  # fmt: skip
    body = asked(content).body
    shown = json.loads(open_message(body, load_key(BROWSER_PRIVATE), octets(KEYS["auth"])))
    assert shown == {
        "title": "Hi", "body": "there", "url": "https://example.com/7",
        "image": "https://example.com/i.png", "badge": 3, "tag": "order 7",
        "data": {"order": 7, "lines": [{"a": "ü"}]},
        "tocsin_id": "att_00000000000000000000000001",
    }  # fmt: skip


def test_no_two_bodies_are_alike() -> None:
    first, second = asked().body, asked().body
    assert first[:16] != second[:16], "the salt"
    assert first[21:86] != second[21:86], "the sender's key"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"address": "push.example.net"}, "not a URL"),
        ({"address": "https://push.example.net:x/"}, "not a URL"),
        ({"address": "ftp://push.example.net/"}, "not a URL"),
        ({"target": {}}, "p256dh is required"),
        ({"target": {"keys": {**KEYS, "auth": "AAAA"}}}, "auth must be 16 octets"),
    ],
)
def test_a_broken_subscription_is_the_recipients_affair(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Unfit, match=words) as unfit:
        asked(**given)
    assert (unfit.value.scope, unfit.value.reason) == (Scope.RECIPIENT, "invalid_address")


def test_3993_octets_are_taken() -> None:
    empty = len(json.dumps({"title": "Hi", "tocsin_id": "x" * 30}, separators=(",", ":")))
    room = 3_993 - empty - len('"body":"",')
    assert len(asked({"body": "x" * room}).body) == 4_096
    with pytest.raises(Unfit, match=r"3,994 octets; Web Push takes 3,993"):
        asked({"body": "x" * (room + 1)})


async def test_an_endpoint_in_our_own_network_is_the_recipients_affair() -> None:
    fake = FakeWebPush()
    async with FakeHttp(fake) as server:
        parts = parts_for()
        guarded = Parts(parts.mail_pool, parts.keep, lambda settings: HttpPool(settings, Guard()))
        account = webpush.KIND.open(GIVEN, guarded)
        message = a_push(address=f"{server.url('webpush')}/send/one")
        found = await account.send(message, deadline=soon())
        assert (found.kind, found.scope, found.reason) == (
            OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address",
        )  # fmt: skip
        assert fake.asked == []
        await account.close()


async def test_a_push_service_that_is_away_is_the_recipients_affair() -> None:
    account = webpush.KIND.open(GIVEN, parts_for())
    found = await account.send(a_push(address="http://127.0.0.1:9/send/one"), deadline=soon())
    assert (found.kind, found.scope, found.reason) == (
        OutcomeKind.TRANSIENT, Scope.RECIPIENT, "connect_failed",
    )  # fmt: skip
    await account.close()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"vapid_private_key": "x"}, "P-256"),
        ({"subject": "push@example.com"}, "mailto"),
        ({"subject": "mailto:admin@localhost"}, "localhost"),
        ({"subject": "http://example.com"}, "https"),
    ],
)
def test_settings_must_be_usable(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        webpush.Settings.model_validate({**GIVEN, **given})
