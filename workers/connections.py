"""Opens what activities send with: the place where vendors, transports and stores meet."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from activities.accounts import Accounts
from activities.campaign_delivery import CampaignDelivery
from activities.campaign_resolving import CampaignResolving
from activities.campaigns import Campaigns
from activities.delivery import Delivery
from activities.giving_way import GivingWay
from activities.health import Health
from activities.pacing import Pacer
from activities.routing import Router
from activities.rule_book import RuleBook
from activities.sending import Sending
from activities.unsubscribe_links import UnsubscribeLinks
from activities.words import Words
from channels.tracked_html import LinkTracker
from services import approval_waiting, campaign_approvals
from services.app import App
from services.campaign_audiences import freeze
from services.vendor_parts import vendor_parts


@dataclass(frozen=True, slots=True)
class Work:
    """The activities of a worker process; `all` are those that a lane serves."""

    delivery: Delivery
    campaigns: Campaigns
    resolving: CampaignResolving
    shards: CampaignDelivery

    @property
    def all(self) -> list[Callable[..., Any]]:
        """The activities of every lane."""
        return [
            self.delivery.prepare,
            self.delivery.deliver,
            self.campaigns.look,
            self.campaigns.close,
            self.resolving.resolve,
            self.shards.deliver,
        ]


def open_work(app: App) -> tuple[Work, Router]:
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
        links=LinkTracker(app.tracking, app.settings.base_url),
        lease_seconds=app.settings.lease_seconds,
        retry_scale=app.settings.retry_scale,
    )
    way, scale = GivingWay(app.db), app.settings.retry_scale
    work = Work(
        Delivery(sending, way),
        Campaigns(app.db, scale, campaign_approvals.doubts, partial(approval_waiting.attend, app)),
        CampaignResolving(app.db, partial(freeze, app), scale),
        CampaignDelivery(sending, way),
    )
    return work, router
