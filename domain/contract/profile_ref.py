"""How documents name a profile: by its id, or by the id that the client system has for it."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from domain.contract.base import Line, Request


class ByExternalId(Request):
    """A profile by the id that the client system has for it."""

    external_id: Annotated[Line, Field(min_length=1, max_length=255)]


def _kind(value: object) -> str:
    return "<id>" if isinstance(value, str) else "<external>"


ProfileRef = Annotated[
    Annotated[str, Field(pattern=r"^prf_[0-9a-z]{26}$"), Tag("<id>")]
    | Annotated[ByExternalId, Tag("<external>")],
    Discriminator(_kind),
]
