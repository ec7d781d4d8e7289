"""All fake vendors in one process, for people who develop adapters: `python -m fakes.vendors`.

Each answers under its name at one port. `fakes/control.py` says how to make them misbehave.
"""

import argparse
import asyncio
import signal
import sys
from typing import Final

from fakes.apns import FakeApns
from fakes.aws_sms import FakeAwsSms
from fakes.fcm import FakeFcm
from fakes.http2_server import FakeHttp2
from fakes.http_server import FakeHttp
from fakes.http_vendor import FakeVendor
from fakes.infobip import FakeInfobip
from fakes.mandrill import FakeMandrill
from fakes.sendgrid import FakeSendGrid
from fakes.ses import FakeSes
from fakes.smtp import FakeSmtp
from fakes.smtp_mail import FakeMail
from fakes.sns import FakeSnsPush, FakeSnsSms
from fakes.telegram import FakeTelegram
from fakes.twilio import FakeTwilio, FakeTwilioWhatsApp
from fakes.vonage import FakeVonage
from fakes.webhook import FakeWebhook
from fakes.webpush import FakeWebPush
from fakes.whatsapp_cloud import FakeWhatsAppCloud

FAKES: Final[tuple[type[FakeVendor], ...]] = (
    FakeSes, FakeSendGrid, FakeMandrill, FakeTwilio, FakeSnsSms, FakeAwsSms, FakeVonage,
    FakeInfobip, FakeTwilioWhatsApp, FakeWhatsAppCloud, FakeTelegram,
    FakeFcm, FakeSnsPush, FakeWebPush, FakeWebhook,
)  # fmt: skip


async def serve(port: int, smtp_port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    mail = FakeMail()
    async with (
        FakeHttp(*(fake() for fake in FAKES), mail, port=port) as server,
        FakeHttp2(FakeApns(), port=port + 1 if port else 0) as http2,
        FakeSmtp(port=smtp_port, vendor=mail) as smtp,
    ):
        told = [f"{mail.name:<16} {smtp.url()}?starttls=never"]
        told += [
            f"{name:<16} {server.url(name)}" for name in sorted(set(server.vendors) - {"smtp"})
        ]
        told.append(f"{FakeApns.name:<16} {http2.url(FakeApns.name)} {http2.settings['ca_file']}")
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
