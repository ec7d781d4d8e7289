"""What decides about deliveries before they are written, looked up for many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.caps import Counted
from domain.category import Category, category_as
from domain.decision import ALLOWED, Decision, Question, decide, is_protected
from domain.delivery import Unplanned
from domain.digest_decisions import collect, wanted
from domain.preferences import ANYTHING, Preferences
from domain.recipient import Recipient
from domain.suppression import comparable
from domain.trial import TRIAL_MODE
from domain.vocabulary import Channel
from stores import categories, preferences
from stores.ledger import plan as ledger
from stores.preferences import Chosen
from stores.rules import Standing, of_modules


@dataclass(frozen=True, slots=True)
class Rules:
    """What binds some notifications at a moment: suppressions and preferences of their recipients,
    the standing of their modules.
    """

    at: datetime
    suppressions: Mapping[tuple[str, str], list[Any]]
    standings: Mapping[UUID, Standing]
    chosen: Mapping[UUID, Chosen]
    categories: Mapping[str, Category]

    def preferences(self, one: Unplanned) -> Preferences:
        """Return what the recipient of a notification chose."""
        chosen = self._chosen(one)
        return chosen.preferences if chosen else ANYTHING

    def decide(
        self,
        one: Unplanned,
        channel: Channel,
        address: str,
        counted: Sequence[Counted] | None = None,
    ) -> Decision:
        """Return what becomes of a notification at an address; caps only if they are counted."""
        chosen = self._chosen(one)
        suppressed = self._kept_back(one, channel, address)
        digest = wanted(one, channel, self.preferences(one))
        if chosen is None and not suppressed and digest is None:
            return ALLOWED
        question = Question(
            category=category_as(one.category, one.class_, self.categories),
            channel=channel,
            at=self.at,
            suppressed=suppressed,
            timezone=chosen.timezone if chosen else None,
            expires_at=one.expires_at,
        )
        if digest is None or is_protected(question.category):
            return decide(self.preferences(one), question, counted)
        decision = decide(self.preferences(one), question)  # caps are asked when it leaves
        return collect(decision, digest, self.preferences(one), question, again=bool(one.used))

    def _chosen(self, one: Unplanned) -> Chosen | None:
        return self.chosen.get(one.profile_id) if one.profile_id else None

    def _kept_back(self, one: Unplanned, channel: Channel, address: str) -> str:
        """Return why an address must not be used: the trial of its module, or a suppression of
        the address that is written to.
        """
        trial = self.standings[one.module_id].trial
        used = trial.route(channel, address) if trial else address
        return TRIAL_MODE if used is None else self._suppressed(one, channel, used)

    def _suppressed(self, one: Unplanned, channel: Channel, address: str) -> str:
        for row in self.suppressions.get((channel.value, comparable(channel, address)), ()):
            here = row.module_id in (None, one.module_id)
            if row.confirmation_id == one.id:
                continue  # it is what tells the recipient of this suppression
            if here and row.category in (None, one.category):
                return str(row.reason)
        return ""


async def look_up(
    conn: AsyncConnection,
    notifications: Sequence[Unplanned],
    recipients: Mapping[UUID, Recipient],
    at: datetime,
) -> Rules:
    """Look up what decides about notifications, given with their recipients by their ids."""
    standings = await of_modules(conn, [one.module_id for one in notifications])
    addresses = _addresses(notifications, recipients, standings)
    suppressions = await ledger.find_suppressed(conn, addresses)
    chosen = await preferences.load(conn, {one.profile_id for one in notifications})
    asked = chosen or any(one.window for one in notifications)
    known = await categories.load_all(conn) if asked else {}
    return Rules(at, suppressions, standings, chosen, known)


def _addresses(
    notifications: Sequence[Unplanned],
    recipients: Mapping[UUID, Recipient],
    standings: Mapping[UUID, Standing],
) -> list[str]:
    """Return the addresses that may be used, in the form in which suppressions keep them."""
    found = {
        comparable(channel, address)
        for one in notifications
        for channel in one.channels
        for address in recipients[one.id].addresses(channel)
    }
    trials = (one.trial for one in standings.values() if one.trial is not None)
    instead = {
        comparable(channel, address)
        for trial in trials
        for channel, address in trial.redirect_to.items()
    }
    return sorted(found | instead)
