"""Previews: how many an audience holds, some of them, and who cannot be reached and why."""

from typing import Any, Final
from uuid import UUID

from domain.audience import Document, Leaf
from domain.contract.audience import AudiencePreview
from domain.errors import Invalid
from domain.ids import encode
from domain.masking import mask
from domain.vocabulary import Channel
from services.access import Actor
from services.app import App
from services.audience_changes import changed
from services.audience_checks import check
from services.audience_definitions import read
from services.audience_resolving import resolve
from services.audiences import find_row
from services.modules import owner_of
from stores import categories

ANY: Final = tuple(channel for channel in Channel if channel is not Channel.INAPP)
"""What is tried when no channel is named; inapp reaches every profile, so it would hide others."""


async def preview(app: App, actor: Actor, id_text: str, request: AudiencePreview) -> dict[str, Any]:
    """Resolve an audience and return {count, sample, suppressed: {reason: n}}.

    Addresses are masked. Raises NotFound, Invalid that names the leaf, Unavailable.
    """
    actor.require("audiences:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        known = await categories.load_all(conn) if request.category else {}
    if request.category and request.category not in known:
        raise Invalid.field("category", f"is none of {', '.join(sorted(known))}")
    return await _resolved(app, row.module_id, read(app.seal.open(row.definition)), request)


async def preview_draft(
    app: App,
    actor: Actor,
    given: Document,
    request: AudiencePreview,
    *,
    of: str | None = None,
    module: str | None = None,
) -> dict[str, Any]:
    """Resolve a selection that is not kept: a new one, or a patch of the audience `of`.

    Secrets that are not given are those of the kept audience, where they may follow. Returns and
    raises what `preview` does; who may not save it may not try it either.
    """
    actor.require("audiences:write")
    async with app.db.leader() as conn:
        if of is None:
            owner, document = await owner_of(conn, actor, module), given
        else:
            row = await find_row(conn, actor, of)
            owner, document = row.module_id, changed(app.seal.open(row.definition), given)
        node = read(document)
        await check(conn, actor, node, owner)
    return await _resolved(app, owner, node, request)


async def _resolved(
    app: App, module_id: UUID, node: Leaf, request: AudiencePreview
) -> dict[str, Any]:
    async with resolve(app, module_id, node) as found:
        return {
            "count": await found.count(),
            "sample": [_person(one) for one in await found.sample(request.sample)],
            "suppressed": await found.suppressed(request.channels or ANY, request.category),
        }


def _person(row: Any) -> dict[str, Any]:
    masked = {
        name: mask(row[name]) if row[name] else None
        for name in ("email", "phone", "telegram", "whatsapp")
    }
    return {
        "profile": encode("prf", row["known"]) if row["known"] else None,
        "external_id": row["external_id"], "name": row["name"], **masked,
    }  # fmt: skip
