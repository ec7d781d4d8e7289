"""SendGrid: substitution, what goes alone, errors, and the published signature."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.http import HttpResponse, Webhook
from domain.report import ReceiptForged
from domain.vocabulary import OutcomeKind
from fakes.http_server import FakeHttp
from fakes.sendgrid import FakeSendGrid
from tests.contract.conftest import all_cases
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import BatchVendor, Checking
from vendors.email import sendgrid
from vendors.email.sendgrid_events import verify
from vendors.http_api import Moment, Unfit

CASE = next(case for case in all_cases() if case.vendor == "sendgrid")
MOMENT = Moment(datetime.now(UTC))
KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGh"
    "HPTnlvFYPAZFceEu/1FwCM/QmGUhA=="
)
SIGNATURE = (
    "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2"
    "j/0="
)
PUBLISHED = b'{"category":"example_payload","event":"test_event","message_id":"message_id"}'


def settings(**given: Any) -> sendgrid.Settings:
    return sendgrid.Settings.model_validate({**CASE.settings, **given})


def signed(body: bytes = PUBLISHED, at: str = "1588788367", by: str = SIGNATURE) -> Webhook:
    prefix = "x-twilio-email-event-webhook-"
    headers = {f"{prefix}timestamp": at, f"{prefix}signature": by}
    return Webhook("POST", "https://tocsin.example.com/v1/receipts/acc_1", headers, body)


def test_the_published_signature() -> None:
    then = Checking(datetime.fromtimestamp(1588788400, UTC))
    account = settings(verification_key=KEY)
    verify(signed(), account, then)
    for wrong in (signed(PUBLISHED + b"\n"), signed(at="1588788368"), signed(by="AAAA")):
        with pytest.raises(ReceiptForged):
            verify(wrong, account, then)
    with pytest.raises(ReceiptForged):
        verify(signed(), account, Checking(datetime.now(UTC)))
    with pytest.raises(ReceiptForged):
        verify(signed(), settings(verification_key=""), then)


@pytest.mark.parametrize("key", ["nonsense", "AAAA", "é"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="public key"):
        settings(verification_key=key)


async def test_each_mail_of_a_call_is_its_own() -> None:
    fake = FakeSendGrid()
    async with FakeHttp(fake) as server:
        account = sendgrid.KIND.open(
            {**CASE.settings, "base_url": server.url("sendgrid")}, parts_for()
        )
        assert isinstance(account, BatchVendor)
        messages = [
            CASE.message(
                attempt_id=f"att_{n}",
                address=f"r{n}@example.com",
                content={
                    **CASE.content,
                    "subject": f"No. {n}",
                    "text": f"text {n}",
                    "html": f"<p>{n}",
                },
            )
            for n in range(3)
        ]
        same = CASE.message(attempt_id="att_same", address="R0@example.com")
        long = CASE.message(
            attempt_id="att_long", address="long@example.com",
            content={**CASE.content, "html": "x" * 20_000},
        )  # fmt: skip
        marked = CASE.message(
            attempt_id="att_marked", address="marked@example.com",
            content={**CASE.content, "text": "the mark is -html-"},
        )  # fmt: skip
        outcomes = await account.send_batch([*messages, same, long, marked], deadline=soon())
        await account.close()
    assert {one.kind for one in outcomes} == {OutcomeKind.ACCEPTED}
    assert len(fake.asked) == 4, "one for many, and one each that cannot be among them"
    shown = {one.tag: one.fields for one in fake.taken}
    assert shown["att_1"] == {"subject": "No. 1", "text/plain": "text 1", "text/html": "<p>1"}
    assert shown["att_marked"]["text/plain"] == "the mark is -html-"
    assert len(shown["att_long"]["text/html"]) == 20_000


@pytest.mark.parametrize(
    ("status", "message", "field", "reason"),
    [
        (400, "bad", "personalizations.0.to.0.email", "invalid_address"),
        (400, "bad", "content", "invalid_payload"),
        (401, "Maximum credits exceeded", None, "no_credit"),
        (401, "no", None, "auth_failed"),
        (403, "access forbidden", None, "forbidden"),
        (413, "large", None, "payload_too_large"),
        (404, "gone", None, "config_missing"),
    ],
)
def test_errors_are_read(status: int, message: str, field: str | None, reason: str) -> None:
    body = json.dumps({"errors": [{"message": message, "field": field}]}).encode()
    found = sendgrid.outcome(HttpResponse(status, {}, body))
    assert (found.reason, found.detail) == (reason, message)


def test_too_large_a_mail_is_not_sent() -> None:
    message = CASE.message(content={**CASE.content, "text": "x" * sendgrid.MOST_OCTETS})
    with pytest.raises(Unfit, match="takes 31,457,280"):
        sendgrid.request(message, settings(), MOMENT)


def test_a_mail_without_a_sender_is_the_accounts_affair() -> None:
    message = CASE.message(content={**CASE.content, "from": ""})
    with pytest.raises(Unfit) as unfit:
        sendgrid.request(message, settings(**{"from": ""}), MOMENT)
    assert unfit.value.reason == "config_missing"
