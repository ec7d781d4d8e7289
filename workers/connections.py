"""Opens what activities send with: the place where vendors, transports and stores meet."""

from activities.accounts import Accounts
from activities.delivery import Delivery
from activities.sending import Sending
from activities.words import Words
from domain.message import ContentMessage
from services.app import App
from services.outbox import keep_content
from transport.smtp.pool import SmtpPool
from vendors.contract import Parts


def open_delivery(app: App) -> tuple[Delivery, Accounts]:
    """Return the activities of a worker process, and the accounts to close with it."""

    async def keep(message: ContentMessage) -> None:
        await keep_content(app.db, message)

    accounts = Accounts(app.db, app.seal, Parts(mail_pool=SmtpPool, keep=keep))
    sending = Sending(
        db=app.db,
        accounts=accounts,
        words=Words(app.db),
        default_from=app.settings.mail_from,
        lease_seconds=app.settings.lease_seconds,
        retry_scale=app.settings.retry_scale,
    )
    return Delivery(sending), accounts
