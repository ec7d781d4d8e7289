"""What a list of suppressions can be narrowed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.contract.suppression import check_address
from domain.suppression import SuppressionReason, causes_of
from domain.vocabulary import Channel, ModuleScope
from services.notification_filters import known
from services.paging import DEFAULT_LIMIT, decode_cursor
from services.searching import pattern


@dataclass(frozen=True, slots=True)
class SuppressionFilters:
    """Each list means OR within itself; all filters together mean AND; after ≥, before <."""

    channel: Sequence[str] = ()
    address: Sequence[str] = ()
    category: Sequence[str] = ()
    reason: Sequence[str] = ()
    source: Sequence[str] = ()
    scope: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    q: str | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def conditions(self, module_id: UUID | None, *, all_too: bool) -> dict[str, Any]:
        """Return the store's conditions; raises Invalid for values that cannot exist.

        `all_too`: those that bind all modules are shown as well. Without, a module sees its own,
        and of the others only the ones whose address it names: they tell of recipients of others.
        """
        scopes = known("scope", [self.scope] if self.scope else [], ModuleScope)
        found = {
            "module_or_all" if self.address or all_too else "module_id": module_id,
            "for_all": scopes == [ModuleScope.ALL] if scopes else None,
            "channels": known("channel", self.channel, Channel),
            "addresses": [form for given in self.address for form in _forms(given)],
            "categories": [one.replace("\x00", "") for one in self.category],
            **_causes(known("reason", self.reason, SuppressionReason)),
            "sources": [one.replace("\x00", "") for one in self.source],
            "since": self.created_after,
            "until": self.created_before,
            "before": decode_cursor(self.cursor),
            "q": pattern(self.q),
        }
        return {name: value for name, value in found.items() if value not in (None, [])}


def _causes(reasons: Sequence[str]) -> dict[str, list[str]]:
    """Return the stored words of reasons; a hard bounce is all that no other reason lists."""
    if SuppressionReason.HARD_BOUNCE not in reasons:
        return {"causes": _words(reasons)}
    others = [one for one in SuppressionReason if one not in reasons]
    return {"other_causes": _words(others)}


def _words(reasons: Sequence[str]) -> list[str]:
    return [cause for one in reasons for cause in causes_of(SuppressionReason(one))]


def _forms(value: str) -> list[str]:
    """Return an address in the forms that it may be kept in, by channel."""
    forms = {value.replace("\x00", "")}
    for channel in (Channel.EMAIL, Channel.SMS, Channel.INAPP):
        try:
            forms.add(check_address(channel, value))
        except ValueError:
            continue
    return sorted(forms)
