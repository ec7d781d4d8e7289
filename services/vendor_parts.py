"""What vendors are lent in every process: transports behind the guard, and the sandbox's keep."""

from domain.message import ContentMessage
from services.app import App
from services.outbox import keep_content
from transport.http.guard import Guard
from transport.http.pool import HttpPool
from transport.http.pool_http2 import Http2Pool
from transport.smtp.pool import SmtpPool
from vendors.contract import HttpPool as Connections
from vendors.contract import Parts
from vendors.http_api import HttpSettings


def vendor_parts(app: App) -> Parts:
    """Return the parts that accounts are opened with."""
    guard = Guard(app.settings.allow_networks)

    async def keep(message: ContentMessage) -> None:
        await keep_content(app.db, app.codes, message)

    def http_pool(settings: HttpSettings) -> Connections:
        return Http2Pool(settings, guard) if settings.http2 else HttpPool(settings, guard)

    return Parts(mail_pool=SmtpPool, keep=keep, http_pool=http_pool, return_paths=app.return_paths)
