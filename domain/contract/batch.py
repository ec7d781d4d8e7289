"""Many notifications in one request."""

from typing import Annotated, Any

from pydantic import Field

from domain.contract.base import Request


class BatchRequest(Request):
    """Up to 1,000 notification requests; each is judged on its own afterwards."""

    notifications: Annotated[list[Any], Field(min_length=1, max_length=1000)]
