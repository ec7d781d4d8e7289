"""Opens a session: DNS, TCP, greeting, TLS, EHLO and the sign-in, each a phase of its own."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from transport.smtp.auth import NoMechanism
from transport.smtp.connection import Connection
from transport.smtp.exchange import Exchange, Phase, Stopped
from transport.smtp.replies import MalformedReply, Reply
from transport.smtp.server import Server, must_encrypt
from transport.smtp.session import Deadline, Session


async def open_session(server: Server, tls: ssl.SSLContext, deadline: Deadline) -> Session:
    """Return a session that is ready for MAIL; raises Stopped, and leaves nothing open then."""
    connection = await _connect(server, deadline)
    session = Session(server, connection)
    try:
        await _introduce(session, server, tls, deadline)
    except BaseException:
        connection.stop("lost", "given up while opening")
        raise
    return session


async def _connect(server: Server, deadline: Deadline) -> Connection:
    """Try the host's addresses in the order of the resolver, the time shared among them."""
    stopped = Stopped.because("dns", "lost", "the name has no address")
    async with _step("dns", deadline.within(server.connect_seconds)):
        found = await asyncio.get_running_loop().getaddrinfo(
            server.host.strip("[]"), server.port, type=socket.SOCK_STREAM
        )
    for left, (family, _, proto, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        try:
            async with _step("connect", deadline.within(server.connect_seconds) / left):
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, str(address[0]), server.port, family=family, proto=proto
                )
                return connection
        except Stopped as error:
            stopped = error
    raise stopped


async def _introduce(
    session: Session, server: Server, tls: ssl.SSLContext, deadline: Deadline
) -> None:
    connection = session.connection
    if server.security == "tls":
        await _start_tls(connection, server, tls, deadline)
    greeting = await connection.reply("greeting", deadline.within(server.reply_seconds))
    _expect("greeting", greeting)
    await _hello(session, server, deadline)
    offered = connection.dialogue.capabilities.starttls
    if offered and server.security in ("starttls", "opportunistic"):
        _expect("tls", await session.ask(connection.dialogue.starttls(), "tls", deadline))
        connection.check("tls")
        await _start_tls(connection, server, tls, deadline)
        await _hello(session, server, deadline)
    if must_encrypt(server) and not connection.dialogue.encrypted:
        raise Stopped.because("tls", "unsupported", "the server does not offer STARTTLS")
    if server.user:
        await _sign_in(session, server, deadline)


async def _start_tls(
    connection: Connection, server: Server, tls: ssl.SSLContext, deadline: Deadline
) -> None:
    loop = asyncio.get_running_loop()
    async with _step("tls", deadline.within(server.connect_seconds)):
        if server.security == "tls":
            connection.dialogue.encrypted = True
        else:
            connection.dialogue.tls_started()
        transport = await loop.start_tls(
            connection.transport, connection, tls, server_hostname=server.host.strip("[]")
        )
    connection.attach(cast(asyncio.Transport, transport))
    connection.check("tls")


async def _hello(session: Session, server: Server, deadline: Deadline) -> None:
    """Introduce ourselves by EHLO, or by HELO to a server that does not know it."""
    dialogue = session.connection.dialogue
    name = server.client_name or _own_name(session.connection)
    reply = await session.ask(dialogue.hello(name), "ehlo", deadline)
    if 500 <= reply.code <= 504:
        reply = await session.ask(dialogue.hello_plainly(name), "ehlo", deadline)
    _expect("ehlo", reply)


async def _sign_in(session: Session, server: Server, deadline: Deadline) -> None:
    dialogue = session.connection.dialogue
    password = server.password.get_secret_value()
    try:
        line = dialogue.authenticate(user=server.user, password=password)
    except NoMechanism as error:
        raise Stopped.because("auth", "unsupported", error) from None
    reply = await session.ask(line, "auth", deadline)
    while reply.code == 334:
        reply = await session.ask(dialogue.respond(), "auth", deadline)
    _expect("auth", reply)


@asynccontextmanager
async def _step(phase: Phase, seconds: float) -> AsyncIterator[None]:
    """Limit a step's time and turn what goes wrong with its socket into Stopped."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Stopped.because(phase, "timeout", "the time was up") from None
    except MalformedReply as error:
        raise Stopped.because(phase, "malformed", error) from None
    except (OSError, UnicodeError) as error:
        raise Stopped.because(phase, "lost", error) from error


def _own_name(connection: Connection) -> str:
    """Return our host name if it is a full one, else our address as a literal (RFC 5321 §4.1.4)."""
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    address = connection.transport.get_extra_info("sockname")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _expect(phase: Phase, reply: Reply) -> None:
    if not reply.positive:
        raise Stopped(Exchange(phase, reply))
