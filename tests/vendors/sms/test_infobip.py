"""Infobip SMS: what is asked, what each status means, batches, repeats and look-ups."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour
from fakes.infobip import FakeInfobip
from tests.contract.conftest import all_cases
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Absent, BatchVendor, LookUpVendor, Sought
from vendors.http_api import Moment, Unfit
from vendors.http_outcomes import Unreadable
from vendors.sms.infobip import (
    KIND,
    MOST_TOGETHER,
    Settings,
    bulk,
    fits,
    found,
    look_up,
    outcome,
    outcomes,
    request,
)
from vendors.sms.infobip_statuses import DUPLICATE, GROUPS, REFUSALS, REPORTS, UNLISTED

CASE = next(case for case in all_cases() if case.vendor == "infobip")
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
BASE = "https://xyz123.api.infobip.com"


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"base_url": BASE, **CASE.settings, **given})


def asked(*messages: ContentMessage, **given: Any) -> dict[str, Any]:
    found = bulk(messages or [CASE.message()], settings(**given), Moment(NOW))
    assert (found.method, found.url) == ("POST", f"{BASE}/sms/3/messages")
    assert found.headers["Authorization"] == "App fake-key"
    document: dict[str, Any] = json.loads(found.body)
    return document


def test_the_request_has_our_attempt_as_the_messages_id() -> None:
    message = CASE.message()
    assert asked() == {
        "messages": [
            {
                "sender": "InfoSMS",
                "destinations": [{"to": "41793026727", "messageId": message.attempt_id}],
                "content": {"text": "Grüße, it rang"},
            }
        ]
    }
    assert request(message, settings(), Moment(NOW)) == bulk([message], settings(), Moment(NOW))


def test_no_url_for_reports_is_named() -> None:
    """A call to it would carry nothing to believe it by: the subscription's profile does."""
    assert "webhooks" not in json.dumps(asked())


def test_a_number_as_sender_has_no_plus() -> None:
    assert asked(**{"from": "+447491163443"})["messages"][0]["sender"] == "447491163443"


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(minutes=5), 300),
        (timedelta(seconds=3), 60),
        (-timedelta(hours=3), 60),
        (timedelta(days=30), 172_800),
    ],
)
def test_a_message_that_expires_says_for_how_long_it_is_good(left: timedelta, seconds: int) -> None:
    [one] = asked(CASE.message(expires_at=NOW + left))["messages"]
    assert one["options"] == {"validityPeriod": {"amount": seconds, "timeUnit": "SECONDS"}}


def test_too_many_parts_are_not_sent() -> None:
    content = {"text": "ж" * 1676, "encoding": "ucs2", "segments": 26}
    assert not fits(CASE.message(content=content))
    assert fits(CASE.message(content={**content, "segments": 25}))
    with pytest.raises(Unfit, match="has 26 parts; Infobip takes 25"):
        request(CASE.message(content=content), settings(), Moment(NOW))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"from": ""}, "at least 1 character"),
        ({"base_url": "xyz123.api.infobip.com"}, "must begin with https"),
        ({"webhook_secret": "s"}, "takes webhook_password or webhook_secret, not both"),
        ({"webhook_secret": "s", "webhook_password": None}, "needs webhook_header"),
        ({"webhook_user": "a:b"}, "match pattern"),
        ({"webhook_algorithm": "md5"}, "'sha256', 'sha384' or 'sha512'"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**given)


def test_an_account_without_its_own_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="base_url"):
        Settings.model_validate(CASE.settings)


def an_answer(document: Any, status: int = 200, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, named, json.dumps(document).encode())


def a_result(id: Any, group: Any, message: str = "att_1", name: str = "NAME") -> dict[str, Any]:
    status = {"groupId": group, "groupName": "G", "id": id, "name": name, "description": "Words"}
    return {"messageId": message, "destination": "41793026727", "status": status}


def judged(id: Any, group: Any) -> Outcome:
    return outcome(an_answer({"messages": [a_result(id, group)]}))


def told(found: Outcome) -> tuple[Any, ...]:
    return found.kind, found.scope, found.reason


@pytest.mark.parametrize(
    ("id", "meaning"), [(id, meaning) for ids, meaning in REFUSALS.items() for id in ids]
)
@pytest.mark.parametrize("group", [2, 4, 5])
def test_every_status_that_refuses(id: int, meaning: tuple[Any, ...], group: int) -> None:
    found = judged(id, group)
    assert (told(found), found.vendor_code, found.detail) == (meaning, "NAME", "Words")
    assert found.vendor_id == ""


def test_no_status_stands_in_the_tables_twice() -> None:
    ids = [id for row in REFUSALS for id in row]
    assert len(ids) == len(set(ids))
    assert not set(ids) & set(REPORTS)


@pytest.mark.parametrize(
    ("id", "group"), [(0, 0), (3, 1), (7, 1), (26, 1), (900, 1), (2, 3), (5, 3), (DUPLICATE, 5)]
)
def test_what_infobip_has_is_accepted_and_so_is_a_repeat(id: int, group: int) -> None:
    found = judged(id, group)
    assert told(found) == (OutcomeKind.ACCEPTED, Scope.MESSAGE, "")
    assert (found.vendor_id, found.vendor_code) == ("att_1", "NAME")


