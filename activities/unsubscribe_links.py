"""The address in the List-Unsubscribe header of mails that their recipients may refuse."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.delivery import Leased
from domain.preference_links import Link, LinkRing, Purpose
from domain.vocabulary import CategoryClass, Channel

LIFETIME: Final = timedelta(days=365)
"""How long a mail's link works."""
_LISTED: Final = (CategoryClass.BULK, CategoryClass.MARKETING)


@dataclass(frozen=True, slots=True)
class UnsubscribeLinks:
    """Makes links to `base_url`, signed by a ring."""

    ring: LinkRing
    base_url: str

    def of(self, leased: Leased) -> str | None:
        """Return the link of a bulk or marketing mail; None where none is needed."""
        if leased.channel is not Channel.EMAIL or leased.class_ not in _LISTED:
            return None
        expires_at = datetime.now(UTC) + LIFETIME
        if leased.profile_id is None:
            link = Link(Purpose.DELIVERY, leased.id, expires_at)
        else:
            link = Link(
                Purpose.PROFILE, leased.profile_id, expires_at, leased.category, leased.channel
            )
        return f"{self.base_url}/u/{self.ring.sign(link)}"
