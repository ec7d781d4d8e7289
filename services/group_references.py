"""Groups as profiles name them: by id, or by a name that may be new."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import FieldError, Invalid
from domain.ids import InvalidId, decode
from stores import groups as store


async def resolve(conn: AsyncConnection, module_id: UUID, given: Sequence[str]) -> list[UUID]:
    """Return the groups meant; names not known yet become groups, unknown ids raise Invalid."""
    ids: dict[int, UUID] = {}
    names: list[str] = []
    for number, value in enumerate(given):
        try:
            ids[number] = decode("grp", value)
        except InvalidId:
            names.append(value)
    known = await store.known_ids(conn, module_id, list(ids.values())) if ids else set()
    unknown = [
        FieldError(f"groups[{number}]", "names no group of this module")
        for number, id in ids.items()
        if id not in known
    ]
    if unknown:
        raise Invalid(errors=unknown)
    named = await store.named(conn, module_id, names) if names else {}
    return [*known, *named.values()]
