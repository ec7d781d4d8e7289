"""The parameters that every list has."""

from typing import Annotated

from fastapi import Query

from domain.contract.base import Moment
from services.paging import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most")]
Cursor = Annotated[str | None, Query(max_length=100, description="next_cursor of the page before")]
DEFAULT = DEFAULT_LIMIT
When = Annotated[Moment | None, Query()]
"""A moment with a zone, as filters of time take it."""
