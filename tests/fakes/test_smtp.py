"""The fake mail server itself, talked to by the standard library's client."""

import asyncio
import json
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.smtp import FakeSmtp
from fakes.smtp_faults import Fault, Script, parse_fault

MAIL = (
    b"From: tocsin@example.com\r\nMessage-ID: <att_1@example.com>\r\n"
    b"X-Tocsin-Attempt: att_1\r\nX-Tocsin-Notification: ntf_1\r\n\r\n.Hello\r\n"
)


def send(port: int, recipient: str = "sam@example.org") -> None:
    """Send the mail by smtplib; raises what smtplib raises."""
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.sendmail("tocsin@example.com", [recipient], MAIL)


async def test_it_records_what_it_is_sent() -> None:
    async with FakeSmtp() as smtp:
        await asyncio.to_thread(send, smtp.port)
        [received] = smtp.messages
    assert received.content == MAIL
    assert (received.mail_from, received.recipients) == ("tocsin@example.com", ["sam@example.org"])


async def test_a_recipient_may_be_cursed() -> None:
    behaviours = {"dead": parse_fault("rcpt:reply:550 5.1.1 nobody")}
    async with FakeSmtp(behaviours=behaviours) as smtp:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await asyncio.to_thread(send, smtp.port, "dead@example.org")
        await asyncio.to_thread(send, smtp.port)
        assert len(smtp.messages) == 1


async def test_a_mail_dropped_after_the_dot_is_recorded() -> None:
    async with FakeSmtp() as smtp:
        smtp.script(Fault("dot", "drop"))
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            await asyncio.to_thread(send, smtp.port)
        assert len(smtp.messages) == 1


async def test_a_mail_dropped_before_the_dot_is_not() -> None:
    async with FakeSmtp() as smtp:
        smtp.script(Fault("body", "drop"))
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            await asyncio.to_thread(send, smtp.port)
        assert smtp.messages == []


async def test_credentials_are_insisted_on() -> None:
    async with FakeSmtp(user="sam", password="secret") as smtp:
        with pytest.raises(smtplib.SMTPSenderRefused):
            await asyncio.to_thread(send, smtp.port)
        assert smtp.messages == []


def test_faults_strike_in_order_and_as_often_as_told() -> None:
    script = Script({"*": Fault("rcpt", "drop")})
    script.add([Fault("mail", "hang", times=2), Fault("mail", "drop")])
    assert [fault.act for _ in range(3) if (fault := script.take("mail"))] == [
        "hang",
        "hang",
        "drop",
    ]
    assert script.take("mail") is None
    assert script.take("rcpt", ["anyone@example.org"]) == Fault("rcpt", "drop")


@pytest.mark.parametrize("text", ["", "dot", "dot:explode", "nowhere:drop", "dot:delay:soon"])
def test_wrong_faults(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is argparse's to show
        parse_fault(text)


def test_a_fault_in_words() -> None:
    assert parse_fault("rcpt:reply:550 5.1.1 no: nobody") == Fault(
        "rcpt", "reply", text="550 5.1.1 no: nobody"
    )
    assert parse_fault("dot:delay:0.5") == Fault("dot", "delay", text="0.5", seconds=0.5)


@contextmanager
def running(journal: Path, *arguments: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Yield (port, process) of the server run by itself."""
    command = [sys.executable, "-m", "fakes.smtp", "--journal", str(journal), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process
        finally:
            process.kill()


def test_by_itself_it_keeps_a_journal_that_survives_a_kill(tmp_path: Path) -> None:
    journal = tmp_path / "mail.jsonl"
    with running(journal, "--behaviour", "lost=dot:drop") as (port, process):
        send(port)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            send(port, "lost@example.org")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(journal) as (port, process):
        send(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [entry["rcpt"] for entry in entries] == [
        ["sam@example.org"],
        ["lost@example.org"],
        ["sam@example.org"],
    ]
    assert entries[0]["message_id"] == "<att_1@example.com>"
    assert (entries[0]["attempt"], entries[0]["notification"]) == ("att_1", "ntf_1")
    assert entries[0]["at"]
