"""Mailchimp Transactional: what is asked, and what each status, reason and error means."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.circuit import bad
from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import CategoryClass, OutcomeKind, Scope
from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour
from fakes.mandrill import FakeMandrill
from tests.contract.conftest import all_cases
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import BatchVendor
from vendors.email.mandrill import HELD, KIND, REFUSALS, Settings, outcome, request
from vendors.email.mandrill_rejections import REJECTIONS, UNLISTED
from vendors.http_api import Moment, Unfit
from vendors.http_outcomes import Unreadable

CASE = next(case for case in all_cases() if case.vendor == "mandrill")
MOMENT = Moment(datetime(2026, 11, 25, tzinfo=UTC))


def settings(**given: Any) -> Settings:
    return Settings.model_validate({**CASE.settings, **given})


def asked(message: ContentMessage | None = None, **given: Any) -> dict[str, Any]:
    found = request(message or CASE.message(), settings(**given), MOMENT)
    assert (found.method, found.url) == ("POST", "https://mandrillapp.com/api/1.0/messages/send")
    document: dict[str, Any] = json.loads(found.body)
    return document


def test_the_request_is_one_mail_with_our_attempt_in_it() -> None:
    assert asked() == {
        "key": "md-fake-key",
        "async": False,
        "message": {
            "subject": "Grüße",
            "text": "It rang",
            "html": "<p>It <b>rang</b></p>",
            "from_email": "shop@example.com",
            "from_name": "Shop",
            "to": [{"email": "sam@example.com", "name": "Sample Recipient", "type": "to"}],
            "headers": {"List-Unsubscribe": "<https://example.com/u/1>"},
            "metadata": {"attempt": CASE.message().attempt_id},
            "merge": False,
        },
    }


def test_words_that_look_like_merge_tags_are_left_alone() -> None:
    message = CASE.message(content={**CASE.content, "text": "Hello *|FNAME|*"})
    assert asked(message)["message"]["text"] == "Hello *|FNAME|*"
    assert asked(message)["message"]["merge"] is False


def test_what_a_mail_may_have_besides() -> None:
    content = {
        **CASE.content,
        "from": "Zoë <zoe@bücher.example>",
        "reply_to": "Jürgen <help@example.com>",
        "attachments": [{"filename": "a.txt", "content_type": "text/plain", "base64": "aGk="}],
    }
    message = asked(CASE.message(content=content, name=""), subaccount="shop")["message"]
    assert message["from_name"] == "Zoë"
    assert message["from_email"] == "zoe@xn--bcher-kva.example"
    assert message["headers"]["Reply-To"] == "=?utf-8?q?J=C3=BCrgen?= <help@example.com>"
    assert message["headers"]["List-Unsubscribe"] == "<https://example.com/u/1>"
    assert message["attachments"] == [{"type": "text/plain", "name": "a.txt", "content": "aGk="}]
    assert message["to"] == [{"email": "sam@example.com", "type": "to"}]
    assert message["subaccount"] == "shop"


def test_a_one_time_password_goes_first_and_is_not_kept_there() -> None:
    usual, secret = asked()["message"], asked(CASE.message(class_=CategoryClass.OTP))["message"]
    assert (secret["important"], secret["view_content_link"]) == (True, False)
    assert not {"important", "view_content_link"} & set(usual)


@pytest.mark.parametrize(
    ("given", "reason", "scope"),
    [
        ({}, "config_missing", Scope.ACCOUNT),
        ({"content": {**CASE.content, "from": "a@b.c, d@e.f"}}, "invalid_payload", Scope.MESSAGE),
        (
            {"content": {**CASE.content, "from": "a@b.c", "reply_to": "nobody"}},
            "invalid_payload",
            Scope.MESSAGE,
        ),
        (
            {"address": "sämi@example.com", "content": {**CASE.content, "from": "a@b.c"}},
            "invalid_address",
            Scope.RECIPIENT,
        ),
    ],
)
def test_what_cannot_be_sent_is_not_asked_for(
    given: dict[str, Any], reason: str, scope: Scope
) -> None:
    with pytest.raises(Unfit) as unfit:
        request(CASE.message(**given), settings(**{"from": ""}), MOMENT)
    assert (unfit.value.reason, unfit.value.scope) == (reason, scope)


def test_a_key_is_needed() -> None:
    with pytest.raises(ValidationError, match="api_key"):
        Settings.model_validate({"from": "shop@example.com"})


def an_answer(document: Any, status: int = 200, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, named, json.dumps(document).encode())


def a_result(status: str, **given: Any) -> HttpResponse:
    return an_answer([{"email": "sam@example.com", "_id": "id-1", "status": status, **given}])


def told(found: Outcome) -> tuple[Any, ...]:
    return found.kind, found.scope, found.reason


@pytest.mark.parametrize("status", ["sent", "queued", "scheduled"])
@pytest.mark.parametrize(
    "queued_reason",
    [None, "attachments", "multiple-recipients", "sending-backlogged", "hourly-quota-exhausted",
     "a-word-of-tomorrow"],
)  # fmt: skip
def test_what_was_taken_is_accepted(status: str, queued_reason: str | None) -> None:
    found = outcome(a_result(status, queued_reason=queued_reason, reject_reason=None))
    assert told(found) == (OutcomeKind.ACCEPTED, Scope.MESSAGE, "")
    assert found.vendor_id == "id-1"
    assert not bad(found)


@pytest.mark.parametrize(("queued_reason", "reason"), HELD.items())
def test_what_is_held_for_what_ails_the_account_is_accepted_and_speaks_against_it(
    queued_reason: str, reason: str
) -> None:
    found = outcome(a_result("queued", queued_reason=queued_reason))
    assert told(found) == (OutcomeKind.ACCEPTED, Scope.ACCOUNT, reason)
    assert (found.vendor_id, found.vendor_code) == ("id-1", queued_reason)
    assert bad(found)


@pytest.mark.parametrize(("why", "meaning"), REJECTIONS.items())
def test_every_reason_of_a_rejection(why: str, meaning: tuple[Any, ...]) -> None:
    found = outcome(a_result("rejected", reject_reason=why))
    assert (told(found), found.vendor_code) == (meaning, why)
    assert found.vendor_id == ""


@pytest.mark.parametrize(
    ("result", "meaning", "code"),
    [
        ({"status": "invalid"}, REJECTIONS["invalid"], "invalid"),
        ({"status": "rejected", "reject_reason": "of tomorrow"}, UNLISTED, "of tomorrow"),
        ({"status": "rejected", "reject_reason": None}, UNLISTED, "rejected"),
    ],
)
def test_a_rejection_without_a_known_reason(
    result: dict[str, Any], meaning: tuple[Any, ...], code: str
) -> None:
    found = outcome(a_result(**result))
    assert (told(found), found.vendor_code) == (meaning, code)


@pytest.mark.parametrize(("name", "meaning"), REFUSALS.items())
@pytest.mark.parametrize("status", [400, 401, 422, 429, 500, 503])
def test_every_error_goes_by_its_name_whatever_its_status(
    name: str, meaning: tuple[Any, ...], status: int
) -> None:
    document = {"status": "error", "code": -1, "name": name, "message": "Words"}
    found = outcome(an_answer(document, status, retry_after="30"))
    assert (told(found), found.vendor_code, found.detail) == (meaning, name, "Words")
    waits = meaning[0] in (OutcomeKind.THROTTLED, OutcomeKind.TRANSIENT)
    assert found.retry_after == (30.0 if waits else None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed")),
        (413, (OutcomeKind.REJECTED, Scope.MESSAGE, "payload_too_large")),
        (422, (OutcomeKind.REJECTED, Scope.MESSAGE, "invalid_payload")),
        (500, (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body")),
        (502, (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body")),
    ],
)
def test_an_error_of_tomorrow_goes_by_its_status(status: int, expected: tuple[Any, ...]) -> None:
    named = outcome(an_answer({"status": "error", "name": "Of_Tomorrow", "message": "x"}, status))
    assert (told(named), named.vendor_code) == (expected, "Of_Tomorrow")
    bare = outcome(HttpResponse(status, {}, b"<html>"))
    assert (told(bare), bare.vendor_code) == (expected, str(status))


@pytest.mark.parametrize(
    "document",
    [
        [], {}, [{}], [7], "sent", None,
        [{"status": "sent"}], [{"status": "sent", "_id": ""}], [{"status": "of tomorrow"}],
        [{"status": "sent", "_id": "1"}, {"status": "sent", "_id": "2"}],
    ],
)  # fmt: skip
def test_a_good_answer_of_the_wrong_shape_is_unreadable(document: Any) -> None:
    with pytest.raises((Unreadable, AttributeError)):
        outcome(an_answer(document))


async def test_each_mail_is_a_call_of_its_own() -> None:
    fake = FakeMandrill()
    async with FakeHttp(fake) as server:
        url = server.url("mandrill")
        account = KIND.open({**CASE.settings, "base_url": url}, parts_for())
        assert not isinstance(account, BatchVendor)
        fake.by_address["dead@example.com"] = Behaviour.REJECT_RECIPIENT
        outcomes = [
            await account.send(CASE.message(address=address), deadline=soon())
            for address in ("sam@example.com", "dead@example.com", "nobody")
        ]
        fake.queues = "account-suspended"
        outcomes.append(await account.send(CASE.message(), deadline=soon()))
        await account.close()
    assert [told(one) for one in outcomes] == [
        (OutcomeKind.ACCEPTED, Scope.MESSAGE, ""),
        (OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address"),
        (OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address"),
        (OutcomeKind.ACCEPTED, Scope.ACCOUNT, "suspended"),
    ]
    assert len(fake.asked) == 3, "an address that is none is seen here"


async def test_an_unknown_subaccount_is_the_accounts_affair() -> None:
    fake = FakeMandrill()
    async with FakeHttp(fake) as server:
        given = {**CASE.settings, "base_url": server.url("mandrill"), "subaccount": "other"}
        account = KIND.open(given, parts_for())
        found = await account.send(CASE.message(), deadline=soon())
        await account.close()
    assert told(found) == (OutcomeKind.REJECTED, Scope.ACCOUNT, "config_missing")
