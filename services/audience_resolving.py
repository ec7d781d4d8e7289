"""Resolves audiences: who is in them, each once, in constant memory.

Leaves become staged sets in PostgreSQL (from profiles by one statement, from connectors by COPY),
sets are combined there, and what comes out is read by a cursor. Nothing is kept when a leaf fails.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.contract import ConnectorRefused, ConnectorUnavailable, Member, Surroundings
from connectors.registry import CONNECTORS
from domain.audience import (
    Combination,
    ConnectorLeaf,
    FilterLeaf,
    GroupLeaf,
    Leaf,
    ModuleLeaf,
    ProfilesLeaf,
    ReferenceLeaf,
    check_weight,
    references,
)
from domain.errors import FieldError, Invalid, Unavailable
from services.app import App
from services.audience_definitions import read
from services.audience_members import rows
from stores import audiences as store
from stores import groups, modules
from stores.audience_filters import condition
from stores.audience_staging import Staging
from transport.http.guard import Guard
from transport.reaching import reach

WAIT_SECONDS: Final = 20.0
_IN_GROUP: Final = (
    "EXISTS (SELECT 1 FROM profile_groups pg WHERE pg.profile_id = p.id AND pg.group_id = $2)"
)
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who is in an audience, as long as its context is open."""

    staging: Staging
    table: str

    async def count(self) -> int:
        """Return the number of members."""
        return await self.staging.count(self.table)

    async def sample(self, most: int) -> list[Any]:
        """Return some members."""
        return await self.staging.sample(self.table, most)

    async def suppressed(self, channels: Sequence[str], category: str | None) -> dict[str, int]:
        """Return how many members cannot be reached, by reason."""
        return await self.staging.suppressed(self.table, channels, category)

    async def freeze(self, snapshot_id: UUID) -> None:
        """Keep all members as those of a snapshot."""
        await self.staging.freeze(self.table, snapshot_id)

    def members(self) -> AsyncIterator[list[Any]]:
        """Yield all members in pages: key, profile_id, member, external_id, name, addresses."""
        return self.staging.members(self.table)


@asynccontextmanager
async def resolve(app: App, module_id: UUID, node: Leaf) -> AsyncIterator[Resolved]:
    """Give an audience resolved; raises Invalid that names the leaf, and Unavailable."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await app.resolving.acquire()
    except TimeoutError:
        raise Unavailable(
            "Other audiences are being resolved; repeat it.", headers={"Retry-After": "10"}
        ) from None
    try:
        used = await _used(app, module_id, node)
        async with app.db.engine.connect() as conn, _staging(conn, module_id) as staging:
            resolver = _Resolver(app, module_id, staging, used)
            yield Resolved(staging, await resolver.stage(node))
    finally:
        app.resolving.release()


@asynccontextmanager
async def _staging(conn: AsyncConnection, module_id: UUID) -> AsyncIterator[Staging]:
    raw = (await conn.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("the pool gave no connection")
    staging = Staging(raw, module_id)
    try:
        yield staging
        await staging.close()
    except BaseException:
        await conn.invalidate()  # its temporary tables go with it
        raise


async def _used(app: App, module_id: UUID, node: Leaf) -> dict[UUID, Leaf]:
    async with app.db.leader() as conn:
        found = await store.load_definitions(conn, module_id, references(node))
    used = {id: read(app.seal.open(row.definition)) for id, row in found.items()}
    try:
        check_weight(node, used)
    except ValueError as error:
        raise Invalid.field(node.path, str(error)) from None
    return used


class _Resolver:
    """Stages a tree from its leaves up."""

    def __init__(self, app: App, module_id: UUID, staging: Staging, used: dict[UUID, Leaf]) -> None:
        self._app = app
        self._module_id = module_id
        self._staging = staging
        self._used = used

    async def stage(self, node: Leaf) -> str:
        """Return the table of a node's members."""
        match node:
            case Combination():
                tables = [await self.stage(part) for part in node.parts]
                return await self._staging.combine(node.operation, tables)
            case ReferenceLeaf():
                return await self._reference(node)
            case ConnectorLeaf():
                return await self._connector(node)
            case ProfilesLeaf():
                return await self._listed(node)
            case GroupLeaf():
                async with self._app.db.leader() as conn:
                    id = await groups.find_id(conn, self._module_id, node.id, node.name)
                if id is None:
                    raise Invalid.field(node.path, "names a group that is there no more")
                return await self._select(_IN_GROUP, [id])
            case ModuleLeaf():
                return await self._module(node)
            case FilterLeaf():
                return await self._filter(node)
        raise TypeError(f"{type(node).__name__} cannot be staged")

    async def _reference(self, node: ReferenceLeaf) -> str:
        if node.id not in self._used:
            raise Invalid.field(node.path, "names an audience that is there no more")
        try:
            return await self.stage(self._used[node.id])
        except (Invalid, Unavailable) as problem:
            raise problem.inside(node.path) from None

    async def _module(self, node: ModuleLeaf) -> str:
        async with self._app.db.leader() as conn:
            row = await modules.get(conn, id=None, key=node.key)
        if row is None:
            raise Invalid.field(node.path, "names a module that is there no more")
        return await self._staging.select("true", [], row.id)

    async def _filter(self, node: FilterLeaf) -> str:
        values: list[Any] = []

        def bind(value: Any, kind: str) -> str:
            values.append(value)
            return f"${len(values) + 1}::{kind}"

        return await self._select(condition(node.expression, bind), values)

    async def _listed(self, node: ProfilesLeaf) -> str:
        ids, external_ids = [id for _, id in node.ids], [name for _, name in node.external_ids]
        known = "(p.id = ANY($2::uuid[]) OR p.external_id = ANY($3::text[]))"
        table = await self._select(known, [ids, external_ids])
        if not node.members:
            return table
        given = [Member(**one.model_dump()) for _, one in node.members]
        inline = await self._staging.load(rows(_in_pages(given)))
        return await self._staging.combine("union", [table, inline])

    async def _connector(self, node: ConnectorLeaf) -> str:
        settings = self._app.settings
        guard = Guard(settings.allow_networks)

        async def addresses(host: str, port: int) -> list[str]:
            return await reach(guard, host, port)

        surroundings = Surroundings(addresses, settings.sql_files or "")
        pages = CONNECTORS[node.kind].members(node.settings, surroundings)
        try:
            async with aclosing(pages):
                return await self._staging.load(rows(pages))
        except ConnectorRefused as problem:
            raise Invalid.field(f"{node.path}.{problem.field}", str(problem)) from None
        except ConnectorUnavailable as problem:
            raise Unavailable(
                f"{node.path}: {problem}",
                errors=[FieldError(node.path, str(problem))],
                headers={"Retry-After": "30"},
            ) from None

    async def _select(self, where: str, values: Sequence[Any]) -> str:
        return await self._staging.select(where, values, self._module_id)


async def _in_pages(members: Sequence[Member]) -> AsyncIterator[Sequence[Member]]:
    for start in range(0, len(members), _PAGE):
        yield members[start : start + _PAGE]
