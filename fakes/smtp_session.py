"""One connection at the fake mail server: the dialogue, with the faults that its script wants."""

import asyncio
import base64
import binascii
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fakes.smtp_faults import Fault, Script, Stage


@dataclass(frozen=True, slots=True)
class Received:
    """A mail whose final dot came, whether or not its sender ever heard so."""

    mail_from: str
    recipients: list[str]
    content: bytes
    parameters: list[str]
    connection: int
    encrypted: bool
    user: str
    rcpt_parameters: list[str] = field(default_factory=list)
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Manners:
    """How the server behaves."""

    capabilities: tuple[str, ...]
    script: Script
    keep: Callable[[Received], Awaitable[None]]
    tls: ssl.SSLContext | None = None
    user: str = ""
    password: str = ""
    mechanisms: str = "PLAIN LOGIN"
    auth_needs_tls: bool = False
    knows_ehlo: bool = True
    messages_per_connection: int = 0
    commands: list[str] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)


class Gone(Exception):
    """The dialogue is over: this side hangs up."""


class Session:
    """Serves one client until it quits, or until a fault ends it."""

    def __init__(
        self,
        number: int,
        manners: Manners,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        encrypted: bool,
    ) -> None:
        self._number = number
        self._manners = manners
        self._reader = reader
        self._writer = writer
        self._encrypted = encrypted
        self._user = ""
        self._buffer = bytearray()
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._parameters: list[str] = []
        self._rcpt_parameters: list[str] = []
        self._messages = 0

    async def run(self) -> None:
        """Serve; whatever ends the connection ends this quietly."""
        with suppress(Gone, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await self._answer("greeting", "220 fake.example.com ESMTP")
            while True:
                line = await self._read_line()
                self._manners.commands.append(line.partition(" ")[0].upper())
                self._manners.heard.set()
                await self._obey(line)

    async def _obey(self, line: str) -> None:
        verb, _, argument = line.partition(" ")
        handlers = {
            "EHLO": self._ehlo, "HELO": self._helo, "STARTTLS": self._starttls,
            "AUTH": self._auth, "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data,
            "RSET": self._rset, "NOOP": self._noop, "QUIT": self._quit,
        }  # fmt: skip
        handler = handlers.get(verb.upper(), self._unknown)
        await handler(argument)

    async def _ehlo(self, _argument: str) -> None:
        if not self._manners.knows_ehlo:
            await self._say("502 5.5.2 not known")
            return
        offered = ["fake.example.com", *self._manners.capabilities]
        if self._manners.tls is not None and not self._encrypted:
            offered.append("STARTTLS")
        if self._manners.user and (self._encrypted or not self._manners.auth_needs_tls):
            offered.append(f"AUTH {self._manners.mechanisms}")
        lines = [f"250-{one}" for one in offered[:-1]] + [f"250 {offered[-1]}"]
        await self._answer("ehlo", "\r\n".join(lines))

    async def _helo(self, _argument: str) -> None:
        await self._say("250 fake.example.com")

    async def _starttls(self, _argument: str) -> None:
        if self._manners.tls is None:
            await self._say("502 5.5.1 no TLS here")
        elif await self._answer("starttls", "220 2.0.0 go on"):
            await self._start_tls(self._manners.tls)

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        try:
            await self._writer.start_tls(context)
        except OSError:
            self._writer.transport.abort()
            raise Gone from None
        self._encrypted = True

    async def _auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() == "PLAIN":
            given = _decode(initial or await self._ask("334 ")).split("\0")
            user, password = [*given, "", ""][1:3]
        else:
            user = _decode(initial or await self._ask("334 VXNlcm5hbWU6"))
            password = _decode(await self._ask("334 UGFzc3dvcmQ6"))
        if (user, password) != (self._manners.user, self._manners.password):
            await self._say("535 5.7.8 wrong credentials")
        elif await self._answer("auth", "235 2.7.0 welcome"):
            self._user = user

    async def _mail(self, argument: str) -> None:
        limit = self._manners.messages_per_connection
        if limit and self._messages >= limit:
            await self._say("421 4.7.0 too many messages on this connection")
            raise Gone
        if self._manners.user and not self._user:
            await self._say("530 5.7.0 sign in first")
            return
        path, *self._parameters = argument.removeprefix("FROM:").split(" ")
        if await self._answer("mail", "250 2.1.0 ok"):
            self._sender, self._recipients = path[1:-1], []

    async def _rcpt(self, argument: str) -> None:
        if self._sender is None:
            await self._say("503 5.5.1 MAIL first")
            return
        path, *parameters = argument.removeprefix("TO:").strip().split(" ")
        recipient = path[1:-1]
        if await self._answer("rcpt", "250 2.1.5 ok", to=[recipient]):
            self._recipients.append(recipient)
            self._rcpt_parameters = parameters

    async def _data(self, _argument: str) -> None:
        if not self._recipients:
            await self._say("503 5.5.1 RCPT first")
            return
        if not await self._answer("data", "354 go on", to=self._recipients):
            return
        content = await self._read_content()
        received = Received(
            self._sender or "", self._recipients, content, self._parameters,
            self._number, self._encrypted, self._user, self._rcpt_parameters,
        )  # fmt: skip
        self._sender, self._recipients = None, []
        await self._end(received)
        if (fault := self._manners.script.take("after", received.recipients)) is not None:
            await self._strike(fault)

    async def _end(self, received: Received) -> None:
        """Keep a mail and say so; what a fault refuses is not kept, what it drops is."""
        self._messages += 1
        fault = self._manners.script.take("dot", received.recipients)
        if fault is None or fault.act != "reply":
            await self._manners.keep(received)
        if fault is None or await self._strike(fault):
            await self._say(f"250 2.0.0 ok: queued as {self._number}X{self._messages}")

    async def _rset(self, _argument: str) -> None:
        self._sender, self._recipients = None, []
        await self._answer("rset", "250 2.0.0 ok")

    async def _noop(self, _argument: str) -> None:
        await self._say("250 2.0.0 ok")

    async def _quit(self, _argument: str) -> None:
        await self._say("221 2.0.0 goodbye")
        raise Gone

    async def _unknown(self, _argument: str) -> None:
        await self._say("500 5.5.2 not known")

    async def _read_content(self) -> bytes:
        """Return what came before the final dot, with the doubled dots undone."""
        if (fault := self._manners.script.take("body", self._recipients)) is not None:
            await self._fill()
            await self._strike(fault)
        self._buffer[:0] = b"\r\n"
        content = await self._read_until(b"\r\n.\r\n") + b"\r\n"
        return content.replace(b"\r\n.", b"\r\n").removeprefix(b"\r\n")

    async def _ask(self, line: str) -> str:
        await self._say(line)
        return await self._read_line()

    async def _answer(self, stage: Stage, usual: str, to: Sequence[str] = ()) -> bool:
        """Say the usual reply, or let a fault strike; return whether it was the usual one."""
        fault = self._manners.script.take(stage, to)
        if fault is None:
            await self._say(usual)
            return True
        if await self._strike(fault):
            await self._say(usual)
            return True
        return False

    async def _strike(self, fault: Fault) -> bool:
        """Do what a fault wants; return whether the usual reply is to follow."""
        match fault.act:
            case "delay":
                await asyncio.sleep(fault.seconds)
                return True
            case "drop":
                self._writer.transport.abort()
                raise Gone
            case "hang":
                await asyncio.Event().wait()
            case "half":
                self._writer.write(b"25")
                raise Gone
            case "garbage":
                await self._say(fault.text or "what did you say?")
            case "reply":
                await self._say(fault.text)
                if fault.text.startswith("421"):
                    raise Gone
        return False

    async def _say(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")
        await self._writer.drain()

    async def _read_line(self) -> str:
        return (await self._read_until(b"\r\n")).decode(errors="surrogateescape")

    async def _read_until(self, end: bytes) -> bytes:
        """Return what stands before `end`, and pass over `end`."""
        searched = 0
        while (found := self._buffer.find(end, searched)) < 0:
            searched = max(len(self._buffer) - len(end), 0)
            await self._fill()
        taken = bytes(self._buffer[:found])
        del self._buffer[: found + len(end)]
        return taken

    async def _fill(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise Gone
        self._buffer += data


def _decode(text: str) -> str:
    with suppress(binascii.Error, UnicodeDecodeError):
        return base64.b64decode(text, validate=True).decode()
    return ""
