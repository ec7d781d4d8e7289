"""Opens what activities send with: the place where vendors, transports and stores meet."""

from activities.accounts import Accounts
from activities.delivery import Delivery
from activities.health import Health
from activities.pacing import Pacer
from activities.routing import Router
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


def open_delivery(app: App) -> tuple[Delivery, Router]:
    """Return the activities of a worker process, and its router, to be closed with it."""

    async def keep(message: ContentMessage) -> None:
        await keep_content(app.db, message)

    guard = Guard(app.settings.allow_networks)

    def http_pool(settings: HttpSettings) -> HttpConnections:
        return Http2Pool(settings, guard) if settings.http2 else HttpPool(settings, guard)

    parts = Parts(mail_pool=SmtpPool, keep=keep, http_pool=http_pool)
    router = Router(
        Accounts(app.db, app.seal, parts),
        Health(app.db, scale=app.settings.retry_scale),
        Pacer(app.db),
    )
    sending = Sending(
        db=app.db,
        router=router,
        words=Words(app.db),
        default_from=app.settings.mail_from,
        receipts_url=f"{app.settings.base_url}/v1/receipts",
        lease_seconds=app.settings.lease_seconds,
        retry_scale=app.settings.retry_scale,
    )
    return Delivery(sending), router
