"""Who is in a group: profiles join and leave it by sets."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.profile import MembersRequest
from domain.errors import FieldError, Invalid
from domain.ids import InvalidId, decode
from services import groups
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from stores import memberships, profiles


async def move(app: App, actor: Actor, id_text: str, request: MembersRequest) -> dict[str, Any]:
    """Put profiles into a group and take others out, all or none; return {joined, left, profiles}.

    Who is in it already, or is not, stays so. Raises NotFound, Invalid for what names no profile
    of the group's module.
    """
    actor.require("groups:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await groups.find_row(conn, actor, id_text)
        joining = await _known(conn, row.module_id, "add", request.add)
        leaving = await _known(conn, row.module_id, "remove", request.remove)
        moved = await memberships.move(conn, row.id, joining, leaving)
        if any(moved.values()):
            await audit_row(conn, actor, "group.changed", "grp", row, moved)
        return {**moved, "profiles": (await groups.find_row(conn, actor, id_text)).profiles}

    return await app.db.retrying(work)


async def _known(
    conn: AsyncConnection, module_id: UUID, field: str, given: Sequence[str]
) -> list[UUID]:
    """Return the profiles of ids; raises Invalid that names each one that is none."""
    ids: list[UUID | None] = []
    for one in given:
        try:
            ids.append(decode("prf", one))
        except InvalidId:
            ids.append(None)
    known, _ = await profiles.find_ids(conn, module_id, sorted(i for i in ids if i), [])
    wrong = [
        FieldError(f"{field}[{number}]", "names no profile of the group's module")
        for number, id in enumerate(ids)
        if id not in known
    ]
    if wrong:
        raise Invalid(errors=wrong)
    return sorted(known)
