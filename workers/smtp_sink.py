"""The SMTP sink of the embedded system: real SMTP, its mail is seen on the Outbox page."""

from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.settings import Settings
from domain.one_time_codes import CodeRing
from services.outbox import keep_mail
from stores.database import Database
from workers.smtp_serving import or_later, serve

_MOST_OCTETS: Final = 33_554_432


class Keeper:
    """Stores each accepted mail before it says 250; one-time codes are hidden first."""

    def __init__(self, db: Database, codes: CodeRing) -> None:
        self._db = db
        self._codes = codes

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail once per recipient."""
        return await or_later(self._keep(envelope))

    async def _keep(self, envelope: Envelope) -> str:
        content = envelope.content or b""
        mime = content.encode() if isinstance(content, str) else content
        for recipient in envelope.rcpt_tos:
            await keep_mail(self._db, self._codes, str(recipient), mime)
        return "250 2.0.0 kept"


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    await serve(
        settings,
        lambda app: Keeper(app.db, app.codes),
        name="smtp_sink",
        host="127.0.0.1",
        port=settings.smtp_sink_port,
        most_octets=_MOST_OCTETS,
    )
