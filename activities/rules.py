"""What decides about deliveries before they are written, looked up for many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.allowed_hours import within_hours
from domain.caps import Counted
from domain.category import Category, category_as
from domain.decision import ALLOWED, Decision, Question, decide, strictest
from domain.delivery import Unplanned
from domain.preferences import ANYTHING, Preferences
from domain.recipient import Recipient
from domain.rules import binding
from domain.suppression import comparable
from domain.trial import TRIAL_MODE
from domain.vocabulary import CategoryClass, Channel
from stores import categories, preferences
from stores.ledger import plan as ledger
from stores.owners import Place
from stores.owners import find as find_owners
from stores.preferences import Chosen
from stores.rules import Standing, of_modules

_NOTHING = Chosen(ANYTHING, None)


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
        """Return what the recipient of a notification chose; of several, nothing in common."""
        chosen = self._chosen(one)
        return chosen[0].preferences if len(chosen) == 1 else ANYTHING

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
        if not chosen and not suppressed:
            return ALLOWED
        question = Question(
            category=category_as(one.category, one.class_, self.categories),
            channel=channel,
            at=self.at,
            suppressed=suppressed,
            expires_at=one.expires_at,
        )
        return strictest(
            [
                decide(
                    each.preferences,
                    replace(question, timezone=each.timezone, active=each.active),
                    counted,
                )
                for each in chosen or (_NOTHING,)
            ]
        )

    def in_hours(self, one: Unplanned, decision: Decision, zone: str | None) -> Decision:
        """Return a decision as the module's allowed hours leave it, in the recipient's zone."""
        rules = binding(self.standings[one.module_id].rules, one.category, one.class_)
        return within_hours(decision, rules, self.at, zone, expires_at=one.expires_at)

    def _chosen(self, one: Unplanned) -> list[Chosen]:
        return [self.chosen[id] for id in one.choosers if id in self.chosen]

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


async def heed(
    conn: AsyncConnection, asked: Sequence[Unplanned], recipients: Mapping[UUID, Recipient]
) -> list[Unplanned]:
    """Return notifications with the profiles of the module that have the addresses they name.

    A message to an address heeds what the person behind it chose, however it is addressed. Not so
    a one-time password: nothing that is chosen is about it.
    """
    wanted = [one for one in asked if not one.profile_id and one.class_ is not CategoryClass.OTP]
    places = {one.id: _places(one, recipients[one.id]) for one in wanted}
    owners = await find_owners(conn, [place for listed in places.values() for place in listed])
    heeded = {
        id: tuple(sorted({owner for place in listed for owner in owners.get(place, ())}))
        for id, listed in places.items()
    }
    return [replace(one, heeded=heeded.get(one.id, ())) for one in asked]


def _places(one: Unplanned, recipient: Recipient) -> list[Place]:
    return [
        (one.module_id, channel, address)
        for channel in one.channels
        for address in recipient.addresses(channel)
    ]


async def look_up(
    conn: AsyncConnection,
    notifications: Sequence[Unplanned],
    recipients: Mapping[UUID, Recipient],
    at: datetime,
    *,
    keep: bool = False,
) -> Rules:
    """Look up what decides about notifications, given with their recipients by their ids.

    With `keep` no preferences change until what they decide is written.
    """
    standings = await of_modules(conn, [one.module_id for one in notifications])
    addresses = _addresses(notifications, recipients, standings)
    suppressions = await ledger.find_suppressed(conn, addresses)
    choosers = {id for one in notifications for id in one.choosers}
    chosen = await preferences.load(conn, choosers, keep=keep)
    known = await categories.load_all(conn) if chosen else {}
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
