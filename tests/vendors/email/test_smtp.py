"""The SMTP vendor on real sockets: each misbehaviour of a server and its outcome."""

from typing import Any

import pytest
from pydantic import SecretStr

from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind
from fakes.smtp import FakeSmtp
from fakes.smtp_faults import parse_fault
from tests.fixtures.mail import a_mail, soon
from transport.smtp.pool import SmtpPool
from vendors.contract import MailPool, Vendor
from vendors.email.smtp import Settings, SmtpVendor

LARGE = b"Subject: large\r\n\r\n" + b"x" * 20_000_000
"""More than the buffers between two sockets hold."""


async def attempt(smtp: FakeSmtp, *, user: str = "", password: str = "", **given: Any) -> Outcome:
    """Send one mail with an account of its own, with little patience."""
    settings = Settings(
        host="127.0.0.1", port=smtp.port, user=user, password=SecretStr(password),
        reply_seconds=0.3, final_seconds=0.3,
    )  # fmt: skip
    pool: MailPool = SmtpPool(settings)
    vendor: Vendor = SmtpVendor(settings, pool)
    try:
        return await vendor.send(a_mail(**given), deadline=soon())
    finally:
        await vendor.close()


async def test_accepted() -> None:
    async with FakeSmtp() as smtp:
        found = await attempt(smtp)
        assert found.kind is OutcomeKind.ACCEPTED
        assert (found.vendor_id, found.vendor_code, found.phase) == (
            "1X1",
            "250 2.0.0",
            "final-dot",
        )
        assert len(smtp.messages) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "scope", "reason", "phase", "received"),
    [
        ("greeting:hang", "transient", "account", "vendor_unavailable", "greeting", 0),
        ("greeting:drop", "transient", "account", "vendor_unavailable", "greeting", 0),
        (
            "greeting:reply:421 4.3.2 busy",
            "transient",
            "account",
            "vendor_unavailable",
            "greeting",
            0,
        ),
        ("greeting:reply:554 no", "rejected", "account", "forbidden", "greeting", 0),
        ("ehlo:drop", "transient", "account", "vendor_unavailable", "ehlo", 0),
        ("mail:reply:550 5.7.1 no", "rejected", "account", "forbidden", "mail", 0),
        ("mail:reply:421 4.7.0 go", "transient", "account", "vendor_unavailable", "mail", 0),
        ("mail:garbage", "transient", "account", "vendor_unavailable", "mail", 0),
        ("mail:half", "transient", "account", "vendor_unavailable", "mail", 0),
        ("rcpt:reply:550 5.1.1 no", "rejected", "recipient", "invalid_address", "rcpt", 0),
        ("rcpt:reply:450 4.2.0 later", "transient", "recipient", "greylisted", "rcpt", 0),
        ("rcpt:reply:452 4.5.3 many", "throttled", "account", "rate_account", "rcpt", 0),
        ("rcpt:drop", "transient", "account", "vendor_unavailable", "rcpt", 0),
        ("rcpt:hang", "transient", "account", "vendor_unavailable", "rcpt", 0),
        ("data:reply:554 5.7.1 no", "rejected", "message", "content_filtered", "data", 0),
        ("data:reply:451 4.3.0 no", "transient", "account", "vendor_unavailable", "data", 0),
        ("data:drop", "transient", "account", "vendor_unavailable", "data", 0),
        ("dot:reply:554 5.7.1 spam", "rejected", "message", "content_filtered", "final-dot", 0),
        ("dot:reply:451 4.7.1 later", "transient", "recipient", "greylisted", "final-dot", 0),
        ("dot:reply:421 4.3.0 full", "transient", "account", "vendor_unavailable", "final-dot", 0),
        ("dot:drop", "unknown", "message", "connection_lost_after_body", "final-dot", 1),
        ("dot:half", "unknown", "message", "connection_lost_after_body", "final-dot", 1),
        ("dot:hang", "unknown", "message", "timeout_after_body", "final-dot", 1),
        ("dot:garbage", "unknown", "message", "malformed_response", "final-dot", 1),
        ("dot:garbage:354 again", "unknown", "message", "malformed_response", "final-dot", 1),
        ("dot:delay:0.05", "accepted", "message", "", "final-dot", 1),
        ("after:drop", "accepted", "message", "", "final-dot", 1),
    ],
)
async def test_misbehaviour(
    fault: str, kind: str, scope: str, reason: str, phase: str, received: int
) -> None:
    async with FakeSmtp() as smtp:
        smtp.script(parse_fault(fault))
        found = await attempt(smtp)
        assert (found.kind, found.scope, found.reason) == (kind, scope, reason)
        assert found.phase == phase
        assert len(smtp.messages) == received


@pytest.mark.parametrize("act", ["drop", "hang"])
async def test_lost_before_the_dot_is_surely_not_sent(act: str) -> None:
    async with FakeSmtp(capabilities=()) as smtp:
        smtp.script(parse_fault(f"body:{act}"))
        found = await attempt(smtp, mime=LARGE)
        assert (found.kind, found.reason, found.phase) == (
            "transient",
            "vendor_unavailable",
            "body",
        )
        assert smtp.messages == []


async def test_lost_on_the_way_never_counts_as_rejected() -> None:
    """Of a small mail the dot may have left with the rest; both answers are honest then."""
    async with FakeSmtp() as smtp:
        smtp.script(parse_fault("body:drop"))
        found = await attempt(smtp)
        assert found.kind in (OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN)


async def test_wrong_credentials() -> None:
    async with FakeSmtp(user="sam", password="right") as smtp:
        found = await attempt(smtp, user="sam", password="wrong")
        assert (found.kind, found.scope, found.reason) == ("rejected", "account", "auth_failed")
        assert found.vendor_code == "535 5.7.8"


async def test_right_credentials() -> None:
    async with FakeSmtp(user="sam", password="right") as smtp:
        assert (await attempt(smtp, user="sam", password="right")).kind is OutcomeKind.ACCEPTED


@pytest.mark.parametrize(
    ("given", "scope", "reason"),
    [
        ({"rcpt_to": "jürgen@example.org"}, "recipient", "invalid_address"),
        (
            {"rcpt_to": "sam@example.org\r\nRCPT TO:<eve@example.org>"},
            "recipient",
            "invalid_address",
        ),
        ({"mail_from": "jürgen@example.org"}, "account", "sender_not_registered"),
        ({"mime": b"x" * 2000}, "message", "payload_too_large"),
        ({"mime": "é".encode()}, "message", "invalid_payload"),
    ],
)
async def test_unfit_mail_is_rejected_unsent(given: Any, scope: str, reason: str) -> None:
    async with FakeSmtp(capabilities=("SIZE 1999",)) as smtp:
        found = await attempt(smtp, **given)
        assert (found.kind, found.scope, found.reason) == ("rejected", scope, reason)
        assert set(smtp.commands) <= {"EHLO", "QUIT"}


async def test_content_is_no_mail() -> None:
    settings = Settings(host="127.0.0.1", port=1)
    vendor = SmtpVendor(settings, SmtpPool(settings))
    message = ContentMessage("att_1", "ntf_1", Channel.EMAIL, "sam@example.org", {})
    with pytest.raises(TypeError):
        await vendor.send(message, deadline=soon())
