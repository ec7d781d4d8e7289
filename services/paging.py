"""Lists newest first, by keyset: a cursor names the last row that was seen."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.errors import Invalid

DEFAULT_LIMIT, MAX_LIMIT = 50, 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `next_cursor` is None at the end."""

    items: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the page in the contract's shape."""
        return {"items": self.items, "next_cursor": self.next_cursor}


def encode_cursor(last: UUID) -> str:
    """Return the cursor that continues after a row."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> UUID | None:
    """Return the row of a cursor; raises Invalid for one that was not made here."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except ValueError:
        raise Invalid.field("cursor", "is not a cursor of this list; leave it out") from None


def page_of(rows: Sequence[Any], limit: int, view: Callable[[Any], dict[str, Any]]) -> Page:
    """Return the first `limit` rows as a page; one more of them tells that there are others."""
    items = [view(row) for row in rows[:limit]]
    return Page(items, next_cursor([row.id for row in rows], limit))


def next_cursor(ids: list[UUID], limit: int) -> str | None:
    """Return the cursor after a page that was asked for with one row more than `limit`."""
    return encode_cursor(ids[limit - 1]) if len(ids) > limit else None
