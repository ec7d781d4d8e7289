"""The SMTP sink of the embedded system: real SMTP, its mail is seen on the Outbox page."""

import asyncio
import signal

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from config.settings import Settings
from domain.one_time_codes import CodeRing
from services.app import close_app, open_app
from services.outbox import keep_mail
from stores.database import Database, unreachable

log = structlog.get_logger()
_MOST_BYTES = 33_554_432


class Keeper:
    """Stores each accepted mail before it says 250; one-time codes are hidden first."""

    def __init__(self, db: Database, codes: CodeRing) -> None:
        self._db = db
        self._codes = codes

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail once per recipient."""
        content = envelope.content or b""
        mime = content.encode() if isinstance(content, str) else content
        try:
            for recipient in envelope.rcpt_tos:
                await keep_mail(self._db, self._codes, str(recipient), mime)
        except Exception as error:
            if not unreachable(error):
                raise
            log.warning("smtp_sink.database_unreachable", error=type(error).__name__)
            return "451 4.3.0 the database does not answer, try again"
        return "250 2.0.0 kept"


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = open_app(settings)
    keeper = Keeper(app.db, app.codes)
    server = await loop.create_server(
        lambda: SMTP(keeper, data_size_limit=_MOST_BYTES, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        settings.smtp_sink_port,
    )
    log.info("smtp_sink.serving", port=settings.smtp_sink_port)
    async with server:
        await stop.wait()
    await close_app(app)
