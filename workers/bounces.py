"""The bounce listener: takes mail to return paths by SMTP, and nothing else.

It never sends: what is refused is refused in the dialogue, so that no bounce is ever answered.
"""

from collections.abc import Awaitable
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.settings import Settings
from domain.errors import Problem
from services import bounces
from services.app import App
from services.receipts import MOST_MAIL_OCTETS
from workers.smtp_serving import TRY_LATER, or_later, serve

HEARD: Final = "250 2.0.0 heard"
REFUSALS: Final = {
    "not-found": "550 5.1.1 no such mailbox",
    "forbidden": "550 5.7.1 not a return path of ours",
    "invalid": "550 5.6.0 not a report that can be read",
}
"""Replies by the problem; any other one puts the mail off."""


class Listener:
    """Checks recipients one by one, and settles a mail before it says 250."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_RCPT(
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take a return path that was made here, or the plain address of an account."""
        reply = await self._reply(bounces.expect(self._app, address), "250 2.1.5 ok")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Hear a mail once per recipient; one repeated is harmless, so the most hopeful reply
        counts for all of them.
        """
        content = envelope.content or b""
        mail = content.encode() if isinstance(content, str) else content
        replies = [
            await self._reply(bounces.hear(self._app, str(one), mail), HEARD)
            for one in envelope.rcpt_tos
        ]
        for wanted in ("4", "2"):
            for reply in replies:
                if reply.startswith(wanted):
                    return reply
        return replies[0]

    async def _reply(self, work: Awaitable[object], good: str) -> str:
        async def judged() -> str:
            try:
                await work
            except Problem as problem:
                return REFUSALS.get(problem.problem_slug, TRY_LATER)
            return good

        return await or_later(judged())


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    await serve(
        settings,
        Listener,
        name="bounces",
        host=settings.bounces_host,
        port=settings.bounces_port,
        most_octets=MOST_MAIL_OCTETS,
    )
