"""What a list of templates can be narrowed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.errors import Invalid
from domain.vocabulary import TemplateState
from services.paging import DEFAULT_LIMIT, decode_cursor
from services.searching import pattern


@dataclass(frozen=True, slots=True)
class TemplateFilters:
    """Each list means OR within itself; all filters together mean AND."""

    key: Sequence[str] = ()
    category: Sequence[str] = ()
    state: Sequence[str] = ()
    q: str | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    @property
    def archived(self) -> bool:
        """Whether templates out of use are asked for, rather than those in use."""
        return TemplateState.ARCHIVED in self.state

    def conditions(self, module_id: UUID | None) -> dict[str, Any]:
        """Return the store's conditions; raises Invalid for a wrong cursor or state."""
        for value in self.state:
            if value not in list(TemplateState):
                raise Invalid.field("state", "is none of draft, published, archived")
        if self.archived and len(set(self.state)) > 1:
            raise Invalid.field("state", "archived stands alone")
        found = {
            "module_id": module_id,
            "keys": [value.replace("\x00", "") for value in self.key],
            "categories": [value.replace("\x00", "") for value in self.category],
            "states": [] if self.archived else list(self.state),
            "before": decode_cursor(self.cursor),
            "q": pattern(self.q),
        }
        return {name: value for name, value in found.items() if value not in (None, [])}
