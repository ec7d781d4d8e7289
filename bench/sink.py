"""A mail server that only counts: `python -m bench.sink FILE RECIPIENTS`, a process of its own.

It takes mail to `u1@…` and so on, notes in FILE how often each came and when the last one did, and
writes its port to standard output. The file is shared memory: reading it costs the sink nothing.
"""

import asyncio
import mmap
import re
import struct
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, cast

import uvloop

_HEAD: Final = struct.Struct("dq")
"""When the last mail came (time.monotonic(), one clock for all processes), and how many came."""
_RECIPIENT: Final = re.compile(rb"RCPT TO:<u([0-9]+)@", re.IGNORECASE)
_END: Final = b"\r\n.\r\n"
_GREETING: Final = (
    b"250-sink\r\n250-SIZE 33554432\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n"
    b"250 ENHANCEDSTATUSCODES\r\n"
)


class Counts:
    """How often each recipient was sent to, in memory that processes share."""

    def __init__(self, path: Path, recipients: int) -> None:
        size = _HEAD.size + recipients + 1
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(size)
            self._memory = mmap.mmap(file.fileno(), size)

    def add(self, recipient: int) -> None:
        """Count a mail that came just now."""
        _, number = _HEAD.unpack_from(self._memory)
        _HEAD.pack_into(self._memory, 0, time.monotonic(), number + 1)
        at = _HEAD.size + recipient
        self._memory[at] = min(self._memory[at] + 1, 255)

    @property
    def last_at(self) -> float:
        """When the last mail came, of time.monotonic()."""
        return float(_HEAD.unpack_from(self._memory)[0])

    @property
    def total(self) -> int:
        """How many mails came."""
        return int(_HEAD.unpack_from(self._memory)[1])

    def of(self, recipient: int) -> int:
        """Return how often a recipient was sent to."""
        return self._memory[_HEAD.size + recipient]

    def clear(self) -> None:
        """Begin anew."""
        self._memory[:] = bytes(len(self._memory))


@asynccontextmanager
async def counting(path: Path, recipients: int) -> AsyncIterator[tuple[Counts, int]]:
    """Run a sink in a process of its own; give its counts and its port."""
    counts = Counts(path, recipients)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.sink", str(path), str(recipients),
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield counts, int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


class _Session(asyncio.Protocol):
    """One connection: what comes in is read in one go, what is to be said leaves in one write."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._left = b""
        self._in_body = False
        self._recipient: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        given, said = self._left + data, []
        while True:
            end = _END if self._in_body else b"\r\n"
            at = given.find(end)
            if at < 0:
                break
            if self._in_body:
                if self._recipient is not None:  # else to somebody of the system's own users
                    self._counts.add(self._recipient)
                self._in_body = False
                said.append(b"250 2.0.0 taken\r\n")
            else:
                said.append(self._answer(given[:at]))
            given = given[at + len(end) :]
        self._left = given
        if said:
            self._transport.write(b"".join(said))

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return _GREETING
        if verb == b"RCPT":
            found = _RECIPIENT.match(line)
            self._recipient = int(found[1]) if found else None
        if verb == b"DATA":
            self._in_body = True
            return b"354 go on\r\n"
        return b"221 2.0.0 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 ok\r\n"


async def _serve(path: Path, recipients: int) -> None:
    counts = Counts(path, recipients)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Session(counts), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
