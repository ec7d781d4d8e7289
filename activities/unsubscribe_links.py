"""The links of recipients: by which they leave, in words and in mails' headers, or acknowledge."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.delivery import Leased
from domain.preference_links import ACKNOWLEDGING, LEAVING, Link, LinkRing, Purpose
from domain.vocabulary import CategoryClass, Channel

LIFETIME: Final = timedelta(days=365)
"""How long the links of a message work."""
_LISTED: Final = (CategoryClass.BULK, CategoryClass.MARKETING)


@dataclass(frozen=True, slots=True)
class UnsubscribeLinks:
    """Makes links to `base_url`, signed by a ring."""

    ring: LinkRing
    base_url: str

    def of(self, leased: Leased) -> str | None:
        """Return the link for the List-Unsubscribe header of a mail that may be refused, bulk or
        marketing; None for others.
        """
        refusable = leased.class_ in _LISTED and not leased.mandatory
        return self._leaving(leased) if refusable and leased.channel is Channel.EMAIL else None

    def supplied(self, leased: Leased) -> dict[str, str]:
        """Return the variables that a message's words are given. Without a profile there are no
        preferences to choose, so both are the link that refuses the category at the address.
        """
        leaving = self._leaving(leased)
        known = Link(Purpose.ACKNOWLEDGE, leased.id, _end())
        acknowledging = {ACKNOWLEDGING: f"{self.base_url}/a/{self.ring.sign(known)}"}
        if leased.profile_id is None:
            return {**dict.fromkeys(LEAVING, leaving), **acknowledging}
        centre = Link(Purpose.CENTRE, leased.profile_id, _end())
        return {
            "unsubscribe_url": leaving,
            "preferences_url": f"{self.base_url}/p/{self.ring.sign(centre)}",
            **acknowledging,
        }

    def _leaving(self, leased: Leased) -> str:
        if leased.profile_id is None:
            link = Link(Purpose.DELIVERY, leased.id, _end())
        else:
            link = Link(Purpose.PROFILE, leased.profile_id, _end(), leased.category, leased.channel)
        return f"{self.base_url}/u/{self.ring.sign(link)}"


def _end() -> datetime:
    return datetime.now(UTC) + LIFETIME
