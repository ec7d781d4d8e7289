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

    Who is in it already stays so, and who leaves may be erased by now. Raises NotFound, Invalid for
    whoever cannot join: no profile of the group's module.
    """
    actor.require("groups:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await groups.find_row(conn, actor, id_text)
        joining = _ids("add", request.add)
        await _check_known(conn, row.module_id, joining)
        moved = await memberships.move(conn, row.id, joining, _ids("remove", request.remove))
        if any(moved.values()):
            await audit_row(conn, actor, "group.changed", "grp", row, moved)
        return {**moved, "profiles": (await groups.find_row(conn, actor, id_text)).profiles}

    return await app.db.retrying(work)


def _ids(field: str, given: Sequence[str]) -> list[UUID]:
    """Return the ids of profiles; raises Invalid that names each one that is none."""
    ids: list[UUID] = []
    wrong: list[FieldError] = []
    for number, one in enumerate(given):
        try:
            ids.append(decode("prf", one))
        except InvalidId:
            wrong.append(FieldError(f"{field}[{number}]", "is no id of a profile"))
    if wrong:
        raise Invalid(errors=wrong)
    return ids


async def _check_known(conn: AsyncConnection, module_id: UUID, joining: Sequence[UUID]) -> None:
    known, _ = await profiles.find_ids(conn, module_id, joining, [])
    wrong = [
        FieldError(f"add[{number}]", "names no profile of the group's module")
        for number, id in enumerate(joining)
        if id not in known
    ]
    if wrong:
        raise Invalid(errors=wrong)
