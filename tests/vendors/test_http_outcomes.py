"""What statuses and losses mean where a vendor's own table says nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.http import HttpExchange, HttpResponse
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope
from vendors.http_outcomes import (
    Unreadable,
    accepted,
    outcome_of,
    outcome_of_loss,
    outcome_of_status,
    read_json,
    read_json_list,
    retry_after,
)

REJECTED, UNKNOWN = OutcomeKind.REJECTED, OutcomeKind.UNKNOWN
TRANSIENT, THROTTLED = OutcomeKind.TRANSIENT, OutcomeKind.THROTTLED
ACCOUNT, MESSAGE = Scope.ACCOUNT, Scope.MESSAGE


def told(outcome: Outcome) -> tuple[Any, ...]:
    return outcome.kind, outcome.scope, outcome.reason


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, (UNKNOWN, MESSAGE, "malformed_response")),
        (204, (UNKNOWN, MESSAGE, "malformed_response")),
        (301, (REJECTED, ACCOUNT, "config_missing")),
        (302, (REJECTED, ACCOUNT, "config_missing")),
        (304, (REJECTED, ACCOUNT, "config_missing")),
        (400, (REJECTED, MESSAGE, "invalid_payload")),
        (401, (REJECTED, ACCOUNT, "auth_failed")),
        (403, (REJECTED, ACCOUNT, "forbidden")),
        (404, (REJECTED, ACCOUNT, "config_missing")),
        (405, (REJECTED, MESSAGE, "invalid_payload")),
        (408, (UNKNOWN, MESSAGE, "vendor_error_after_body")),
        (409, (REJECTED, MESSAGE, "invalid_payload")),
        (413, (REJECTED, MESSAGE, "payload_too_large")),
        (418, (REJECTED, MESSAGE, "invalid_payload")),
        (422, (REJECTED, MESSAGE, "invalid_payload")),
        (429, (THROTTLED, ACCOUNT, "rate_account")),
        (500, (UNKNOWN, MESSAGE, "vendor_error_after_body")),
        (501, (UNKNOWN, MESSAGE, "vendor_error_after_body")),
        (502, (UNKNOWN, MESSAGE, "vendor_error_after_body")),
        (503, (TRANSIENT, ACCOUNT, "vendor_unavailable")),
        (504, (UNKNOWN, MESSAGE, "vendor_error_after_body")),
        (599, (UNKNOWN, MESSAGE, "vendor_error_after_body")),
    ],
)
def test_statuses(status: int, expected: tuple[Any, ...]) -> None:
    found = outcome_of_status(HttpResponse(status, {}, b"their words"))
    assert told(found) == expected
    assert (found.vendor_code, found.phase, found.detail) == (
        str(status), "response", "their words",
    )  # fmt: skip


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_is_kept(status: int) -> None:
    assert outcome_of_status(HttpResponse(status, {"retry-after": "17"})).retry_after == 17
    assert outcome_of_status(HttpResponse(status)).retry_after is None


def test_a_wait_is_for_those_who_may_come_back() -> None:
    assert outcome_of_status(HttpResponse(400, {"retry-after": "17"})).retry_after is None


NOW = "Wed, 25 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", "", 0.0),
        ("30", "", 30.0),
        (" 30 ", "", 30.0),
        ("3600", "", 3600.0),
        ("99999999999999999999", "", 86_400.0),
        ("Wed, 25 Nov 2026 10:02:00 GMT", NOW, 120.0),
        ("Wed, 25 Nov 2026 09:00:00 GMT", NOW, 0.0),
        ("Fri, 25 Dec 2026 10:00:00 GMT", NOW, 86_400.0),
        ("Wed, 25 Nov 2026 10:02:00 -0000", NOW, None),
        ("Wed, 25 Nov 2026 10:02:00 GMT", "", None),
        ("Wed, 25 Nov 2026 10:02:00 GMT", "yesterday", None),
        ("soon", NOW, None),
        ("-5", NOW, None),
        ("1.5", NOW, None),
        ("", NOW, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, date: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value, "date": date}) == seconds


def test_a_date_is_measured_from_a_given_time() -> None:
    now = datetime(2026, 11, 25, 10, 1, 30, tzinfo=UTC)
    assert retry_after({"retry-after": "Wed, 25 Nov 2026 10:02:00 GMT"}, now) == 30


@pytest.mark.parametrize("phase", ["pool", "dns", "connect", "tls"])
@pytest.mark.parametrize("problem", ["lost", "timeout"])
def test_a_loss_before_there_is_a_connection(phase: str, problem: str) -> None:
    found = outcome_of_loss(HttpExchange(None, problem, phase, "detail"))
    assert told(found) == (TRANSIENT, ACCOUNT, "connect_failed")
    assert (found.phase, found.detail) == (phase, "detail")


@pytest.mark.parametrize("phase", ["headers", "body"])
@pytest.mark.parametrize("problem", ["lost", "timeout"])
def test_a_loss_before_the_whole_body_went(phase: str, problem: str) -> None:
    found = outcome_of_loss(HttpExchange(None, problem, phase))
    assert told(found) == (TRANSIENT, ACCOUNT, "vendor_unavailable")


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        ("lost", "connection_lost_after_body"),
        ("timeout", "timeout_after_body"),
        ("too_large", "malformed_response"),
    ],
)
def test_a_loss_after_the_body_leaves_doubt(problem: str, reason: str) -> None:
    found = outcome_of_loss(HttpExchange(None, problem, "response", sent=True))
    assert told(found) == (UNKNOWN, MESSAGE, reason)
    assert found.maybe_sent


def test_a_server_that_says_that_it_did_not_process_it_leaves_none() -> None:
    found = outcome_of_loss(HttpExchange(None, "lost", "response", sent=True, unprocessed=True))
    assert told(found) == (TRANSIENT, ACCOUNT, "vendor_unavailable")


@pytest.mark.parametrize(
    ("problem", "reason"), [("refused", "address_not_allowed"), ("unsupported", "config_missing")]
)
def test_what_the_settings_stand_against_is_the_accounts_affair(problem: str, reason: str) -> None:
    found = outcome_of_loss(HttpExchange(None, problem, "connect"))
    assert told(found) == (REJECTED, ACCOUNT, reason)


@pytest.mark.parametrize(
    "body", [b"", b"no", b"\xff\xfe", b"{", b"[" * 100_000, b'{"a": 1}x', b"<html></html>"]
)
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    for read in (read_json, read_json_list):
        with pytest.raises(Unreadable):
            read(HttpResponse(200, {}, body))


def test_json_of_another_shape_is_unreadable() -> None:
    for body in (b"[]", b"null", b"1", b'"x"'):
        with pytest.raises(Unreadable):
            read_json(HttpResponse(200, {}, body))
    for body in (b"{}", b"null", b"1", b'"x"'):
        with pytest.raises(Unreadable):
            read_json_list(HttpResponse(200, {}, body))
    assert read_json(HttpResponse(200, {}, b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}
    assert read_json_list(HttpResponse(200, {}, b"[1]")) == [1]


def test_accepted_needs_an_id() -> None:
    found = accepted("SM1", HttpResponse(201))
    assert (found.kind, found.vendor_id, found.vendor_code) == (OutcomeKind.ACCEPTED, "SM1", "201")
    with pytest.raises(Unreadable):
        accepted("", HttpResponse(201))


def test_a_vendors_words_are_kept_as_the_ledger_can_hold_them() -> None:
    odd = "a\x00b\ud800" + "é" * 1000
    fit = ("ab?" + "é" * 1000)[:500]
    row = (REJECTED, MESSAGE, "invalid_payload")
    assert outcome_of(row, code="1\x00", detail=odd).detail == fit
    assert outcome_of(row, code="1\x00").vendor_code == "1"
    assert outcome_of_status(HttpResponse(400), odd).detail == fit
    assert outcome_of_status(HttpResponse(400, {}, b"a\x00b\xff")).detail == "ab\ufffd"
    assert accepted(odd, HttpResponse(200)).vendor_id == fit
