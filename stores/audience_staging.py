"""Sets of recipients while an audience is resolved: temporary tables, filled and combined by sets.

A row is a profile, or somebody who has none. `key` tells who it is (the profile's id, else a hash
of the external id, else of the first address); `address` is the hash of the first address of
somebody without a profile, and `named` whether an external id is known, so that the same person is
found again with and without one.
"""

# ruff: noqa: S608 - only constants and names of our own tables are put together

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from domain.vocabulary import Channel
from stores.audience_addresses import reachable, reason
from stores.profiles import beside

_SECONDS: Final = 600.0
"""How long one statement may take."""
_COLUMNS: Final = "key, profile_id, address, named, member"
_ARRIVED: Final = ("external_id", "email", "phone", "telegram", "whatsapp", "member")
_PEOPLE: Final = """
    SELECT s.key, s.profile_id, s.member, p.id AS known,
        coalesce(p.external_id, s.member->>'external_id') AS external_id,
        coalesce(p.name, s.member->>'name') AS name,
        coalesce(p.email, s.member->>'email') AS email,
        coalesce(p.phone, s.member->>'phone') AS phone,
        coalesce(p.telegram, s.member->>'telegram') AS telegram,
        coalesce(p.whatsapp, s.member->>'whatsapp') AS whatsapp,
        coalesce(p.active, true) AS active, coalesce(p.addresses, '[]') AS addresses
    FROM {table} s LEFT JOIN profiles p ON p.id = s.profile_id
"""
_LINK: Final = """
    INSERT INTO {table} (key, profile_id, address, named, member)
    SELECT DISTINCT ON (key) key, profile_id, CASE WHEN profile_id IS NULL THEN address END,
        named, member
    FROM (
        SELECT r.no, r.member::jsonb AS member, r.external_id IS NOT NULL AS named,
            found.id AS profile_id, first.address, coalesce(found.id,
                md5('e:' || r.external_id)::uuid, first.address, md5('n:' || r.no)::uuid) AS key
        FROM arrived r
        CROSS JOIN LATERAL (SELECT md5(coalesce('m:' || lower(r.email), 't:' || r.phone,
            'w:' || r.whatsapp, 'g:' || r.telegram))::uuid AS address) first
        LEFT JOIN LATERAL (
            SELECT id FROM (
                SELECT id, 1 AS rank FROM profiles
                WHERE module_id = $1 AND external_id = r.external_id
                UNION ALL SELECT * FROM (SELECT id, 2 FROM profiles
                    WHERE module_id = $1 AND lower(email) = lower(r.email) ORDER BY id LIMIT 1) m
                UNION ALL SELECT * FROM (SELECT id, 3 FROM profiles
                    WHERE r.email IS NULL AND module_id = $1 AND phone = r.phone
                    ORDER BY id LIMIT 1) t
                UNION ALL SELECT * FROM (SELECT o.id, 4 FROM profiles o
                    WHERE module_id = $1 AND {mail} ORDER BY id LIMIT 1) o
                UNION ALL SELECT * FROM (SELECT o.id, 5 FROM profiles o
                    WHERE r.email IS NULL AND module_id = $1 AND {phone}
                    ORDER BY id LIMIT 1) o
            ) any_of ORDER BY rank LIMIT 1
        ) found ON true
    ) linked
    ORDER BY key, no
"""
_MAIL: Final = beside("o", Channel.EMAIL, "lower(r.email)")
_PHONE: Final = beside("o", Channel.SMS, "r.phone")
_SAME_ADDRESS: Final = """
    DELETE FROM {table} a USING {table} b
    WHERE NOT a.named AND b.named AND a.address = b.address
"""
_SAME: Final = "b.address = {one}.address AND NOT ({one}.named AND b.named)"
_FREEZE: Final = """
    INSERT INTO audience_members (snapshot_id, key, profile_id, member)
    SELECT $1, s.key, s.profile_id, s.member FROM {table} s
    WHERE s.profile_id IS NULL OR EXISTS (SELECT 1 FROM profiles p WHERE p.id = s.profile_id)
    ORDER BY s.key
"""
_SUM_UP: Final = """
    UPDATE audience_snapshots SET
        members = (SELECT count(*) FROM audience_members WHERE snapshot_id = $1),
        hash = (SELECT encode(sha256(coalesce(string_agg(part, '' ORDER BY block), '')), 'hex')
            FROM (SELECT block, sha256(string_agg(uuid_send(key)
                    || sha256(convert_to(coalesce(member::text, ''), 'UTF8')), '' ORDER BY key))
                    AS part
                FROM (SELECT key, member, row_number() OVER (ORDER BY key) / 10000 AS block
                    FROM audience_members WHERE snapshot_id = $1) numbered
                GROUP BY block) parts)
    WHERE id = $1
"""


