"""What a selection names must be there, and be the module's own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import (
    GroupLeaf,
    Leaf,
    ModuleLeaf,
    ProfilesLeaf,
    ReferenceLeaf,
    leaves,
    references,
)
from domain.errors import FieldError, Invalid
from services.access import Actor
from stores import audiences, groups, modules, profiles


async def check(
    conn: AsyncConnection, actor: Actor, node: Leaf, module_id: UUID, *, of: UUID | None = None
) -> None:
    """Raise Invalid that names each leaf which names nothing, or would make a circle.

    `of` is the audience that is changed to this selection.
    """
    named = await audiences.load_definitions(conn, module_id, references(node))
    errors: list[FieldError] = []
    for leaf in leaves(node):
        match leaf:
            case ReferenceLeaf():
                errors += _reference(leaf, named, of)
            case GroupLeaf():
                errors += await _group(conn, leaf, module_id)
            case ModuleLeaf():
                errors += await _module(conn, leaf, actor)
            case ProfilesLeaf():
                errors += await _profiles(conn, leaf, module_id)
    if errors:
        raise Invalid(errors=errors)


def _reference(leaf: ReferenceLeaf, named: Mapping[UUID, Any], of: UUID | None) -> list[FieldError]:
    if leaf.id not in named:
        return [FieldError(leaf.path, "names no audience of this module")]
    if of is not None and (leaf.id == of or of in _below(leaf.id, named)):
        return [FieldError(leaf.path, "would hold itself: that audience uses this one")]
    return []


def _below(id: UUID, named: Mapping[UUID, Any]) -> set[UUID]:
    found: set[UUID] = set()
    waiting = [id]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += named[one].uses if one in named else []
    return found


async def _group(conn: AsyncConnection, leaf: GroupLeaf, module_id: UUID) -> list[FieldError]:
    if await groups.find_id(conn, module_id, leaf.id, leaf.name) is None:
        return [FieldError(leaf.path, "names no group of this module")]
    return []


async def _module(conn: AsyncConnection, leaf: ModuleLeaf, actor: Actor) -> list[FieldError]:
    row = await modules.get(conn, id=None, key=leaf.key)
    if row is None or not (actor.all_modules or row.id == actor.module_id):
        return [FieldError(leaf.path, "names no module whose profiles this key may use")]
    return []


async def _profiles(conn: AsyncConnection, leaf: ProfilesLeaf, module_id: UUID) -> list[FieldError]:
    ids, external_ids = [id for _, id in leaf.ids], [name for _, name in leaf.external_ids]
    known, named = await profiles.find_ids(conn, module_id, ids, external_ids)
    wrong = [number for number, id in leaf.ids if id not in known]
    wrong += [number for number, name in leaf.external_ids if name not in named]
    return [
        FieldError(f"{leaf.path}[{number}]", "names no profile of this module")
        for number in sorted(wrong)
    ]
