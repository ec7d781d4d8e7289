"""How a request or a template asks for messages to be collected into one."""

from typing import Annotated

from pydantic import Field

from domain.contract.base import Line, Request
from domain.digests import LONGEST_WINDOW


class DigestRequest(Request):
    """One message for all of `key` to a recipient within a window that the first of them opens."""

    key: Annotated[
        Line, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$")
    ]
    window_seconds: Annotated[int, Field(ge=1, le=LONGEST_WINDOW, strict=True)]
