"""The links by which recipients leave: in the words of messages, and in the header of mails."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

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

    def supplied(self, leased: Leased, words: Mapping[str, Any]) -> dict[str, str]:
        """Return the variables that a message's words are given, of those that they name. Without
        a profile there are no preferences to choose, so both are the link that refuses the
        category at the address.
        """
        named = [name for name in EXAMPLES if _name(words, name)]
        if leased.profile_id is None:
            return {name: self._leaving(leased) for name in named}
        return {name: self._link(leased, name) for name in named}

    def _link(self, leased: Leased, name: str) -> str:
        if name == "unsubscribe_url" or leased.profile_id is None:
            return self._leaving(leased)
        centre = Link(Purpose.CENTRE, leased.profile_id, _end(), delivery=leased.id)
        return f"{self.base_url}/p/{self.ring.sign(centre)}"

    def _leaving(self, leased: Leased) -> str:
        if leased.profile_id is None:
            link = Link(Purpose.DELIVERY, leased.id, _end())
        else:
            link = Link(
                Purpose.PROFILE, leased.profile_id, _end(), leased.category, leased.channel,
                leased.id,
            )  # fmt: skip
        return f"{self.base_url}/u/{self.ring.sign(link)}"


def _name(words: Any, name: str) -> bool:
    """Whether any text of a content has a name in it; a template has no other way to its value."""
    if isinstance(words, str):
        return name in words
    listed = words.values() if isinstance(words, Mapping) else words
    return isinstance(words, Mapping | list | tuple) and any(_name(one, name) for one in listed)


def _end() -> datetime:
    """Return when a link of now ends: a full hour, so that one message's links are the same."""
    return (datetime.now(UTC) + LIFETIME).replace(minute=0, second=0, microsecond=0)
