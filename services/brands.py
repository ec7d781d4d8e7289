"""How modules look to their recipients, on the pages behind links."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotFound
from domain.ids import InvalidId, decode, encode
from services.app import App
from stores import campaigns, modules


@dataclass(frozen=True, slots=True)
class Look:
    """The name that a module or campaign goes by, its picture as a data: address, and its id if it
    has a colour of its own; each may be empty.
    """

    name: str = ""
    logo: str = ""
    coloured: str = ""


PLAIN: Final = Look()
"""The look of nobody in particular."""


async def look_of(conn: AsyncConnection, module_id: UUID, delivery: UUID | None = None) -> Look:
    """Return how a module looks, or the campaign of a delivery if it has a brand of its own;
    without a brand a module has its name only.
    """
    campaign = await campaigns.find_branded(conn, delivery) if delivery else None
    brand = await campaigns.find_brand(conn, campaign) if campaign else None
    if campaign is not None and brand is not None:
        return _look(brand, brand["name"], encode("cmp", campaign))
    row = await modules.get(conn, id=module_id, key=None)
    return _look(row.brand, row.name, encode("mod", row.id)) if row is not None else PLAIN


async def colour_of(app: App, id_text: str) -> str:
    """Return the colour of a module or a campaign as #rrggbb, which anybody may know; raises
    NotFound.
    """
    try:
        async with app.db.leader() as conn:
            brand = await _brand(conn, id_text)
    except InvalidId:
        brand = None
    if brand is None or not brand.get("colour"):
        raise NotFound("There is no such colour.")
    return str(brand["colour"])


async def _brand(conn: AsyncConnection, id_text: str) -> Mapping[str, Any] | None:
    if id_text.startswith("cmp_"):
        return await campaigns.find_brand(conn, decode("cmp", id_text))
    row = await modules.get(conn, id=decode("mod", id_text), key=None)
    brand: Mapping[str, Any] | None = row.brand if row is not None else None
    return brand


def _look(brand: Mapping[str, Any], name: str, id: str) -> Look:
    logo = brand.get("logo")
    return Look(
        name=brand.get("name") or name,
        logo=f"data:{logo['content_type']};base64,{logo['base64']}" if logo else "",
        coloured=id if brand.get("colour") else "",
    )
