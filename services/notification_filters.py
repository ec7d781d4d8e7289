"""What a list of notifications can be narrowed by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.contract.notification import check_email, check_phone
from domain.errors import Invalid
from domain.ids import InvalidId, decode, floor_id
from domain.vocabulary import Channel, Priority, State
from services.paging import DEFAULT_LIMIT, decode_cursor


@dataclass(frozen=True, slots=True)
class NotificationFilters:
    """Each list means OR within itself; all filters together mean AND; after ≥, before <."""

    state: Sequence[str] = ()
    priority: Sequence[str] = ()
    channel: Sequence[str] = ()
    category: Sequence[str] = ()
    module: Sequence[str] = ()
    recipient: Sequence[str] = ()
    group: Sequence[str] = ()
    campaign: Sequence[str] = ()
    template: Sequence[str] = ()
    reason: Sequence[str] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    q: str | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def conditions(self, module_id: UUID | None) -> dict[str, Any]:
        """Return the store's conditions; raises Invalid for values that cannot exist."""
        found = {
            "module_id": module_id,
            "states": known("state", self.state, State),
            "priorities": known("priority", self.priority, Priority),
            "channels": known("channel", self.channel, Channel),
            "categories": list(self.category),
            "modules": [_uuid_text("mod", value) for value in self.module],
            "recipients": [_recipient(value) for value in self.recipient],
            "groups": [_uuid_text("grp", value) for value in self.group],
            "campaigns": [_campaign(value) for value in self.campaign],
            "templates": list(self.template),
            "reasons": [value.replace("\x00", "") for value in self.reason],
            "since": floor_id(self.created_after) if self.created_after else None,
            "until": floor_id(self.created_before) if self.created_before else None,
            "before": decode_cursor(self.cursor),
            "q": f"%{_escaped(self.q)}%" if self.q else None,
        }
        return {name: value for name, value in found.items() if value not in (None, [])}


def known(field: str, values: Sequence[str], kind: Iterable[StrEnum]) -> list[str]:
    """Return the values of a filter; raises Invalid for one that is none of the words."""
    allowed = [item.value for item in kind]
    for value in values:
        if value not in allowed:
            raise Invalid.field(field, f"is none of {', '.join(allowed)}")
    return list(values)


def _uuid_text(prefix: str, value: str) -> str:
    try:
        return str(decode(prefix, value))
    except InvalidId:
        return value.replace("\x00", "")


def _campaign(value: str) -> UUID:
    try:
        return decode("cmp", value)
    except InvalidId as error:
        raise Invalid.field("campaign", str(error)) from None


def _recipient(value: str) -> str:
    """Return an address as recipient_keys has it: normalised as on acceptance, in lower case."""
    for check in (check_email, check_phone):
        try:
            return check(value).lower()
        except ValueError:
            continue
    return value.replace("\x00", "").lower()


def _escaped(value: str) -> str:
    return value.replace("\x00", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
