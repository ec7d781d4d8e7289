"""SQL connector, on a real PostgreSQL and a real SQLite: it reads, in pages, and nothing else."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from connectors.contract import ConnectorRefused, ConnectorUnavailable, Member, Surroundings
from connectors.sql import KIND
from tests.fixtures.servers import TestDatabase, free_port
from transport.http.guard import Guard
from transport.reaching import reach

PEOPLE = "SELECT id AS external_id, mail AS email, plan FROM people"


def around(folder: Path | None = None, *allowed: str) -> Surroundings:
    guard = Guard(allowed or ("127.0.0.0/8",))

    async def addresses(host: str, port: int) -> Sequence[str]:
        return await reach(guard, host, port)

    return Surroundings(addresses, str(folder or ""))


async def read(surroundings: Surroundings, **given: Any) -> list[list[Member]]:
    settings = KIND.settings.model_validate(given)
    return [list(page) async for page in KIND.members(settings, surroundings)]


async def refused(surroundings: Surroundings, **given: Any) -> tuple[str, str]:
    with pytest.raises(ConnectorRefused) as caught:
        await read(surroundings, **given)
    return caught.value.field, str(caught.value)


@pytest.fixture
async def dsn(database: TestDatabase) -> str:
    conn = await asyncpg.connect(database.leader_dsn)
    await conn.execute("""
        CREATE TABLE people (id int PRIMARY KEY, mail text, plan text);
        INSERT INTO people SELECT n, 'p' || n || '@example.com', 'pro'
            FROM generate_series(1, 2500) n;
        CREATE FUNCTION sneak() RETURNS text LANGUAGE plpgsql AS
            $$ BEGIN DELETE FROM people; RETURN 'gone'; END $$;
        CREATE SEQUENCE tickets;
    """)
    await conn.close()
    return database.leader_dsn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("people.db", "other.db"):
        with sqlite3.connect(tmp_path / name) as conn:
            conn.execute("CREATE TABLE people (id, mail, plan)")
            conn.executemany(
                "INSERT INTO people VALUES (?, ?, 'pro')",
                [(n, f"p{n}@example.com") for n in range(1, 2501)],
            )
        conn.close()
    return tmp_path


async def test_postgresql_is_read_in_pages(dsn: str) -> None:
    pages = await read(around(), dsn=dsn, query=f"{PEOPLE} ORDER BY id", page_size=1000)
    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert pages[0][0] == Member("1", "p1@example.com", attributes={"plan": "pro"})


async def test_parameters_are_bound_never_put_together(dsn: str) -> None:
    asked = {"dsn": dsn, "query": f"{PEOPLE} WHERE plan = :plan AND id < :below"}
    [page] = await read(around(), **asked, parameters={"plan": "pro", "below": 3})
    assert len(page) == 2
    injected = {"plan": "' OR true --", "below": 3}
    assert await read(around(), **asked, parameters=injected) == []
    field, words = await refused(around(), **asked, parameters={"plan": "pro"})
    assert field == "query"
    assert "below" in words


WRITES = [
    "DELETE FROM people RETURNING id AS external_id",
    "WITH d AS (DELETE FROM people RETURNING id) SELECT id AS external_id FROM d",
    "SELECT sneak() AS external_id",
    "SELECT nextval('tickets') AS external_id",
    "SELECT set_config('transaction_read_only', 'off', true) AS external_id, sneak()",
    "SELECT 1 AS external_id; DELETE FROM people",
    "COMMIT; DELETE FROM people",
    "DROP TABLE people",
    "SELECT id AS external_id FROM people FOR UPDATE",
]


async def test_postgresql_writes_nothing(dsn: str) -> None:
    for query in WRITES:
        assert (await refused(around(), dsn=dsn, query=query))[0] == "query", query
    conn = await asyncpg.connect(dsn)
    assert await conn.fetchval("SELECT count(*) FROM people") == 2500
    assert await conn.fetchval("SELECT is_called FROM tickets") is False
    await conn.close()


async def test_writing_is_named_as_such(dsn: str) -> None:
    found = await refused(around(), dsn=dsn, query="SELECT sneak() AS external_id")
    assert found == ("query", "would write: only reading is allowed")


async def test_what_takes_an_hour_is_stopped(dsn: str) -> None:
    endless = "SELECT g::text AS email FROM generate_series(1, 100000000000) g WHERE g < 0"
    for query in ("SELECT pg_sleep(3600)::text AS email", endless):
        field, words = await refused(around(), dsn=dsn, query=query, timeout_seconds=1)
        assert (field, "timeout_seconds (1)" in words) == ("query", True)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"query": "SELECT plan FROM people"}, "query"),
    ({"query": "SELEC id FROM people"}, "query"),
    ({"query": "SELECT id AS external_id FROM nothing"}, "query"),
    ({"query": PEOPLE, "most": 100}, "most"),
]


async def test_wrong_queries_are_told(dsn: str) -> None:
    for given, field in WRONG:
        assert (await refused(around(), dsn=dsn, **given))[0] == field, given


async def test_whoever_reads_slowly_is_told_and_not_cancelled(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = KIND.settings.model_validate({"dsn": dsn, "query": PEOPLE, "page_size": 1000})
    pages = KIND.members(settings, around())
    assert len(await anext(pages)) == 1000
    now = time.monotonic()
    monkeypatch.setattr("connectors.sql.time.monotonic", lambda: now + 3600)
    await asyncio.sleep(0)
    with pytest.raises(ConnectorRefused, match="timeout_seconds"):
        await anext(pages)


async def test_a_wrong_sign_in_is_told_without_the_secret(dsn: str) -> None:
    name = dsn.rpartition("/")[2]
    field, words = await refused(around(), dsn=dsn.replace(name, "nowhere"), query=PEOPLE)
    assert field == "dsn"
    assert dsn not in words


async def test_a_database_that_is_down_is_unavailable() -> None:
    with pytest.raises(ConnectorUnavailable):
        await read(around(), dsn=f"postgresql://u:p@127.0.0.1:{free_port()}/d", query=PEOPLE)


async def test_networks_that_are_not_allowed_are_not_reached(dsn: str) -> None:
    field, words = await refused(around(None, "203.0.113.0/24"), dsn=dsn, query=PEOPLE)
    assert field == "dsn"
    assert "TOCSIN_ALLOW_NETWORKS" in words


async def test_databases_without_read_only_transactions_are_refused() -> None:
    field, words = await refused(around(), dsn="mssql+pyodbc://u:p@127.0.0.1/d", query=PEOPLE)
    assert (field, "read-only" in words) == ("dsn", True)


async def test_a_driver_that_is_not_there_is_named() -> None:
    field, words = await refused(around(), dsn="oracle+oracledb://u:p@127.0.0.1/d", query=PEOPLE)
    assert (field, "oracledb" in words) == ("dsn", True)


async def test_sqlite_is_read_in_pages(folder: Path) -> None:
    pages = await read(around(folder), dsn="sqlite:///people.db", query=PEOPLE, page_size=1000)
    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert pages[0][0] == Member("1", "p1@example.com", attributes={"plan": "pro"})


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM people RETURNING id AS external_id",
        "ATTACH DATABASE 'other.db' AS o",
        "PRAGMA query_only = OFF",
        "CREATE TABLE t (external_id)",
        "SELECT 1 AS external_id; DELETE FROM people",
        "SELECT load_extension('x') AS external_id",
    ],
)
async def test_sqlite_writes_nothing(folder: Path, query: str) -> None:
    before = (folder / "people.db").read_bytes()
    assert (await refused(around(folder), dsn="sqlite:///people.db", query=query))[0] == "query"
    assert (folder / "people.db").read_bytes() == before


async def test_sqlite_is_stopped(folder: Path) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT count(*) AS external_id FROM n"
    )
    found = await refused(
        around(folder), dsn="sqlite:///people.db", query=endless, timeout_seconds=1
    )
    assert "timeout_seconds (1)" in found[1]


@pytest.mark.parametrize("file", ["../people.db", "/etc/passwd", "none.db", "people.db/../../x"])
async def test_only_files_of_the_folder_are_read(folder: Path, file: str) -> None:
    inside = folder / "inside"
    inside.mkdir()
    found = await refused(around(inside), dsn=f"sqlite:///{file}", query=PEOPLE)
    assert found[0] == "dsn"


async def test_without_a_folder_no_file_is_read(folder: Path) -> None:
    found = await refused(around(), dsn=f"sqlite:///{folder}/people.db", query=PEOPLE)
    assert found == ("dsn", "names a file, and TOCSIN_SQL_FILES names no folder of them")
