"""How modules look to their recipients, on the pages behind links."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotFound
from domain.ids import InvalidId, decode, encode
from services.app import App
from stores import modules


@dataclass(frozen=True, slots=True)
class Look:
    """The name that a module goes by, its picture as a data: address, and its id if it has a
    colour of its own; each may be empty.
    """

    name: str = ""
    logo: str = ""
    coloured: str = ""


PLAIN: Final = Look()
"""The look of nobody in particular."""


async def look_of(conn: AsyncConnection, module_id: UUID) -> Look:
    """Return how a module looks; without a brand it has its name only."""
    row = await modules.get(conn, id=module_id, key=None)
    return _look(row) if row is not None else PLAIN


async def colour_of(app: App, id_text: str) -> str:
    """Return a module's colour as #rrggbb, which anybody may know; raises NotFound."""
    try:
        async with app.db.leader() as conn:
            row = await modules.get(conn, id=decode("mod", id_text), key=None)
    except InvalidId:
        row = None
    if row is None or not row.brand.get("colour"):
        raise NotFound("There is no such colour.")
    return str(row.brand["colour"])


def _look(row: Any) -> Look:
    brand, logo = row.brand, row.brand.get("logo")
    return Look(
        name=brand.get("name") or row.name,
        logo=f"data:{logo['content_type']};base64,{logo['base64']}" if logo else "",
        coloured=encode("mod", row.id) if brand.get("colour") else "",
    )
