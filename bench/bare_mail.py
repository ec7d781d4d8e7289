"""The reference of campaigns: the same mails, rendered and sent by nothing but a loop.

`python -m bench.bare_mail PORT RECIPIENTS CONTENT` has no ledger and no checks: compiled
templates, the assembly of mails and pipelined connections, in one process. It prints how many
seconds it took and how many of its processor's.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from channels.message import build
from channels.rendering import render
from domain.message import EmailMessage
from domain.vocabulary import Channel
from transport.smtp.pool import SmtpPool
from vendors.email.smtp import Settings

_CONNECTIONS: Final = 10
_TOGETHER: Final = 50


@dataclass(frozen=True, slots=True)
class Bare:
    """What the reference took: seconds, and CPU seconds of its one process."""

    mails: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Mails a second."""
        return self.mails / self.seconds

    @property
    def each(self) -> float:
        """Microseconds of CPU for each."""
        return 1e6 * self.cpu / max(self.mails, 1)


async def measure(port: int, recipients: int, content: dict[str, Any]) -> Bare:
    """Run the reference in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare_mail", str(port), str(recipients), json.dumps(content),
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    said = (await process.communicate())[0]
    return Bare(recipients, **json.loads(said))


def _mail(number: int, content: dict[str, Any]) -> EmailMessage:
    data = {**content["data"], "name": f"User {number}", "unsubscribe_url": _link(number)}
    message = build(
        Channel.EMAIL,
        render(Channel.EMAIL, content["email"], data, locale="en", timezone="Europe/Paris"),
        as_fields=False,
        address=f"u{number}@example.com",
        name=f"User {number}",
        attempt_id=f"att_{number:026}",
        notification_id=f"ntf_{number:026}",
        default_from="Tocsin <tocsin@example.com>",
        unsubscribe_url=_link(number),
    )
    assert isinstance(message, EmailMessage)
    return message


def _link(number: int) -> str:
    return f"https://example.com/u/{number:0120}"


async def _send(port: int, recipients: int, content: dict[str, Any]) -> None:
    pool = SmtpPool(Settings(host="127.0.0.1", port=port, security="plain"))
    numbers = iter(range(1, recipients + 1))

    async def one() -> None:
        while together := [number for _, number in zip(range(_TOGETHER), numbers, strict=False)]:
            mails = [_mail(number, content) for number in together]
            found = await pool.send_all(mails, deadline=time.monotonic() + 600)
            assert all(end.reply is not None and end.reply.positive for end in found)

    await asyncio.gather(*(one() for _ in range(_CONNECTIONS)))
    await pool.close()


if __name__ == "__main__":
    began = time.monotonic()
    uvloop.run(_send(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))
    print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time()}))
