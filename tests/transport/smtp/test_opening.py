"""Opening a session: TLS, signing in, and the phase of whatever fails on the way."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fakes.smtp import FakeSmtp
from fakes.smtp_faults import Act, Fault, Stage
from tests.fixtures.mail import Authority, Server, a_mail, an_authority, soon
from transport.smtp.exchange import Exchange
from transport.smtp.pool import SmtpPool
from transport.smtp.server import is_loopback, must_encrypt

CREDENTIALS: dict[str, Any] = {"user": "sam", "password": SecretStr("pässword")}
FAKE_CREDENTIALS: dict[str, Any] = {"user": "sam", "password": "pässword"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return an_authority(tmp_path_factory.mktemp("ca"))


async def send(server: Server) -> Exchange:
    """Send one mail over a pool of its own."""
    pool = SmtpPool(server)
    try:
        return await pool.send(a_mail(), deadline=soon())
    finally:
        await pool.close()


def accepted(exchange: Exchange) -> bool:
    return exchange.phase == "final-dot" and exchange.reply is not None and exchange.reply.positive


async def test_implicit_tls(authority: Authority) -> None:
    async with FakeSmtp(tls=authority.server, implicit_tls=True) as smtp:
        server = Server(smtp.port, "localhost", "tls", ca_file=authority.ca_file)
        assert accepted(await send(server))
        assert smtp.messages[0].encrypted


@pytest.mark.parametrize("security", ["starttls", "opportunistic"])
async def test_starttls(authority: Authority, security: Any) -> None:
    async with FakeSmtp(tls=authority.server) as smtp:
        server = Server(smtp.port, "localhost", security, ca_file=authority.ca_file)
        assert accepted(await send(server))
        assert smtp.messages[0].encrypted
        assert smtp.commands[:3] == ["EHLO", "STARTTLS", "EHLO"]


async def test_opportunistic_tls_takes_any_certificate(authority: Authority) -> None:
    async with FakeSmtp(tls=authority.server) as smtp:
        assert accepted(await send(Server(smtp.port, "127.0.0.1", "opportunistic")))
        assert smtp.messages[0].encrypted


async def test_plain_never_encrypts(authority: Authority) -> None:
    async with FakeSmtp(tls=authority.server) as smtp:
        assert accepted(await send(Server(smtp.port, "localhost", "plain")))
        assert not smtp.messages[0].encrypted


async def test_starttls_that_is_not_offered() -> None:
    async with FakeSmtp() as smtp:
        exchange = await send(Server(smtp.port, security="starttls", **CREDENTIALS))
        assert (exchange.phase, exchange.problem) == ("tls", "unsupported")
        assert smtp.commands == ["EHLO"]


@pytest.mark.parametrize("implicit", [True, False])
async def test_a_certificate_nobody_trusts(authority: Authority, implicit: bool) -> None:
    async with FakeSmtp(tls=authority.server, implicit_tls=implicit) as smtp:
        exchange = await send(Server(smtp.port, "localhost", "tls" if implicit else "starttls"))
        assert (exchange.phase, exchange.problem) == ("tls", "lost")
        assert "certificate" in exchange.detail.lower()


async def test_a_certificate_for_another_host(authority: Authority, tmp_path: Path) -> None:
    other = an_authority(tmp_path, "other.example.com")
    async with FakeSmtp(tls=other.server) as smtp:
        exchange = await send(Server(smtp.port, "localhost", "starttls", ca_file=other.ca_file))
        assert (exchange.phase, exchange.problem) == ("tls", "lost")


async def test_an_authority_that_cannot_be_read() -> None:
    exchange = await send(Server(1, ca_file="/no/such/file.pem"))
    assert (exchange.phase, exchange.problem) == ("tls", "unsupported")


async def test_a_server_that_speaks_no_tls() -> None:
    async with FakeSmtp() as smtp:
        exchange = await send(Server(smtp.port, security="tls"))
        assert (exchange.phase, exchange.problem) == ("tls", "lost")


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "PLAIN", "XOAUTH2 LOGIN"])
async def test_signing_in(mechanisms: str) -> None:
    async with FakeSmtp(mechanisms=mechanisms, **FAKE_CREDENTIALS) as smtp:
        assert accepted(await send(Server(smtp.port, **CREDENTIALS)))
        assert smtp.messages[0].user == "sam"


async def test_signing_in_where_it_is_offered_only_with_tls(authority: Authority) -> None:
    async with FakeSmtp(tls=authority.server, auth_needs_tls=True, **FAKE_CREDENTIALS) as smtp:
        server = Server(
            smtp.port, "localhost", "starttls", ca_file=authority.ca_file, **CREDENTIALS
        )
        assert accepted(await send(server))
        assert smtp.messages[0].user == "sam"


async def test_wrong_credentials() -> None:
    async with FakeSmtp(user="sam", password="other") as smtp:
        exchange = await send(Server(smtp.port, **CREDENTIALS))
        assert exchange.phase == "auth"
        assert exchange.reply is not None
        assert (exchange.reply.code, exchange.reply.enhanced) == (535, "5.7.8")


async def test_no_mechanism_in_common() -> None:
    async with FakeSmtp(mechanisms="CRAM-MD5", **FAKE_CREDENTIALS) as smtp:
        exchange = await send(Server(smtp.port, **CREDENTIALS))
        assert (exchange.phase, exchange.problem) == ("auth", "unsupported")


@pytest.mark.parametrize("host", ["mail.example.com", "192.0.2.1", "localhost.example.com"])
def test_a_password_never_goes_out_in_the_clear(host: str) -> None:
    assert must_encrypt(Server(25, host, "opportunistic", **CREDENTIALS))
    assert not must_encrypt(Server(25, host, "opportunistic"))
    assert not must_encrypt(Server(25, host, "plain", **CREDENTIALS))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_this_machine_is_near_enough(host: str) -> None:
    assert is_loopback(host)
    assert not must_encrypt(Server(25, host, "opportunistic", **CREDENTIALS))


@pytest.mark.parametrize(
    ("at", "act", "phase", "problem"),
    [
        ("greeting", "drop", "greeting", "lost"),
        ("greeting", "hang", "greeting", "timeout"),
        ("greeting", "garbage", "greeting", "malformed"),
        ("greeting", "half", "greeting", "lost"),
        ("ehlo", "drop", "ehlo", "lost"),
        ("ehlo", "hang", "ehlo", "timeout"),
        ("ehlo", "garbage", "ehlo", "malformed"),
        ("starttls", "drop", "tls", "lost"),
        ("starttls", "hang", "tls", "timeout"),
        ("auth", "drop", "auth", "lost"),
        ("auth", "hang", "auth", "timeout"),
        ("auth", "garbage", "auth", "malformed"),
    ],
)
async def test_the_phase_of_a_loss(
    authority: Authority, at: Stage, act: Act, phase: str, problem: str
) -> None:
    async with FakeSmtp(tls=authority.server, **FAKE_CREDENTIALS) as smtp:
        smtp.script(Fault(at, act))
        exchange = await send(Server(smtp.port, reply_seconds=0.2, **CREDENTIALS))
        assert (exchange.phase, exchange.problem, exchange.reply) == (phase, problem, None)
        assert smtp.messages == []


@pytest.mark.parametrize(
    ("at", "text", "phase", "code"),
    [
        ("greeting", "421 4.3.2 busy", "greeting", 421),
        ("greeting", "554 5.7.1 not for you", "greeting", 554),
        ("ehlo", "421 4.3.2 busy", "ehlo", 421),
        ("ehlo", "550 5.7.1 bad name", "ehlo", 550),
        ("starttls", "454 4.7.0 TLS not available", "tls", 454),
        ("auth", "454 4.7.0 try later", "auth", 454),
    ],
)
async def test_the_phase_of_a_refusal(
    authority: Authority, at: Stage, text: str, phase: str, code: int
) -> None:
    async with FakeSmtp(tls=authority.server, **FAKE_CREDENTIALS) as smtp:
        smtp.script(Fault(at, "reply", text))
        exchange = await send(Server(smtp.port, **CREDENTIALS))
        assert exchange.phase == phase
        assert exchange.reply is not None
        assert exchange.reply.code == code


async def test_a_port_that_nobody_listens_on() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        exchange = await send(Server(taken.getsockname()[1]))
    assert (exchange.phase, exchange.problem) == ("connect", "lost")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "x..y"])
async def test_a_name_without_an_address(host: str) -> None:
    exchange = await send(Server(25, host))
    assert (exchange.phase, exchange.problem) == ("dns", "lost")


@asynccontextmanager
async def injecting_server(authority: Authority) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Yield (port, lines) of a server whose STARTTLS reply brings words in the clear with it."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 hello\r\n")
            heard.append(await reader.readline())
            writer.write(b"250-here\r\n250 STARTTLS\r\n")
            heard.append(await reader.readline())
            writer.write(b"220 go on\r\n250-here\r\n250 AUTH PLAIN\r\n")
            heard.append(await reader.read())
        except ConnectionError:
            return
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


async def test_words_injected_before_tls_end_the_dialogue(authority: Authority) -> None:
    async with injecting_server(authority) as (port, heard):
        exchange = await send(Server(port, security="starttls", **CREDENTIALS))
        assert (exchange.phase, exchange.problem) == ("tls", "malformed")
        assert [line[:8] for line in heard[:2]] == [b"EHLO cli", b"STARTTLS"]
        assert not any(b"AUTH" in line for line in heard)
