"""What a list of SCIM is asked for (RFC 7644 §3.4.2): a filter, a page by index, attributes."""

from dataclasses import dataclass
from typing import Any, Final

from domain.scim.discovery import MOST_RESULTS, USUAL_RESULTS, list_response
from domain.scim.errors import invalid_value
from domain.scim.expressions import Filter
from domain.scim.filters import parse_filter
from domain.scim.projection import Projection

_FURTHEST: Final = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Query:
    """`start` counts from 1; `count` 0 asks for the total alone."""

    filter: Filter | None
    start: int
    count: int
    projection: Projection

    @classmethod
    def read(
        cls, filter: str | None, start: str | None, count: str | None, projection: Projection
    ) -> "Query":
        """Return what the parameters ask for; raises ScimRefusal. Too small a number is taken as
        the smallest that makes sense (§3.4.2.4), too large a count as the largest.
        """
        return cls(
            parse_filter(filter) if filter and filter.strip() else None,
            min(max(_number(start, 1, "startIndex"), 1), _FURTHEST),
            min(max(_number(count, USUAL_RESULTS, "count"), 0), MOST_RESULTS),
            projection,
        )

    def answer(self, resources: list[dict[str, Any]], total: int) -> dict[str, Any]:
        """Return the ListResponse of this page."""
        shown = [self.projection.of(one) for one in resources]
        return list_response(shown, total, self.start)


def _number(text: str | None, usual: int, name: str) -> int:
    if text is None or not text.strip():
        return usual
    try:
        return int(text[:20])
    except ValueError:
        raise invalid_value(f"{name} must be a whole number.") from None
