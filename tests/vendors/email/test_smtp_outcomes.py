"""What replies mean, stage by stage."""

from dataclasses import dataclass

import pytest

from domain.outcome import Outcome
from vendors.email.smtp_answers import STATUSES, UNLISTED, outcome, outcome_without_reply


@dataclass(frozen=True)
class Reply:
    code: int
    enhanced: str = ""
    text: str = "words"


@dataclass(frozen=True)
class Exchange:
    phase: str
    problem: str
    reply: None = None
    detail: str = "words"


def told(found: Outcome) -> tuple[str, str, str]:
    return found.kind.value, found.scope.value, found.reason


def read(reply: str, stage: str) -> tuple[str, str, str]:
    """Return the outcome of `550 5.1.1 text`."""
    code, enhanced, text = [*reply.split(" ", 2), "", ""][:3]
    return told(outcome(Reply(int(code), enhanced.strip("-"), text), stage))


@pytest.mark.parametrize(
    ("reply", "stage", "expected"),
    [
        ("421", "mail", ("transient", "account", "vendor_unavailable")),
        ("421 4.7.0", "greeting", ("transient", "account", "vendor_unavailable")),
        ("454 4.7.0", "auth", ("transient", "account", "vendor_unavailable")),
        ("451 4.3.0", "rcpt", ("transient", "account", "vendor_unavailable")),
        ("451 4.3.2", "final-dot", ("transient", "account", "vendor_unavailable")),
        ("450 4.2.0", "rcpt", ("transient", "recipient", "greylisted")),
        ("450 4.7.1", "rcpt", ("transient", "recipient", "greylisted")),
        ("451 4.7.1", "rcpt", ("transient", "recipient", "greylisted")),
        ("451 4.7.1", "final-dot", ("transient", "recipient", "greylisted")),
        ("451 4.7.1", "mail", ("transient", "account", "vendor_unavailable")),
        ("452 4.5.3", "rcpt", ("throttled", "account", "rate_account")),
        ("452 4.2.2", "rcpt", ("transient", "recipient", "mailbox_full")),
        ("452 4.3.1", "mail", ("transient", "account", "vendor_unavailable")),
        ("421 4.7.28", "final-dot", ("throttled", "account", "rate_account")),
        ("450 4.7.28", "rcpt", ("throttled", "account", "rate_account")),
        ("451 4.7.650", "mail", ("throttled", "account", "rate_account")),
        ("451 4.7.651", "mail", ("throttled", "account", "rate_account")),
        ("451 4.7.500", "rcpt", ("throttled", "account", "rate_account")),
        ("450 4.7.99 sending Rate exceeded", "rcpt", ("throttled", "account", "rate_account")),
        ("450 4.7.1 separate thing", "rcpt", ("transient", "recipient", "greylisted")),
        ("500", "mail", ("rejected", "message", "invalid_payload")),
        ("504 5.5.4", "rcpt", ("rejected", "message", "invalid_payload")),
        ("501 5.1.3", "rcpt", ("rejected", "recipient", "invalid_address")),
        ("530 5.7.0", "mail", ("rejected", "account", "auth_failed")),
        ("534 5.7.9", "auth", ("rejected", "account", "auth_failed")),
        ("535 5.7.8", "auth", ("rejected", "account", "auth_failed")),
        ("538", "auth", ("rejected", "account", "auth_failed")),
        ("550 5.7.1", "auth", ("rejected", "account", "auth_failed")),
        ("504", "auth", ("rejected", "account", "auth_failed")),
        ("550 5.1.1", "rcpt", ("rejected", "recipient", "invalid_address")),
        ("550 5.1.0", "rcpt", ("rejected", "recipient", "invalid_address")),
        ("550 5.1.10", "rcpt", ("rejected", "recipient", "invalid_address")),
        ("550 5.1.2", "rcpt", ("rejected", "recipient", "invalid_address")),
        ("550 5.4.4", "rcpt", ("rejected", "recipient", "invalid_address")),
        ("556", "rcpt", ("rejected", "recipient", "invalid_address")),
        ("550 5.1.1", "mail", ("rejected", "account", "sender_not_registered")),
        ("550 5.1.1", "final-dot", ("rejected", "message", "content_filtered")),
        ("550 5.2.1", "rcpt", ("rejected", "recipient", "unreachable")),
        ("550 5.2.0", "rcpt", ("rejected", "recipient", "unreachable")),
        ("552 5.2.2", "rcpt", ("transient", "recipient", "mailbox_full")),
        ("552 5.2.2", "final-dot", ("transient", "recipient", "mailbox_full")),
        ("552 5.3.4", "mail", ("rejected", "message", "payload_too_large")),
        ("552 5.3.4", "final-dot", ("rejected", "message", "payload_too_large")),
        ("552 5.2.3", "rcpt", ("rejected", "message", "payload_too_large")),
        ("550 5.7.1", "rcpt", ("rejected", "message", "content_filtered")),
        ("554 5.7.26", "final-dot", ("rejected", "message", "content_filtered")),
        ("550 5.7.1", "mail", ("rejected", "account", "forbidden")),
        ("554 5.7.1 Relay access denied", "rcpt", ("rejected", "account", "forbidden")),
        ("550 - relaying denied", "rcpt", ("rejected", "account", "forbidden")),
        ("553 5.1.7", "mail", ("rejected", "account", "sender_not_registered")),
        ("553 5.1.8", "rcpt", ("rejected", "account", "sender_not_registered")),
        ("555", "mail", ("rejected", "account", "sender_not_registered")),
        ("550", "mail", ("rejected", "account", "sender_not_registered")),
        ("550", "rcpt", ("rejected", "recipient", "unreachable")),
        ("550", "final-dot", ("rejected", "message", "content_filtered")),
        ("554", "data", ("rejected", "message", "content_filtered")),
        ("554", "greeting", ("rejected", "account", "forbidden")),
        ("550", "ehlo", ("rejected", "account", "forbidden")),
        ("501", "tls", ("rejected", "account", "config_missing")),
        ("599 5.9.9", "rcpt", ("rejected", "recipient", "unreachable")),
        ("450", "rcpt", ("transient", "account", "vendor_unavailable")),
        ("499 4.9.9", "final-dot", ("transient", "account", "vendor_unavailable")),
        ("250", "final-dot", ("accepted", "message", "")),
        ("251 2.1.5", "final-dot", ("accepted", "message", "")),
        ("354", "final-dot", ("unknown", "message", "malformed_response")),
        ("354", "mail", ("transient", "account", "vendor_unavailable")),
        ("250", "data", ("transient", "account", "vendor_unavailable")),
    ],
)
def test_replies(reply: str, stage: str, expected: tuple[str, str, str]) -> None:
    assert read(reply, stage) == expected


