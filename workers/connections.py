"""Opens what activities send with: the place where vendors, transports and stores meet."""

from activities.accounts import Accounts
from activities.delivery import Delivery
from activities.sending import Sending
from activities.words import Words
from domain.message import ContentMessage
from services.app import App
from services.outbox import keep_content
from transport.http.guard import Guard
from transport.http.pool import HttpPool
from transport.http.pool_http2 import Http2Pool
from transport.smtp.pool import SmtpPool
from vendors.contract import HttpPool as HttpConnections
from vendors.contract import Parts
from vendors.http_api import HttpSettings


def open_delivery(app: App) -> tuple[Delivery, Accounts]:
    """Return the activities of a worker process, and the accounts to close with it."""

    async def keep(message: ContentMessage) -> None:
        await keep_content(app.db, app.codes, message)

    guard = Guard(app.settings.allow_networks)

    def http_pool(settings: HttpSettings) -> HttpConnections:
        return Http2Pool(settings, guard) if settings.http2 else HttpPool(settings, guard)

    parts = Parts(mail_pool=SmtpPool, keep=keep, http_pool=http_pool)
    accounts = Accounts(app.db, app.seal, parts)
    sending = Sending(
        db=app.db,
        accounts=accounts,
        words=Words(app.db, app.codes),
        default_from=app.settings.mail_from,
        lease_seconds=app.settings.lease_seconds,
        retry_scale=app.settings.retry_scale,
    )
    return Delivery(sending), accounts
