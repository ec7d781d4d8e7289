"""Migrations lead up, down and up again to the same schema, and leave nothing behind."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from cli.embedded import postgres
from stores import migrate
from tests.fixtures.servers import Servers
from tests.guards.test_packages import ROOT

SCHEMA = """
    SELECT 'relation ' || c.relname || ' ' || c.relkind::text || ' ' || c.relpersistence::text
        || coalesce(' ' || array_to_string(c.reloptions, ','), '')
        || coalesce(' ' || pg_get_partkeydef(c.oid), '')
        || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '')
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'column ' || c.relname || '.' || a.attname || ' '
        || rank() OVER (PARTITION BY c.oid ORDER BY a.attnum) || ' '
        || format_type(a.atttypid, a.atttypmod) || ' not null ' || a.attnotnull
        || ' ' || a.attgenerated::text || a.attidentity::text
        || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
    UNION ALL
    SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function ' || p.proname || ' ' || pg_get_functiondef(p.oid)
      FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
    UNION ALL
    SELECT 'type ' || t.typname || ' ' || t.typtype::text || coalesce(' ' || (
        SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
          FROM pg_enum WHERE enumtypid = t.oid
      ), '') FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace
       AND t.typtype IN ('e', 'd', 'r')
    UNION ALL
    SELECT 'extension ' || extname FROM pg_extension
    UNION ALL
    SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_'
    ORDER BY 1
"""


def revisions() -> Iterator[str]:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    return reversed([script.revision for script in scripts.walk_revisions()])


@asynccontextmanager
async def an_empty_database(servers: Servers) -> AsyncIterator[str]:
    name = f"schema_{secrets.token_hex(8)}"
    await _execute(servers, f"CREATE DATABASE {name}")
    yield postgres.dsn(servers.leader_port, name)
    await _execute(servers, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty(postgres_servers: Servers) -> AsyncIterator[str]:
    async with an_empty_database(postgres_servers) as dsn:
        yield dsn


async def schema(dsn: str) -> list[str]:
    conn = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await conn.fetch(SCHEMA)]
    finally:
        await conn.close()


async def test_up_down_and_up_again_is_the_same(empty: str) -> None:
    await migrate.upgrade(empty)
    first = await schema(empty)
    await migrate.downgrade(empty, "base")
    await migrate.upgrade(empty)
    assert await schema(empty) == first


async def test_the_way_down_leaves_nothing_behind(empty: str) -> None:
    before = await schema(empty)
    await migrate.upgrade(empty)
    during = await schema(empty)
    await migrate.downgrade(empty, "base")
    assert len(during) > len(before) + 100
    assert _ours(await schema(empty)) == before


async def test_every_step_down_undoes_its_step_up(empty: str) -> None:
    for revision in revisions():
        before = await schema(empty)
        await migrate.upgrade(empty, revision)
        step = await schema(empty)
        await migrate.downgrade(empty, "-1")
        assert _ours(await schema(empty)) == _ours(before), revision
        await migrate.upgrade(empty, revision)
        assert await schema(empty) == step, revision


async def test_migrating_twice_changes_nothing(empty: str) -> None:
    await migrate.upgrade(empty)
    first = await schema(empty)
    await migrate.upgrade(empty)
    assert await schema(empty) == first


async def test_a_difference_is_seen(empty: str) -> None:
    await migrate.upgrade(empty)
    first = await schema(empty)
    for change in (
        "ALTER TABLE modules ADD COLUMN extra text",
        "ALTER TABLE users ALTER COLUMN name DROP NOT NULL",
        "DROP INDEX users_email",
        "CREATE TYPE mood AS ENUM ('good')",
    ):
        conn = await asyncpg.connect(empty)
        await conn.execute(change)
        await conn.close()
        seen = await schema(empty)
        assert seen != first, change
        first = seen


def _ours(lines: list[str]) -> list[str]:
    return [line for line in lines if "alembic_version" not in line]


async def _execute(servers: Servers, statement: str) -> None:
    conn = await asyncpg.connect(postgres.dsn(servers.leader_port, "postgres"))
    try:
        await conn.execute(statement)
    finally:
        await conn.close()
