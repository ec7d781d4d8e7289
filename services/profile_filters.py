"""What a list of profiles can be narrowed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.contract.notification import check_email, check_phone
from domain.ids import InvalidId, decode
from services.paging import DEFAULT_LIMIT, decode_cursor
from services.searching import pattern


@dataclass(frozen=True, slots=True)
class ProfileFilters:
    """Each list means OR within itself; all filters together mean AND."""

    external_id: Sequence[str] = ()
    email: Sequence[str] = ()
    phone: Sequence[str] = ()
    group: Sequence[str] = ()
    q: str | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def conditions(self, module_id: UUID | None) -> dict[str, Any]:
        """Return the store's conditions; raises Invalid for a wrong cursor."""
        found = {
            "module_id": module_id,
            "external_ids": [_plain(value) for value in self.external_id],
            "emails": [_normal(value, check_email).lower() for value in self.email],
            "phones": [_normal(value, check_phone) for value in self.phone],
            "groups": [_group(value) for value in self.group],
            "before": decode_cursor(self.cursor),
            "q": pattern(self.q),
        }
        return {name: value for name, value in found.items() if value not in (None, [])}


def _normal(value: str, check: Any) -> str:
    """Return an address as profiles keep it; what is no address simply matches nothing."""
    try:
        return str(check(value))
    except ValueError:
        return _plain(value)


def _group(value: str) -> str:
    try:
        return str(decode("grp", value))
    except InvalidId:
        return _plain(value)


def _plain(value: str) -> str:
    return value.replace("\x00", "")