class Staging:
    """The sets of one resolution, on a connection of its own."""

    def __init__(self, conn: asyncpg.Connection[Any], module_id: UUID) -> None:
        self._conn = conn
        self._module_id = module_id
        self._tables: list[str] = []
        self._made = 0

    async def select(self, condition: str, values: Sequence[Any], module_id: UUID) -> str:
        """Stage the profiles `p` of a module that meet a condition over $2…; return the table."""
        table = await self._table()
        await self._run(
            f"INSERT INTO {table} (key, profile_id) SELECT p.id, p.id FROM profiles p"
            f" WHERE p.module_id = $1 AND {condition}",
            module_id,
            *values,
        )
        return await self._ready(table)

    async def load(self, pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> str:
        """Stage recipients from elsewhere; who has a profile is found by external id or address."""
        columns = ", ".join(f"{name} text" for name in _ARRIVED)
        await self._run(
            f"CREATE TEMP TABLE arrived ({columns}, no bigint GENERATED ALWAYS AS IDENTITY)"
        )
        self._tables.append("arrived")
        async for page in pages:
            rows = [(*(one.get(name) for name in _ARRIVED[:-1]), _json(one)) for one in page]
            await self._conn.copy_records_to_table(
                "arrived", records=rows, columns=_ARRIVED, timeout=_SECONDS
            )
        await self._run("ANALYZE arrived")
        table = await self._table()
        await self._run(_LINK.format(table=table, mail=_MAIL, phone=_PHONE), self._module_id)
        await self._drop("arrived")
        await self._run(_SAME_ADDRESS.format(table=table))
        return await self._ready(table)

    async def combine(self, operation: str, tables: Sequence[str]) -> str:
        """Combine sets: union, intersect, or except (the first without the others)."""
        table = await self._table()
        if operation == "union":
            every = " UNION ALL ".join(
                f"SELECT {_COLUMNS}, {number} AS part FROM {one}"
                for number, one in enumerate(tables)
            )
            await self._run(
                f"INSERT INTO {table} ({_COLUMNS}) SELECT DISTINCT ON (key) {_COLUMNS}"
                f" FROM ({every}) u ORDER BY key, part"
            )
            await self._run(_SAME_ADDRESS.format(table=table))
        else:
            kept = _shared if operation == "intersect" else _apart
            conditions = " AND ".join(kept(tables[0], other) for other in tables[1:]) or "true"
            await self._run(
                f"INSERT INTO {table} ({_COLUMNS}) SELECT {_COLUMNS} FROM {tables[0]} a"
                f" WHERE {conditions}"
            )
        for one in tables:
            await self._drop(one)
        return await self._ready(table)

    async def count(self, table: str) -> int:
        """Return how many recipients are in a set."""
        return int(await self._conn.fetchval(f"SELECT count(*) FROM {table}", timeout=_SECONDS))

    async def sample(self, table: str, most: int) -> list[Any]:
        """Return some recipients of a set, the same ones each time."""
        chosen = f"(SELECT * FROM {table} ORDER BY key LIMIT {int(most)})"
        return list(await self._conn.fetch(_PEOPLE.format(table=chosen), timeout=_SECONDS))

    async def suppressed(
        self, table: str, channels: Sequence[str], category: str | None
    ) -> dict[str, int]:
        """Return how many recipients no channel reaches, by the reason of the first channel."""
        rows = await self._conn.fetch(
            f"SELECT {reason(channels)} AS reason, count(*) AS n"
            f" FROM ({_PEOPLE.format(table=table)}) m WHERE NOT ({reachable(channels)})"
            " GROUP BY 1 ORDER BY 1",
            self._module_id,
            category,
            timeout=_SECONDS,
        )
        return {row["reason"]: row["n"] for row in rows}

    async def members(self, table: str, page: int = 5000) -> AsyncIterator[list[Any]]:
        """Yield a set in pages by a cursor, in the order of keys; erased profiles are left out."""
        async with self._conn.transaction(readonly=True):
            people = _PEOPLE.format(table=table)
            cursor = await self._conn.cursor(
                f"{people} WHERE s.profile_id IS NULL OR p.id IS NOT NULL ORDER BY s.key"
            )
            while rows := await cursor.fetch(page, timeout=_SECONDS):
                yield rows

    async def freeze(self, table: str, snapshot_id: UUID) -> None:
        """Keep a set as the members of a snapshot, with their number and hash; equal sets have
        equal hashes. Profiles that were erased meanwhile are left out.
        """
        async with self._conn.transaction():
            await self._run(_FREEZE.format(table=table), snapshot_id)
            await self._run(_SUM_UP, snapshot_id)

    async def close(self) -> None:
        """Take all tables away."""
        for table in list(self._tables):
            await self._drop(table)

    async def _table(self) -> str:
        self._made += 1
        table = f"staged_{self._made}"
        await self._run(
            f"CREATE TEMP TABLE {table} (key uuid NOT NULL, profile_id uuid, address uuid,"
            " named boolean NOT NULL DEFAULT true, member jsonb)"
        )
        self._tables.append(table)
        return table

    async def _ready(self, table: str) -> str:
        await self._run(f"ANALYZE {table}")
        return table

    async def _drop(self, table: str) -> None:
        await self._run(f"DROP TABLE {table}")
        self._tables.remove(table)

    async def _run(self, statement: str, *values: Any) -> None:
        await self._conn.execute(statement, *values, timeout=_SECONDS)


def _json(member: Mapping[str, Any]) -> str:
    return json.dumps(member, ensure_ascii=False, separators=(",", ":"), default=str)


def _shared(first: str, other: str) -> str:
    return (
        f"a.key IN (SELECT f.key FROM {first} f JOIN {other} b ON b.key = f.key"
        f" UNION SELECT f.key FROM {first} f JOIN {other} b ON {_SAME.format(one='f')})"
    )


def _apart(_first: str, other: str) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM {other} b WHERE b.key = a.key)"
        f" AND NOT EXISTS (SELECT 1 FROM {other} b WHERE {_SAME.format(one='a')})"
    )
