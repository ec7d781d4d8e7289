"""The links by which recipients leave: in the words of messages, and in the header of mails."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.delivery import Leased
from domain.preference_links import EXAMPLES, Link, LinkRing, Purpose
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
        if leased.profile_id is None:
            return dict.fromkeys(EXAMPLES, leaving)
        centre = Link(Purpose.CENTRE, leased.profile_id, _end(), delivery=leased.id)
        return {
            "unsubscribe_url": leaving,
            "preferences_url": f"{self.base_url}/p/{self.ring.sign(centre)}",
        }

    def _leaving(self, leased: Leased) -> str:
        if leased.profile_id is None:
            link = Link(Purpose.DELIVERY, leased.id, _end())
        else:
            link = Link(
                Purpose.PROFILE, leased.profile_id, _end(), leased.category, leased.channel,
                leased.id,
            )  # fmt: skip
        return f"{self.base_url}/u/{self.ring.sign(link)}"


def _end() -> datetime:
    return datetime.now(UTC) + LIFETIME
