"""How services of AWS name errors, where they are, and what is done about a wrong clock."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.http_server import FakeHttp
from fakes.ses import FakeSes
from tests.fixtures.aws import KEY, in_json, in_xml, typed
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.aws_api import (
    DENIALS,
    THROTTLES,
    AwsSettings,
    Fault,
    endpoint,
    fault_of,
    read_xml,
    refusal,
    skewed,
)
from vendors.http_outcomes import Unreadable
from vendors.registry import KINDS

WAYS = [typed, in_json, in_xml]


@pytest.mark.parametrize("way", WAYS)
def test_an_error_is_read_however_it_is_written(way: Any) -> None:
    fault = fault_of(way("ExpiredToken", "too old"))
    assert (fault.code, fault.words) == ("ExpiredToken", "too old")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><h1>502</h1>", b"{", b"[]", b"null", b'{"a": 1}', b"\xff", b"<a/>",
     b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"[" * 5_000],
)  # fmt: skip
def test_what_names_no_error_has_no_code(body: bytes) -> None:
    assert fault_of(HttpResponse(400, {}, body)).code == ""


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a><MessageId>&b;</MessageId></a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a/>',
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"<a>",
    ],
)
def test_xml_with_entities_is_not_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_xml(body)


def outcome(response: HttpResponse) -> tuple[str, str, str, str]:
    found = refusal(response, lambda fault: None)
    return found.kind.value, found.scope.value, found.reason, found.vendor_code


@pytest.mark.parametrize("code", sorted(THROTTLES))
@pytest.mark.parametrize("status", [400, 429, 503])
def test_throttles_are_told_by_their_code(code: str, status: int) -> None:
    assert outcome(in_json(code, "slow", status)) == ("throttled", "account", "rate_account", code)


@pytest.mark.parametrize("code", sorted(DENIALS))
def test_denials_are_the_accounts_affair(code: str) -> None:
    assert outcome(typed(code, "no", 403)) == ("rejected", "account", "auth_failed", code)


def test_after_an_internal_error_nobody_knows_whatever_its_code() -> None:
    rejected = (OutcomeKind.REJECTED, Scope.MESSAGE, "invalid_payload")
    found = refusal(in_json("InternalError", "sorry", 500), lambda fault: rejected)
    assert (found.kind, found.reason) == (OutcomeKind.UNKNOWN, "vendor_error_after_body")
    assert (found.vendor_code, found.detail) == ("InternalError", "sorry")


def test_an_unlisted_code_is_the_messages_affair() -> None:
    unlisted = ("rejected", "message", "invalid_payload", "CodeOfTomorrow")
    assert outcome(in_xml("CodeOfTomorrow", "x")) == unlisted


def test_the_services_table_goes_first() -> None:
    def judge(fault: Fault) -> tuple[OutcomeKind, Scope, str] | None:
        assert fault.document["Reason"] == "ACCOUNT_DISABLED"
        return OutcomeKind.REJECTED, Scope.ACCOUNT, "suspended"

    document = {"__type": "x#AccessDeniedException", "Reason": "ACCOUNT_DISABLED"}
    found = refusal(HttpResponse(400, {}, json.dumps(document).encode()), judge)
    assert found.reason == "suspended"


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_clock_is_told_from_a_wrong_key(way: Any) -> None:
    early = "Signature not yet current: 20150830T123600Z is still later than 20150830T122600Z"
    assert skewed(way("SignatureDoesNotMatch", early, 403))
    assert skewed(way("InvalidSignatureException", "Signature expired: 2015 is now earlier", 403))
    assert skewed(way("RequestTimeTooSkewed", "The difference is too large", 403))
    assert not skewed(way("SignatureDoesNotMatch", "The signature does not match", 403))
    assert not skewed(way("MessageRejected", "Signature expired: says the mail", 400))
    assert not skewed(way("RequestTimeTooSkewed", "", 200))


@pytest.mark.parametrize("minutes", [-60, -6, 6, 600])
async def test_a_wrong_clock_is_set_by_the_answer_and_stays_set(minutes: int) -> None:
    fake = FakeSes()
    fake.ahead = timedelta(minutes=minutes)
    async with FakeHttp(fake) as server:
        given = {
            **KEY, "base_url": server.url("ses"),
            "from": "shop@example.com",
        }  # fmt: skip
        account = KINDS["ses"].open(given, parts_for())
        content = {"subject": "Hi", "text": "Hello"}
        message = ContentMessage("att_1", "ntf_1", Channel.EMAIL, "sam@example.org", content)
        outcomes = [await account.send(message, deadline=soon()) for _ in range(2)]
        await account.close()
    assert [one.kind for one in outcomes] == [OutcomeKind.ACCEPTED] * 2, outcomes
    assert len(fake.asked) == 3
    assert len(fake.taken) == 2


async def test_temporary_credentials_need_their_token() -> None:
    fake = type("FakeSesWithToken", (FakeSes,), {"session_token": "fake-session"})()
    async with FakeHttp(fake) as server:
        found = []
        for token in ("fake-session", "another", None):
            given = {
                **KEY, "base_url": server.url("ses"),
                "from": "shop@example.com", "session_token": token,
            }  # fmt: skip
            account = KINDS["ses"].open(given, parts_for())
            content = {"subject": "Hi", "text": "Hello"}
            message = ContentMessage("att_1", "ntf_1", Channel.EMAIL, "sam@example.org", content)
            found.append((await account.send(message, deadline=soon())).reason)
            await account.close()
    assert found == ["", "auth_failed", "auth_failed"]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"region": "us-east-1"}, "https://email.us-east-1.amazonaws.com"),
        ({"region": "cn-north-1"}, "https://email.cn-north-1.amazonaws.com.cn"),
        ({"region": "us-gov-west-1"}, "https://email.us-gov-west-1.amazonaws.com"),
        ({"base_url": "http://127.0.0.1:1/ses/"}, "http://127.0.0.1:1/ses"),
    ],
)
def test_the_region_says_where_the_service_is(given: dict[str, str], url: str) -> None:
    assert endpoint(AwsSettings.model_validate({**KEY, **given}), "email") == url


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("region", "us_east"), ("region", "s3-us-west-2"), ("region", "us-east-1.evil.test/"),
        ("base_url", "email.us-east-1.amazonaws.com"), ("access_key_id", ""),
        ("secret_access_key", "two\nlines"),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match=field):
        AwsSettings.model_validate({**KEY, field: value})


def test_settings_come_back_from_what_is_stored() -> None:
    given = AwsSettings.model_validate({**KEY, "session_token": "t"})
    assert AwsSettings.model_validate(given.revealed()) == given
    assert given.shown()["secret_access_key"] is None
    assert given.shown()["session_token"] is None
