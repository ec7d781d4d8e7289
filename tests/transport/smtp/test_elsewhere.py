"""The same pool against a server that is not ours, and on the event loop of production."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiosmtpd.smtp import SMTP as AioSmtp
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from fakes.smtp import FakeSmtp
from fakes.smtp_faults import Fault
from tests.fixtures.mail import MIME, Server, a_mail, an_authority, soon
from transport.smtp.pool import SmtpPool


class Recorder:
    """Keeps what aiosmtpd hands over."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(
        self, _server: AioSmtp, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, _server: AioSmtp, _session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 kept"


def authenticate(*arguments: Any) -> AuthResult:
    given = arguments[-1]
    right = given == LoginPassword(b"sam", b"secret")
    return AuthResult(success=right, handled=right)


@asynccontextmanager
async def aiosmtpd(**options: Any) -> AsyncIterator[tuple[int, Recorder]]:
    """Yield (port, recorder) of a running server."""
    recorder, loop = Recorder(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: AioSmtp(recorder, loop=loop, hostname="mail.example.com", **options),
        "127.0.0.1",
        0,
    )
    async with server:
        yield server.sockets[0].getsockname()[1], recorder


async def test_many_mails_over_one_connection_of_aiosmtpd() -> None:
    mime = MIME + b".a\r\n..b\r\n.\r\n"
    async with aiosmtpd(enable_SMTPUTF8=True) as (port, recorder):
        pool = SmtpPool(Server(port, connections=1))
        for address in ("sam@example.org", "nobody@example.org", "jürgen@bücher.example"):
            exchange = await pool.send(a_mail(rcpt_to=address, mime=mime), deadline=soon())
            assert exchange.phase == ("rcpt" if address.startswith("nobody") else "final-dot")
        await pool.close()
    assert [envelope.content for envelope in recorder.envelopes] == [mime, mime]
    assert recorder.envelopes[1].rcpt_tos == ["jürgen@xn--bcher-kva.example"]
    assert message_from_bytes(mime)["Subject"] == "Hi"


@pytest.mark.parametrize("password", ["secret", "wrong"])
async def test_starttls_and_sign_in_at_aiosmtpd(tmp_path: Path, password: str) -> None:
    authority = an_authority(tmp_path)
    options = {"tls_context": authority.server, "require_starttls": True, "auth_required": True}
    async with aiosmtpd(authenticator=authenticate, **options) as (port, recorder):
        pool = SmtpPool(
            Server(
                port,
                "localhost",
                "starttls",
                user="sam",
                password=SecretStr(password),
                ca_file=authority.ca_file,
            )
        )
        exchange = await pool.send(a_mail(), deadline=soon())
        await pool.close()
    assert exchange.phase == ("final-dot" if password == "secret" else "auth")
    assert len(recorder.envelopes) == (1 if password == "secret" else 0)


@pytest.mark.parametrize("encrypted", [False, True])
def test_on_uvloop(tmp_path: Path, encrypted: bool) -> None:
    """The fake lives on the same loop, so that its half is run there as well."""
    authority = an_authority(tmp_path) if encrypted else None

    async def send_some() -> list[tuple[str, str]]:
        mime = MIME + b"x" * 20_000_000
        found: list[tuple[str, str]] = []
        tls = authority.server if authority else None
        async with FakeSmtp(tls=tls, capabilities=()) as smtp:
            pool = SmtpPool(Server(smtp.port, "localhost" if encrypted else "127.0.0.1"))
            faults: tuple[Fault | None, ...] = (None, Fault("body", "drop"), Fault("dot", "drop"))
            for fault in (*faults, None):
                smtp.script(*[fault] if fault else [])
                exchange = await pool.send(a_mail(mime=mime), deadline=soon())
                found.append((exchange.phase, exchange.problem))
            await pool.close()
            assert [one.content for one in smtp.messages] == [mime + b"\r\n"] * 3
            assert all(one.encrypted == encrypted for one in smtp.messages)
        return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ended = runner.run(send_some())
    assert ended[0] == ended[3] == ("final-dot", "")
    assert ended[1] == ("body", "lost")
    assert ended[2] == ("final-dot", "lost")
