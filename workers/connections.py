"""Opens what activities send with: the place where vendors, transports and stores meet."""

from activities.accounts import Accounts
from activities.delivery import Delivery
from activities.health import Health
from activities.pacing import Pacer
from activities.routing import Router
from activities.rule_book import RuleBook
from activities.sending import Sending
from activities.unsubscribe_links import UnsubscribeLinks
from activities.words import Words
from services.app import App
from services.vendor_parts import vendor_parts


def open_delivery(app: App) -> tuple[Delivery, Router]:
    """Return the activities of a worker process, and its router, to be closed with it."""

    router = Router(
        Accounts(app.db, app.seal, vendor_parts(app)),
        Health(app.db, scale=app.settings.retry_scale),
        Pacer(app.db),
    )
    sending = Sending(
        db=app.db,
        router=router,
        words=Words(app.db, app.codes),
        rules=RuleBook(app.db),
        default_from=app.settings.mail_from,
        receipts_url=f"{app.settings.base_url}/v1/receipts",
        unsubscribing=UnsubscribeLinks(app.links, app.settings.base_url),
        lease_seconds=app.settings.lease_seconds,
        retry_scale=app.settings.retry_scale,
    )
    return Delivery(sending), router