@pytest.mark.parametrize("group", [2, 4, 5])
def test_a_refusal_of_tomorrow_stops_only_this_message(group: int) -> None:
    assert told(judged(900, group)) == UNLISTED


@pytest.mark.parametrize(
    "document",
    [
        {}, [], {"messages": None}, {"messages": []}, {"messages": 7}, {"messages": [7]},
        {"messages": [{}]}, {"messages": [{"status": 7}]}, {"messages": [a_result(26, 9)]},
        {"messages": [a_result(26, None)]}, {"messages": [a_result(26, True)]},
        {"messages": [a_result(26, 1, message="")]},
        {"messages": [a_result(26, 1), a_result(26, 1)]},
    ],
)  # fmt: skip
def test_an_answer_of_the_wrong_shape_is_unreadable(document: Any) -> None:
    with pytest.raises((ValueError, KeyError)):
        outcome(an_answer(document))


NEWER = {
    "errorCode": "E400", "description": "Request cannot be processed.", "action": "Check it.",
    "violations": [{"property": "messages[0].sender", "violation": "must not be blank"}],
    "resources": [],
}  # fmt: skip
OLDER = {
    "requestError": {
        "serviceException": {
            "messageId": "BAD_REQUEST", "text": "Bad Request",
            "validationErrors": {"messages[0].destinations": ["must not be empty"]},
        }
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "code", "words", "reason"),
    [
        (NEWER, "E400", "Request cannot be processed.; must not be blank", "invalid_payload"),
        (OLDER, "BAD_REQUEST", "Bad Request", "invalid_address"),
        ({}, "400", "{}", "invalid_payload"),
    ],
)
def test_errors_are_read_in_both_forms(
    document: dict[str, Any], code: str, words: str, reason: str
) -> None:
    found = outcome(an_answer(document, 400))
    assert (found.kind, found.reason) == (OutcomeKind.REJECTED, reason)
    assert (found.vendor_code, found.detail) == (code, words)


