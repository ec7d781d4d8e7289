"""FCM: what it is told, what its codes mean, and the access token."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.vocabulary import CategoryClass, Channel, OutcomeKind, Scope
from fakes.fcm import FakeFcm
from fakes.http_server import FakeHttp
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Vendor
from vendors.http_api import Moment, Unfit
from vendors.push import fcm

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SETTINGS = fcm.Settings.model_validate({"service_account": FakeFcm.service_account()})
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


def a_push(content: Mapping[str, Any] | None = None, **given: Any) -> ContentMessage:
    usual: dict[str, Any] = {
        "attempt_id": "att_00000000000000000000000001", "notification_id": "ntf_1",
        "channel": Channel.PUSH, "address": "token-1",
        "content": {"title": "Hi", "body": "there", **(content or {})},
    }  # fmt: skip
    return ContentMessage(**{**usual, **given})


def told(content: Mapping[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """Return the message that FCM is told."""
    request = fcm.request(a_push(content, **given), SETTINGS, Moment(NOW, "t"))
    message: dict[str, Any] = json.loads(request.body)["message"]
    return message


def answered(
    status: int, word: str = "", details: list[Any] | None = None, words: str = "", **headers: str
) -> Any:
    error = {"code": status, "status": word, "message": words, "details": details or []}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found = fcm.outcome(HttpResponse(status, named, json.dumps({"error": error}).encode()))
    return found.kind, found.scope, found.reason, found.retry_after


@asynccontextmanager
async def an_account(**given: Any) -> AsyncIterator[tuple[FakeFcm, Vendor]]:
    fake = FakeFcm()
    async with FakeHttp(fake) as server:
        url = server.url("fcm")
        settings = {
            "base_url": url, "token_url": f"{url}/token",
            "service_account": FakeFcm.service_account(), **given,
        }  # fmt: skip
        account = fcm.KIND.open(settings, parts_for())
        yield fake, account
        await account.close()


@pytest.mark.parametrize("code", [code for code in fcm.REFUSALS if code != "INVALID_ARGUMENT"])
@pytest.mark.parametrize("in_details", [True, False])
def test_every_code_is_judged(code: str, in_details: bool) -> None:
    kind, scope, reason = fcm.REFUSALS[code]
    details = [{"@type": FCM_ERROR, "errorCode": code}] if in_details else []
    found = answered(400, "NOT_FOUND" if in_details else code, details, retry_after="7")
    assert found == (kind, scope, reason, 7.0)


def test_an_error_code_goes_before_a_status() -> None:
    details = [{"@type": "other"}, {"@type": FCM_ERROR, "errorCode": "UNREGISTERED"}]
    found = answered(404, "PERMISSION_DENIED", details)
    assert found[:3] == (OutcomeKind.REJECTED, Scope.RECIPIENT, "unregistered")


@pytest.mark.parametrize(
    ("code", "wait"), [("QUOTA_EXCEEDED", 60.0), ("UNAVAILABLE", 10.0), ("INTERNAL", None)]
)
def test_how_long_to_wait_where_it_does_not_say(code: str, wait: float | None) -> None:
    assert answered(503, code)[3] == wait


@pytest.mark.parametrize(
    ("details", "words", "scope", "reason"),
    [
        ([{"errorCode": "INVALID_ARGUMENT"}], "not a valid token", "recipient", "invalid_address"),
        ([{"errorCode": "INVALID_ARGUMENT"}], "message is too big", "message", "payload_too_large"),
        ([], "Invalid JSON payload", "message", "invalid_payload"),
        (
            [{"fieldViolations": [{"field": "message.android.ttl"}]}],
            "", "message", "invalid_payload",
        ),
        (
            [
                {"errorCode": "INVALID_ARGUMENT"},
                {"fieldViolations": [{"field": "message.token"}]},
            ],
            "", "recipient", "invalid_address",
        ),
        (
            [
                {"errorCode": "INVALID_ARGUMENT"},
                {"fieldViolations": [{"field": "message.token"}, {"field": "message.data"}]},
            ],
            "", "message", "invalid_payload",
        ),
    ],
)  # fmt: skip
def test_an_invalid_argument_is_the_token_or_the_message(
    details: list[Any], words: str, scope: str, reason: str
) -> None:
    found = answered(400, "INVALID_ARGUMENT", details, words)
    assert found[:3] == (OutcomeKind.REJECTED, scope, reason)


def test_an_unknown_code_is_judged_by_its_status() -> None:
    assert answered(418, "TEAPOT")[:3] == (OutcomeKind.REJECTED, Scope.MESSAGE, "invalid_payload")
    assert answered(404, "NOT_FOUND")[:3] == (OutcomeKind.REJECTED, Scope.ACCOUNT, "config_missing")


def test_the_message_as_fcm_wants_it() -> None:
    content = {
        "url": "https://example.com/7", "image": "https://example.com/i.png", "badge": "3",
        "sound": "bell", "collapse_key": "order 7", "ttl": 60,
        "data": {"order": 7, "paid": True, "lines": [{"a": "ü"}], "note": None, "word": "x"},
    }  # fmt: skip
    assert told(content) == {
        "token": "token-1",
        "notification": {"title": "Hi", "body": "there", "image": "https://example.com/i.png"},
        "data": {
            "order": "7", "paid": "true", "lines": '[{"a":"ü"}]', "note": "null", "word": "x",
            "url": "https://example.com/7", "image": "https://example.com/i.png",
            "tocsin_id": "att_00000000000000000000000001",
        },
        "android": {
            "priority": "HIGH", "ttl": "60s", "collapse_key": "order 7",
            "notification": {"sound": "bell", "notification_count": 3, "tag": "order 7"},
        },
        "apns": {
            "headers": {
                "apns-priority": "10", "apns-expiration": str(int(NOW.timestamp()) + 60),
                "apns-collapse-id": hashlib.sha256(b"order 7").hexdigest(),
            },
            "payload": {"aps": {"sound": "bell", "badge": 3, "mutable-content": 1}},
        },
        "webpush": {"fcm_options": {"link": "https://example.com/7"}},
    }  # fmt: skip


def test_a_plain_message_is_short() -> None:
    message = told(class_=CategoryClass.MARKETING)
    assert message["android"] == {"priority": "NORMAL", "ttl": "2419200s"}
    assert message["data"] == {"tocsin_id": "att_00000000000000000000000001"}
    assert "webpush" not in message


@pytest.mark.parametrize(
    ("ttl", "left", "expected"),
    [
        (None, 90, "90s"), (30, 90, "30s"), (300, 90, "90s"), (0, 90, "0s"), (None, -5, "0s"),
        (99_999_999, None, "2419200s"), (None, None, "2419200s"),
    ],
)  # fmt: skip
def test_it_is_kept_no_longer_than_it_is_of_use(
    ttl: int | None, left: int | None, expected: str
) -> None:
    expires = None if left is None else NOW + timedelta(seconds=left)
    assert told({"ttl": ttl}, expires_at=expires)["android"]["ttl"] == expected


@pytest.mark.parametrize(
    ("content", "reason", "word"),
    [
        ({"ttl": "soon"}, "ttl_invalid", "ttl"),
        ({"ttl": -1}, "ttl_invalid", "ttl"),
        ({"badge": 1.5}, "invalid_payload", "badge"),
        ({"badge": True}, "invalid_payload", "badge"),
        ({"data": {"from": "x"}}, "invalid_payload", "from"),
        ({"data": {"google.x": "x"}}, "invalid_payload", "google.x"),
        ({"data": {"gcm_y": "x"}}, "invalid_payload", "gcm_y"),
    ],
)
def test_what_fcm_would_refuse_is_seen_before(
    content: dict[str, Any], reason: str, word: str
) -> None:
    with pytest.raises(Unfit) as unfit:
        told(content)
    assert unfit.value.reason == reason
    assert word in unfit.value.detail


def test_the_limit_counts_octets_of_words_and_data() -> None:
    room = 4_096 - len(json.dumps({"notification": {"title": "Hi"}, "data": {}}))
    told({"body": "x" * (room - 80)})
    with pytest.raises(Unfit, match=r"4,1\d\d octets; FCM takes 4,096"):
        told({"body": "x" * room})
    with pytest.raises(Unfit, match="octets"):
        told({"body": "", "data": {"a": "ü" * 2_040}})


def test_another_project_can_be_named() -> None:
    settings = SETTINGS.model_copy(update={"project_id": "other"})
    url = fcm.request(a_push(), settings, Moment(NOW, "t")).url
    assert url == "https://fcm.googleapis.com/v1/projects/other/messages:send"


async def test_a_token_serves_many_messages() -> None:
    async with an_account() as (fake, account):
        sent = [account.send(a_push(address=f"token-{n}"), deadline=soon()) for n in range(30)]
        assert {one.kind for one in await asyncio.gather(*sent)} == {OutcomeKind.ACCEPTED}
        assert len(fake.tokens) == 1


async def test_a_token_that_was_taken_back_is_renewed_once_for_all() -> None:
    async with an_account() as (fake, account):
        await account.send(a_push(), deadline=soon())
        fake.revoke()
        sent = [account.send(a_push(address=f"token-{n}"), deadline=soon()) for n in range(30)]
        assert {one.kind for one in await asyncio.gather(*sent)} == {OutcomeKind.ACCEPTED}
        assert len(fake.tokens) == 2
        assert len(fake.taken) == 31


async def test_a_token_that_is_never_good_is_the_accounts_affair() -> None:
    async with an_account() as (fake, account):
        fake.refuses_all = True
        found = await account.send(a_push(), deadline=soon())
        assert (found.kind, found.scope, found.reason) == (
            OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed",
        )  # fmt: skip
        assert len([one for one in fake.asked if fake.sends(one)]) == 2
        assert len(fake.tokens) == 2


async def test_a_short_lived_token_is_renewed_in_time() -> None:
    async with an_account() as (fake, account):
        fake.token_seconds = 1
        await account.send(a_push(), deadline=soon())
        await asyncio.sleep(1.1)
        await account.send(a_push(), deadline=soon())
        assert len(fake.tokens) == 2
        assert len(fake.taken) == 2


async def test_a_failing_token_endpoint_is_transient() -> None:
    async with an_account() as (fake, account):
        fake.token_status = 503
        found = await account.send(a_push(), deadline=soon())
        assert (found.kind, found.reason, found.phase) == (
            OutcomeKind.TRANSIENT, "vendor_unavailable", "login",
        )  # fmt: skip
        fake.token_status = 200
        assert (await account.send(a_push(), deadline=soon())).kind is OutcomeKind.ACCEPTED


def test_the_401_of_another_key_renews_nothing() -> None:
    details = [{"@type": FCM_ERROR, "errorCode": "THIRD_PARTY_AUTH_ERROR"}]
    body = {"error": {"status": "UNAUTHENTICATED", "details": details}}
    expired = fcm.LOGIN.expired
    assert not expired(HttpResponse(401, {}, json.dumps(body).encode()))
    assert expired(HttpResponse(401, {}, b"who are you"))
    assert not expired(HttpResponse(403, {}, b""))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("no json", "JSON"),
        ("[]", "client_email"),
        (json.dumps({**json.loads(FakeFcm.service_account()), "project_id": 7}), "project_id"),
        (json.dumps({**json.loads(FakeFcm.service_account()), "private_key": "x"}), "PEM"),
    ],
)
def test_a_key_file_must_be_one(given: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as wrong:
        fcm.Settings.model_validate({"service_account": given})
    assert "PRIVATE KEY" not in str(wrong.value)
