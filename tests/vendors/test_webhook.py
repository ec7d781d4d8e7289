"""A server of one's own: what it is sent, what it may answer and what it may tell."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.http import HttpResponse, Webhook
from domain.message import ContentMessage
from domain.report import Heard
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour, Call
from fakes.webhook import FakeWebhook
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Checking
from vendors.http_api import Moment
from vendors.webhook import KIND, REFUSALS, Settings, outcome, receipts, request, verify

SETTINGS = Settings.model_validate(
    {"base_url": "https://own.example.com/hook/", "secret": FakeWebhook.secret}
)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MESSAGE = ContentMessage(
    "att_1", "ntf_1", Channel.PUSH, "a token", {"title": "Hi", "body": "Grüße"},
    target={"platform": "ios"}, expires_at=datetime(2026, 11, 24, 13, tzinfo=UTC),
)  # fmt: skip


def heard(told: Any) -> Heard:
    call: Call = FakeWebhook().call(told, url="https://tocsin.example.com/v1/receipts/acc_1")
    headers = {name.lower(): value for name, value in call.headers.items()}
    webhook = Webhook("POST", call.url, headers, call.body)
    verify(webhook, SETTINGS, Checking(datetime.now(UTC)))
    return receipts(webhook, SETTINGS)


def answer(status: int, document: Any, **headers: str) -> HttpResponse:
    return HttpResponse(status, headers, json.dumps(document).encode())


def test_the_call_says_everything_and_is_named_by_its_attempt() -> None:
    asked = request(MESSAGE, SETTINGS, Moment(NOW))
    assert (asked.method, asked.url) == ("POST", "https://own.example.com/hook/")
    assert asked.headers["webhook-id"] == "att_1"
    assert asked.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert json.loads(asked.body) == {
        "attempt_id": "att_1",
        "notification": "ntf_1",
        "channel": "push",
        "address": "a token",
        "content": {"title": "Hi", "body": "Grüße"},
        "target": {"platform": "ios"},
        "expires_at": "2026-11-24T13:00:00+00:00",
    }


def test_the_url_stays_as_it_was_given() -> None:
    bare = Settings.model_validate(
        {"base_url": "https://own.example.com/hook", "secret": FakeWebhook.secret}
    )
    assert request(MESSAGE, bare, Moment(NOW)).url == "https://own.example.com/hook"
    with pytest.raises(ValidationError):
        Settings.model_validate({"base_url": "own.example.com", "secret": FakeWebhook.secret})


@pytest.mark.parametrize(
    ("reason", "kind", "scope"),
    [(reason, *meaning) for reasons, meaning in REFUSALS.items() for reason in reasons],
)
def test_a_reason_decides(reason: str, kind: OutcomeKind, scope: Scope) -> None:
    found = outcome(answer(422, {"reason": reason, "detail": "words"}, **{"retry-after": "9"}))
    assert (found.kind, found.scope, found.reason) == (kind, scope, reason)
    assert (found.detail, found.vendor_code, found.retry_after) == ("words", "422", 9)


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (400, {"reason": "a word of tomorrow"}, (OutcomeKind.REJECTED, "invalid_payload")),
        (400, ["reason"], (OutcomeKind.REJECTED, "invalid_payload")),
        (410, {}, (OutcomeKind.REJECTED, "config_missing")),
        (429, None, (OutcomeKind.THROTTLED, "rate_account")),
        (302, {}, (OutcomeKind.REJECTED, "config_missing")),
        # What failed may have been taken, whatever else is said.
        (500, {"reason": "invalid_address"}, (OutcomeKind.UNKNOWN, "vendor_error_after_body")),
    ],
)
def test_else_the_status_decides(
    status: int, document: Any, expected: tuple[OutcomeKind, str]
) -> None:
    found = outcome(answer(status, document))
    assert (found.kind, found.reason) == expected


@pytest.mark.parametrize(
    ("document", "vendor_id"), [({"id": "own-1"}, "own-1"), ({"id": 7}, "7"), ({"id": [1]}, "")]
)
def test_the_id_is_the_servers_where_it_gives_one(document: Any, vendor_id: str) -> None:
    found = outcome(answer(202, document))
    assert (found.kind, found.vendor_id) == (OutcomeKind.ACCEPTED, vendor_id)


async def test_a_server_of_few_words_is_known_by_our_id() -> None:
    fake = FakeWebhook(wordless=True)
    async with FakeHttp(fake) as server:
        account = KIND.open(
            {"base_url": server.url("webhook"), "secret": FakeWebhook.secret}, parts_for()
        )
        found = await account.send(MESSAGE, deadline=soon())
        await account.close()
    assert (found.kind, found.vendor_id) == (OutcomeKind.ACCEPTED, "att_1")


async def test_the_same_attempt_again_is_one_message() -> None:
    fake = FakeWebhook()
    async with FakeHttp(fake) as server:
        account = KIND.open(
            {"base_url": server.url("webhook"), "secret": FakeWebhook.secret}, parts_for()
        )
        fake.script(Behaviour.DROP_AFTER_BODY)
        lost = await account.send(MESSAGE, deadline=soon())
        again = await account.send(MESSAGE, deadline=soon())
        other = await account.send(replace(MESSAGE, attempt_id="att_2"), deadline=soon())
        await account.close()
    assert lost.kind is OutcomeKind.UNKNOWN
    assert again.vendor_id == fake.taken[0].id
    assert other.vendor_id == fake.taken[1].id
    assert len(fake.taken) == 2
    assert KIND.capabilities.idempotency


def test_a_list_tells_several_things_with_a_key_each() -> None:
    found = heard(
        [
            {"attempt_id": "att_1", "kind": "delivered", "at": "2026-11-24T12:00:00Z"},
            {"attempt_id": "att_2", "kind": "failed", "reason": "handset_off"},
            {"attempt_id": "att_3", "kind": "failed", "reason": "own words", "hard": True},
            {"sender": "+14155550100", "to": "+14155550199", "text": "Stop"},
            {"sender": "user-1", "text": "Hello", "channel": "inapp"},
        ]
    )
    first, second, third = found.reports
    assert (first.kind, first.at) == (ReceiptKind.DELIVERED, NOW)
    assert (second.reason, second.hard) == ("handset_off", False)
    assert (third.reason, third.vendor_code, third.hard) == ("", "own words", True)
    assert [(one.channel, one.sender, one.to, one.text) for one in found.replies] == [
        (Channel.SMS, "+14155550100", "+14155550199", "Stop"),
        (Channel.INAPP, "user-1", "", "Hello"),
    ]
    keys = {one.event_key for one in found.reports} | {one.event_key for one in found.replies}
    assert len(keys) == 5


def test_without_a_time_the_calls_own_counts() -> None:
    [report] = heard({"attempt_id": "att_1", "kind": "sent"}).reports
    assert abs((report.at - datetime.now(UTC)).total_seconds()) < 60
    [report] = heard({"attempt_id": "att_1", "kind": "sent", "at": "2026-11-24T12:00"}).reports
    assert report.at == NOW


def test_only_failures_are_for_good() -> None:
    [report] = heard({"attempt_id": "att_1", "kind": "delivered", "hard": True}).reports
    assert not report.hard


@pytest.mark.parametrize(
    "told",
    [
        7, "text", None, [7], {"kind": "sent"}, {"attempt_id": 1.5},
        {"attempt_id": "att_1", "kind": "sent", "at": "yesterday"},
        {"attempt_id": "att_1", "kind": "sent", "at": [1]},
        {"sender": "+14155550100", "channel": "pigeon"},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_value_error(told: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        heard(told)