SETTING_UP = ("greeting", "ehlo", "tls", "auth", "rset")
OF_MESSAGE = ("payload_too_large", "invalid_payload")


@pytest.mark.parametrize("stage", list(UNLISTED))
def test_every_refusal_has_an_outcome_that_fits_its_stage(stage: str) -> None:
    listed = {one.replace("*", "1") for status in STATUSES for one in status.enhanced.split()}
    for code in range(400, 600):
        for enhanced in ("", *(one for one in listed if one[0] == str(code)[0])):
            found = outcome(Reply(code, enhanced), stage)
            assert found.kind in ("rejected", "transient", "throttled")
            assert found.reason
            if stage in SETTING_UP:
                assert found.scope == "account"
            if stage == "mail":
                assert found.scope == "account" or found.reason in OF_MESSAGE
            if stage in ("data", "final-dot") and found.kind == "rejected":
                assert found.scope in ("message", "account")


def test_the_vendors_words_are_kept() -> None:
    found = outcome(Reply(550, "5.1.1", "nobody " * 200), "rcpt")
    assert (found.vendor_code, found.phase) == ("550 5.1.1", "rcpt")
    assert found.detail.startswith("nobody nobody")
    assert len(found.detail) == 500


def test_a_greylisted_recipient_waits_five_minutes() -> None:
    assert outcome(Reply(450, "4.2.0"), "rcpt").retry_after == 300
    assert outcome(Reply(452, "4.2.2"), "rcpt").retry_after is None


@pytest.mark.parametrize(
    ("text", "vendor_id"),
    [
        ("Ok: queued as 4F1B2C3D", "4F1B2C3D"),
        ("OK id=1rabcd-0000xy-2Z", "1rabcd-0000xy-2Z"),
        ("Queued mail for delivery as <abc@x>", "abc@x"),
        ("accepted", "accepted"),
        ("", ""),
    ],
)
def test_the_queue_id_is_found_where_servers_tell_it(text: str, vendor_id: str) -> None:
    assert outcome(Reply(250, "2.0.0", text), "final-dot").vendor_id == vendor_id


@pytest.mark.parametrize(
    ("phase", "problem", "expected"),
    [
        ("pool", "timeout", ("transient", "account", "connect_failed")),
        ("dns", "lost", ("transient", "account", "connect_failed")),
        ("connect", "lost", ("transient", "account", "connect_failed")),
        ("tls", "lost", ("transient", "account", "connect_failed")),
        ("tls", "unsupported", ("rejected", "account", "config_missing")),
        ("auth", "unsupported", ("rejected", "account", "config_missing")),
        ("greeting", "timeout", ("transient", "account", "vendor_unavailable")),
        ("mail", "malformed", ("transient", "account", "vendor_unavailable")),
        ("body", "lost", ("transient", "account", "vendor_unavailable")),
        ("body", "timeout", ("transient", "account", "vendor_unavailable")),
        ("final-dot", "lost", ("unknown", "message", "connection_lost_after_body")),
        ("final-dot", "timeout", ("unknown", "message", "timeout_after_body")),
        ("final-dot", "malformed", ("unknown", "message", "malformed_response")),
        ("rcpt", "recipient", ("rejected", "recipient", "invalid_address")),
        ("mail", "sender", ("rejected", "account", "sender_not_registered")),
        ("mail", "size", ("rejected", "message", "payload_too_large")),
        ("mail", "message", ("rejected", "message", "invalid_payload")),
    ],
)
def test_no_reply(phase: str, problem: str, expected: tuple[str, str, str]) -> None:
    found = outcome_without_reply(Exchange(phase, problem))
    assert told(found) == expected
    assert (found.phase, found.detail) == (phase, "words")
