"""Profiles as identity providers see and write them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.scim.documents import Document
from domain.scim.expressions import Compare, Filter, Op, Path
from stores.profiles import FIELDS
from stores.scim_user_filters import UserConditions

_COLUMNS = f"""
    p.id, p.module_id, {", ".join(f"p.{name}" for name in FIELDS)}, p.attributes, p.active,
    p.user_name, p.scim, p.created_at, p.updated_at, p.version
"""


async def find(
    conn: AsyncConnection, module_id: UUID, filter: Filter | None, *, start: int, count: int
) -> tuple[int, Sequence[Row[Any]]]:
    """Return how many users of a module pass a filter, and `count` of them from the `start`th on
    (from 1), oldest first; raises ScimRefusal for a filter that cannot be answered.
    """
    conditions = UserConditions()
    where = "p.module_id = :module"
    if filter is not None:
        where += f" AND {conditions.of(filter)}"
    binds = {**conditions.binds, "module": module_id, "skipped": start - 1, "count": count}
    counted = await conn.execute(text(f"SELECT count(*) FROM profiles p WHERE {where}"), binds)  # noqa: S608
    total = int(counted.scalar_one())
    if count == 0 or start > total:
        return total, []
    found = await conn.execute(
        text(f"""
            SELECT {_COLUMNS} FROM profiles p WHERE {where}
            ORDER BY p.id OFFSET :skipped LIMIT :count
        """),  # noqa: S608
        binds,
    )
    return total, found.all()


async def is_taken(
    conn: AsyncConnection, module_id: UUID, login: str, but_by: UUID | None = None
) -> bool:
    """Whether another user of the module is found by a userName already."""
    conditions = UserConditions()
    same = conditions.of(Compare(Path("userName"), Op.EQ, login))
    result = await conn.execute(
        text(f"""
            SELECT EXISTS (SELECT 1 FROM profiles p
                WHERE p.module_id = :module AND p.id IS DISTINCT FROM :but_by AND {same})
        """),  # noqa: S608
        {**conditions.binds, "module": module_id, "but_by": but_by},
    )
    return bool(result.scalar_one())


async def put(
    conn: AsyncConnection,
    id: UUID,
    *,
    login: str,
    active: bool,
    document: Document,
    emails: Sequence[str],
) -> None:
    """Keep what was pushed of a profile beside its fields; `emails` are in lower case."""
    await conn.execute(
        text("""
            UPDATE profiles SET user_name = :login, active = :active,
                scim = CAST(:document AS jsonb), scim_emails = CAST(:emails AS text[])
            WHERE id = :id
        """),
        {
            "id": id, "login": login, "active": active, "document": document,
            "emails": list(emails),
        },
    )  # fmt: skip