@pytest.mark.parametrize(
    ("field", "scope"),
    [
        ("messages[0].destinations[0].to", Scope.RECIPIENT),
        ("messages[0].destinations[0]", Scope.RECIPIENT),
        ("to", Scope.RECIPIENT),
        ("messages[0].options.auto", Scope.MESSAGE),
        ("messages[0].options.deliveryTimeWindow", Scope.MESSAGE),
    ],
)
def test_a_violation_that_is_the_number_is_the_recipients_affair(field: str, scope: Scope) -> None:
    document = {**NEWER, "violations": [{"property": field, "violation": "is wrong"}]}
    assert outcome(an_answer(document, 400)).scope is scope
    assert outcome(an_answer(document, 403)).scope is Scope.ACCOUNT


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed")),
        (403, (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden")),
        (404, (OutcomeKind.REJECTED, Scope.ACCOUNT, "config_missing")),
        (429, (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account")),
        (500, (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body")),
        (503, (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable")),
    ],
)
@pytest.mark.parametrize("body", [b"<html>", b"{}", b"", b"[]", json.dumps(NEWER).encode()])
def test_an_error_of_a_call_goes_by_its_status(
    status: int, expected: tuple[Any, ...], body: bytes
) -> None:
    response = HttpResponse(status, {"retry-after": "7"}, body)
    assert told(outcome(response)) == expected
    assert [told(one) for one in outcomes([CASE.message()] * 2, response)] == [expected] * 2
    waits = 7.0 if status in (429, 503) else None
    assert outcome(response).retry_after == waits


def test_each_message_of_a_call_is_judged_by_its_id_wherever_it_stands() -> None:
    messages = [CASE.message(attempt_id=f"att_{n}") for n in range(4)]
    results = [a_result(12, 5, "att_2"), a_result(26, 1, "att_0"), a_result(10, 5, "att_1")]
    found = outcomes(messages, an_answer({"messages": results}))
    assert [told(one) for one in found] == [
        (OutcomeKind.ACCEPTED, Scope.MESSAGE, ""),
        (OutcomeKind.REJECTED, Scope.RECIPIENT, "opted_out"),
        (OutcomeKind.REJECTED, Scope.ACCOUNT, "no_credit"),
        (OutcomeKind.UNKNOWN, Scope.MESSAGE, "malformed_response"),
    ]


async def test_a_call_may_be_good_for_some_and_not_for_others() -> None:
    fake = FakeInfobip()
    fake.by_address["+41790000001"] = Behaviour.REJECT_RECIPIENT
    fake.by_address["+41790000002"] = Behaviour.REJECT_ACCOUNT
    messages = [
        CASE.message(
            attempt_id=f"att_{n}", address=f"+4179000000{n}",
            content={"text": f"No. {n}", "encoding": "gsm7", "segments": 1},
        )
        for n in range(4)
    ]  # fmt: skip
    long = CASE.message(
        attempt_id="att_long", content={"text": "a" * 3826, "encoding": "gsm7", "segments": 26}
    )
    async with FakeHttp(fake) as server:
        given = {**CASE.settings, "base_url": server.url("infobip")}
        account = KIND.open(given, parts_for())
        assert isinstance(account, BatchVendor)
        assert account.batch == MOST_TOGETHER
        found = await account.send_batch([*messages, long], deadline=soon())
        await account.close()
    assert [one.reason for one in found] == [
        "", "invalid_address", "no_credit", "", "payload_too_large",
    ]  # fmt: skip
    assert len(fake.asked) == 1, "what is too long is never asked for"
    assert {one.tag: one.fields["content"]["text"] for one in fake.taken} == {
        "att_0": "No. 0",
        "att_3": "No. 3",
    }


async def test_one_that_spoils_a_call_is_found_by_sending_each_alone() -> None:
    fake = FakeInfobip()
    bad = CASE.message(attempt_id="att_bad", address="+" + "4" * 70)
    async with FakeHttp(fake) as server:
        given = {**CASE.settings, "base_url": server.url("infobip")}
        account = KIND.open(given, parts_for())
        assert isinstance(account, BatchVendor)
        found = await account.send_batch([CASE.message(), bad], deadline=soon())
        await account.close()
    assert [told(one) for one in found] == [
        (OutcomeKind.ACCEPTED, Scope.MESSAGE, ""),
        (OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address"),
    ]
    assert len(fake.taken) == 1


async def test_an_attempt_that_is_repeated_is_one_message() -> None:
    fake = FakeInfobip()
    async with FakeHttp(fake) as server:
        account = KIND.open({**CASE.settings, "base_url": server.url("infobip")}, parts_for())
        fake.script(Behaviour.DROP_AFTER_BODY)
        first = await account.send(CASE.message(), deadline=soon())
        second = await account.send(CASE.message(), deadline=soon())
        await account.close()
    assert (first.kind, second.kind) == (OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED)
    assert second.vendor_code == "REJECTED_DUPLICATE_MESSAGE_ID"
    assert len(fake.taken) == 1


SOUGHT = Sought("att_1", "", Channel.SMS, "+41793026727", datetime.now(UTC))


def test_a_look_up_asks_for_the_log_which_may_be_read_again() -> None:
    asked = look_up(SOUGHT, settings(), Moment(NOW))
    assert (asked.method, asked.url) == ("GET", f"{BASE}/sms/3/logs?messageId=att_1")
    assert asked.headers["Authorization"] == "App fake-key"
    assert asked.body == b""


@pytest.mark.parametrize(
    ("id", "group", "kind", "reason"),
    [
        (7, 1, ReceiptKind.SENT, ""),
        (5, 3, ReceiptKind.DELIVERED, ""),
        (29, 4, ReceiptKind.SENT, ""),
        (DUPLICATE, 5, ReceiptKind.SENT, ""),
        (12, 5, ReceiptKind.FAILED, "no_credit"),
    ],
)
def test_a_log_says_what_became_of_it(id: int, group: int, kind: ReceiptKind, reason: str) -> None:
    result = {**a_result(id, group), "content": {"text": "secret"}, "sentAt": NOW.isoformat()}
    report = found(an_answer({"results": [result]}), SOUGHT)
    assert isinstance(report, Report)
    assert (report.kind, report.reason, report.attempt_id) == (kind, reason, "att_1")
    assert (report.address, report.at) == ("+41793026727", NOW)
    assert "secret" not in str(report.raw)


def test_what_is_in_no_log_was_never_there_as_long_as_logs_reach_back() -> None:
    nothing = an_answer({"results": []})
    assert found(nothing, SOUGHT) == Absent()
    old = datetime.now(UTC) - timedelta(hours=47, minutes=1)
    assert found(nothing, replace(SOUGHT, attempted_at=old)) is None
    others = an_answer({"results": [a_result(5, 3, "att_2")]})
    assert found(others, SOUGHT) is None, "an answer about others tells nothing"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_look_up_that_is_refused_tells_nothing(status: int) -> None:
    assert found(an_answer({"results": []}, status), SOUGHT) is None


async def test_what_nobody_knows_is_looked_up() -> None:
    fake = FakeInfobip()
    async with FakeHttp(fake) as server:
        account = KIND.open({**CASE.settings, "base_url": server.url("infobip")}, parts_for())
        assert isinstance(account, LookUpVendor)
        fake.script(Behaviour.DROP_AFTER_BODY)
        await account.send(CASE.message(), deadline=soon())
        sought = replace(SOUGHT, attempt_id=CASE.message().attempt_id)
        report = await account.look_up(sought, deadline=soon())
        assert isinstance(report, Report)
        assert (report.kind, report.attempt_id) == (ReceiptKind.SENT, sought.attempt_id)
        assert await account.look_up(SOUGHT, deadline=soon()) == Absent()
        await account.close()


def test_an_answer_that_is_no_log_is_unreadable() -> None:
    for body in (b"{}", b"[]", b'{"results": 7}', b"<html>"):
        with pytest.raises((Unreadable, KeyError, ValueError)):
            found(HttpResponse(200, {}, body), SOUGHT)


def test_every_group_has_its_receipt() -> None:
    assert set(GROUPS) == set(range(6))
