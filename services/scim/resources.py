"""What users and groups by SCIM have in common: they are found, looked at and changed alike."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict
from domain.scim.projection import Projection
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.idempotency import Answer, Idempotency, once
from services.positions import seen
from services.scim import views
from services.scim.lists import Query
from services.versions import check_version

Work = Callable[[AsyncConnection], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of resource: the prefix of its ids, how one is fetched, found, and shown."""

    prefix: str
    find_row: Callable[..., Awaitable[Any]]
    search: Callable[..., Awaitable[Any]]
    view: Callable[..., Awaitable[list[dict[str, Any]]]]

    async def find(self, app: App, actor: Actor, query: Query) -> dict[str, Any]:
        """Return a ListResponse, oldest first; raises ScimRefusal for a wrong filter."""
        actor.require("scim:read")
        async with app.db.read(seen(app, actor, None)) as conn:
            total, rows = await self.search(
                conn, actor.module_id, query.filter, start=query.start, count=query.count
            )
            resources = await self.view(app, conn, rows, query.projection)
        return query.answer(resources, total)

    async def get(self, app: App, actor: Actor, id_text: str, projection: Projection) -> Answer:
        """Return one of them; raises NotFound."""
        actor.require("scim:read")
        async with app.db.leader() as conn:
            return await self.told(app, conn, await self.find_row(conn, actor, id_text), projection)

    async def locked(
        self, conn: AsyncConnection, actor: Actor, id_text: str, if_match: int | None
    ) -> Any:
        """Return the row of one that is to be changed, locked; raises NotFound, Stale."""
        row = await self.find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        return row

    async def told(
        self, app: App, conn: AsyncConnection, row: Any, projection: Projection, status: int = 200
    ) -> Answer:
        """Return a row as the answer that shows it."""
        [resource] = await self.view(app, conn, [row], projection)
        return views.answered(resource, projection, status)

    async def audit(
        self, conn: AsyncConnection, actor: Actor, action: str, row: Any, **detail: int
    ) -> None:
        """Note in the audit log what was pushed."""
        await audit_row(conn, actor, action, self.prefix, row, {"by": "scim", **detail})


async def made(
    app: App,
    actor: Actor,
    idempotency: Idempotency | None,
    work: Work,
    taken: Callable[[], Conflict],
) -> Answer:
    """Make something once; raises what `taken` says when a name is another's."""
    try:
        return await once(app, actor, idempotency, work)
    except IntegrityError:
        raise taken() from None


async def changed(app: App, work: Work, taken: Callable[[], Conflict]) -> Answer:
    """Change something; raises what `taken` says when a name is another's."""
    try:
        return await app.db.retrying(work)
    except IntegrityError:
        raise taken() from None
