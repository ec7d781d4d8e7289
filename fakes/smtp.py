"""A mail server for tests that records every mail and misbehaves as told.

In a test: `async with FakeSmtp() as smtp: smtp.script(Fault("dot", "drop")); … smtp.messages`.
By itself: `python -m fakes.smtp --port 2525 --journal mail.jsonl --behaviour 'dead=rcpt:reply:550
5.1.1 nobody'`, where `dead` is a recipient's local part and `*` is any.
"""

import argparse
import asyncio
import signal
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from fakes.smtp_faults import Fault, Script, parse_fault
from fakes.smtp_journal import Journal
from fakes.smtp_mail import FakeMail
from fakes.smtp_session import Manners, Received, Session

CAPABILITIES = (
    "SIZE 33554432", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES", "DSN",
)  # fmt: skip


class FakeSmtp:
    """A server on 127.0.0.1, as long as its context lasts; `port` 0 takes a free one.

    `vendor` is its script in the words of all fakes, keeps what was taken, and makes reports of it.
    `tls` is a server's context: for STARTTLS, or with `implicit_tls` from the first byte.
    `user` and `password` make signing in compulsory. `behaviours` maps recipients' local parts to
    faults. With `messages_per_connection` the next MAIL is answered 421.
    """

    settings: ClassVar[Mapping[str, str]] = {}
    """What an account needs beside its address."""

    def __init__(
        self,
        *,
        port: int = 0,
        capabilities: tuple[str, ...] = CAPABILITIES,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        behaviours: Mapping[str, Fault] | None = None,
        journal: Journal | None = None,
        vendor: FakeMail | None = None,
        **manners: Any,
    ) -> None:
        self.port = port
        self.connections = 0
        self.messages: list[Received] = []
        self.vendor = vendor or FakeMail()
        self._script = Script(behaviours, self.vendor.faults, self.vendor.usual_fault)
        self._manners = Manners(
            capabilities, self._script, self._keep, None if implicit_tls else tls, **manners
        )
        self._implicit_tls = tls if implicit_tls else None
        self._journal = journal
        self._sessions: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def commands(self) -> list[str]:
        """The verbs of all commands, in order of arrival."""
        return self._manners.commands

    async def hears(self, verb: str, times: int = 1) -> None:
        """Wait until a command has come so many times."""
        while self.commands.count(verb) < times:
            self._manners.heard.clear()
            await self._manners.heard.wait()

    def url(self, _name: str = "") -> str:
        """Return where it listens, as the settings of an account name it."""
        return f"smtp://127.0.0.1:{self.port}"

    def script(self, *faults: Fault) -> None:
        """Let these faults strike, each when its stage is next reached."""
        self._script.add(faults)

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._implicit_tls, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up on everybody."""
        await self.stop()

    async def stop(self) -> None:
        """Stop listening and end all connections, as a server that dies."""
        if self._server is not None:
            self._server.close()
        await self.hang_up()

    async def hang_up(self) -> None:
        """End all connections, and go on listening."""
        for task in list(self._sessions):
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await asyncio.sleep(0)  # lets the event loop close the sockets

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._sessions.add(task)
        self.connections += 1
        encrypted = self._implicit_tls is not None
        session = Session(self.connections, self._manners, reader, writer, encrypted=encrypted)
        try:
            await session.run()
            if not writer.is_closing():
                writer.close()
                await writer.wait_closed()
        except (asyncio.CancelledError, OSError):
            return
        finally:
            writer.transport.abort()
            self._sessions.discard(task)

    async def _keep(self, received: Received) -> None:
        if self._journal is None:
            self.messages.append(received)
            self.vendor.keep(received)
        else:
            await self._journal.append(received.mail_from, received.recipients, received.content)


def main() -> None:
    """Serve until SIGTERM or SIGINT; the port is the first line on standard output."""
    parser = argparse.ArgumentParser(prog="python -m fakes.smtp")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--behaviour", action="append", default=[], metavar="LOCAL=STAGE:ACT[:…]")
    parser.add_argument("--messages-per-connection", type=int, default=0)
    given = parser.parse_args()
    pairs = (text.partition("=") for text in given.behaviour)
    behaviours = {local: parse_fault(fault) for local, _, fault in pairs}
    asyncio.run(_serve_until_told(given, behaviours))


async def _serve_until_told(given: argparse.Namespace, behaviours: dict[str, Fault]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    journal = Journal(given.journal)
    async with FakeSmtp(
        port=given.port,
        behaviours=behaviours,
        journal=journal,
        messages_per_connection=given.messages_per_connection,
    ) as smtp:
        sys.stdout.write(f"{smtp.port}\n")
        sys.stdout.flush()
        await stop.wait()
    await journal.close()


if __name__ == "__main__":
    main()
