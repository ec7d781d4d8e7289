"""Opens what activities send with: the place where vendors, transports and stores meet."""

from collections.abc import Mapping
from typing import Any

from activities.accounts import Accounts
from activities.delivery import Delivery
from activities.sending import Sending
from activities.words import Words
from domain.message import ContentMessage
from services.app import App
from services.outbox import keep_content
from transport.smtp.pool import SmtpPool
from vendors.contract import Vendor
from vendors.email.smtp import Settings as SmtpSettings
from vendors.email.smtp import SmtpVendor
from vendors.sandbox import Sandbox


def open_delivery(app: App) -> tuple[Delivery, Accounts]:
    """Return the activities of a worker process, and the accounts to close with it."""

    async def keep(message: ContentMessage) -> None:
        await keep_content(app.db, message)

    def open_vendor(kind: str, settings: Mapping[str, Any]) -> Vendor:
        match kind:
            case "smtp":
                smtp = SmtpSettings.from_url(settings["url"])
                return SmtpVendor(smtp, SmtpPool(smtp))
            case "sandbox":
                return Sandbox(keep)
            case _:
                raise ValueError(f"no vendor is called {kind}")

    accounts = Accounts(app.db, app.seal, open_vendor)
    sending = Sending(
        db=app.db,
        accounts=accounts,
        words=Words(app.db),
        default_from=app.settings.mail_from,
        lease_seconds=app.settings.lease_seconds,
        retry_scale=app.settings.retry_scale,
    )
    return Delivery(sending), accounts
