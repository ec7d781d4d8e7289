"""Profiles as documents name them, by id or external id, looked up together."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.profile_ref import ByExternalId
from domain.errors import FieldError
from domain.ids import InvalidId, decode
from stores import profiles

MISSING = "names no profile of this module"


async def resolve(
    conn: AsyncConnection, module_id: UUID, refs: Mapping[str, str | ByExternalId]
) -> tuple[dict[str, UUID], list[FieldError]]:
    """Return the profiles of a module that fields name, by field, and an error for each other."""
    ids = {field: id for field, ref in refs.items() if (id := _id(ref)) is not None}
    external = {
        field: ref.external_id for field, ref in refs.items() if isinstance(ref, ByExternalId)
    }
    if not refs:
        return {}, []
    known, named = await profiles.find_ids(
        conn, module_id, sorted(set(ids.values())), sorted(set(external.values()))
    )
    found: dict[str, Any] = {field: id for field, id in ids.items() if id in known}
    found |= {field: named[name] for field, name in external.items() if name in named}
    errors = [
        FieldError(f"{field}.external_id" if field in external else field, MISSING)
        for field in refs
        if field not in found
    ]
    return found, errors


def _id(ref: str | ByExternalId) -> UUID | None:
    try:
        return decode("prf", ref) if isinstance(ref, str) else None
    except InvalidId:
        return None
