"""All fake vendors in one process, for people who develop adapters: `python -m fakes.vendors`.

Each answers under its name at one port. `fakes/control.py` says how to make them misbehave.
"""

import argparse
import asyncio
import signal
import sys
from typing import Final

from fakes.aws_sms import FakeAwsSms
from fakes.http_server import FakeHttp
from fakes.http_vendor import FakeVendor
from fakes.ses import FakeSes
from fakes.smtp import FakeSmtp
from fakes.sns import FakeSnsPush, FakeSnsSms
from fakes.twilio import FakeTwilio

FAKES: Final[tuple[type[FakeVendor], ...]] = (
    FakeSes, FakeTwilio, FakeSnsSms, FakeAwsSms, FakeSnsPush,
)  # fmt: skip


async def serve(port: int, smtp_port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        FakeHttp(*(fake() for fake in FAKES), port=port) as server,
        FakeSmtp(port=smtp_port) as smtp,
    ):
        told = [f"smtp             smtp://127.0.0.1:{smtp.port}?starttls=never"]
        told += [f"{name:<16} {server.url(name)}" for name in sorted(server.vendors)]
        told.append(f"control          http://127.0.0.1:{server.port}/_control/<vendor>")
        sys.stdout.write("\n".join(told) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--smtp-port", type=int, default=9125)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.smtp_port))


if __name__ == "__main__":
    main()
