"""Audiences from outside, through the API: members are found, and a source that fails is named."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from api.app import create_api
from services.app import close_app, open_app
from services.bootstrap import bootstrap
from tests.api.test_audiences import a_profile, an_audience, preview
from tests.fixtures.api import KEY, Client, problem_fields, settings_for
from tests.fixtures.directory import GROUPS, PASSWORD, PEOPLE, READER, STAFF, TestDirectory
from tests.fixtures.servers import TestDatabase, free_port


@pytest.fixture
async def allowed(database: TestDatabase, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of an installation that may call this machine and read files of a folder."""
    settings = settings_for(
        database, allow_networks=["127.0.0.0/8", "::1/128"], sql_files=str(tmp_path)
    )
    await bootstrap(settings)
    app = open_app(settings)
    client = Client(
        transport=_transport(app), base_url="http://tocsin.example.com",
        headers={"Authorization": f"Bearer {KEY}"}, timeout=60,
    )  # fmt: skip
    client.app = app
    async with client:
        yield client
    await close_app(app)


def _transport(app: Any) -> Any:
    from httpx import ASGITransport

    return ASGITransport(create_api(app), raise_app_exceptions=False)


def people(folder: Path, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    with sqlite3.connect(folder / "people.db") as conn:
        conn.execute("CREATE TABLE people (external_id, email, phone, tier)")
        conn.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)
    conn.close()
    return {
        "kind": "sql",
        "sql": {"dsn": "sqlite:///people.db", "query": "SELECT * FROM people"},
    }


async def staged(client: AsyncClient, body: dict[str, Any], **given: Any) -> dict[str, Any]:
    return await preview(client, await an_audience(client, **body), **given)


async def test_members_of_a_query_are_profiles_where_they_are_known(
    allowed: Client, tmp_path: Path
) -> None:
    known = await a_profile(allowed, external_id="k", name="Known", phone="+14155550100")
    other = await a_profile(allowed, name="Other", email="Other@example.com")
    found = await staged(
        allowed,
        people(
            tmp_path,
            [
                ("k", "k@example.com", None, 1), ("k", "again@example.com", None, 1),
                (None, "other@EXAMPLE.com", None, 2), ("n", "new@example.com", "no phone", 3),
                (None, "NEW@example.com", None, 3), (None, "no address", None, 4),
                (None, None, "+1 415 555 0199", 5), ("o\x00dd\nname", "odd@example.com", None, 6),
            ],
        ),
    )  # fmt: skip
    assert found["count"] == 6
    assert found["suppressed"] == {"no_address": 1}
    names = {one["profile"] for one in found["sample"]}
    assert names == {known, other, None}
    mine = next(one for one in found["sample"] if one["profile"] == known)
    assert mine["email"] == "k•••@example.com"
    assert "odd name" in {one["external_id"] for one in found["sample"]}


async def test_a_directory_is_previewed(allowed: Client, directory: TestDirectory) -> None:
    ldap = {
        "url": f"ldap://127.0.0.1:{directory.port}", "insecure": True, "bind_dn": READER,
        "bind_password": PASSWORD, "base_dn": PEOPLE, "group": f"cn=staff,{GROUPS}",
        "group_base_dn": GROUPS,
    }  # fmt: skip
    made = await an_audience(allowed, kind="ldap", ldap=ldap)
    found = await preview(allowed, made, channels=["email"])
    assert (found["count"], found["suppressed"]) == (STAFF, {})
    fewer = await an_audience(
        allowed, "fewer", kind="except",
        **{"except": [made["id"], {"kind": "profiles", "profiles": [{"email": "u7@example.com"}]}]},
    )  # fmt: skip
    assert (await preview(allowed, fewer))["count"] == STAFF - 1


async def test_a_source_that_refuses_is_named_in_its_leaf(allowed: Client, tmp_path: Path) -> None:
    body = people(tmp_path, [])
    body["sql"]["query"] = "DELETE FROM people RETURNING email"
    made = await an_audience(
        allowed, kind="union", union=[{"kind": "module", "module": "default"}, body]
    )
    answer = await allowed.post(f"/v1/audiences/{made['id']}/preview")
    assert answer.status_code == 422
    assert problem_fields(answer) == ["union[1].sql.query"]


async def test_a_source_that_is_down_is_named_and_may_be_tried_again(allowed: Client) -> None:
    dsn = f"postgresql://u:hush-hush@127.0.0.1:{free_port()}/d"
    made = await an_audience(allowed, kind="sql", sql={"dsn": dsn, "query": "SELECT 1 AS email"})
    answer = await allowed.post(f"/v1/audiences/{made['id']}/preview")
    assert answer.status_code == 503
    assert problem_fields(answer) == ["sql"]
    assert answer.headers["retry-after"]
    assert "hush-hush" not in answer.text


async def test_nothing_of_ours_can_be_called(client: Client, database: TestDatabase) -> None:
    sql = {"dsn": database.leader_dsn, "query": "SELECT key AS email FROM modules"}
    made = await an_audience(client, kind="sql", sql=sql)
    answer = await client.post(f"/v1/audiences/{made['id']}/preview")
    assert answer.status_code == 422
    assert problem_fields(answer) == ["sql.dsn"]
    assert "TOCSIN_ALLOW_NETWORKS" in answer.text


async def test_a_failed_resolution_leaves_nothing_behind(allowed: Client, tmp_path: Path) -> None:
    body = people(tmp_path, [("a", "a@example.com", None, 1)])
    body["sql"]["most"] = 1
    made = await an_audience(
        allowed, kind="union", union=[body, {"kind": "sql", "sql": {**body["sql"], "query": "no"}}]
    )
    for _ in range(3):
        assert (await allowed.post(f"/v1/audiences/{made['id']}/preview")).status_code == 422
    async with allowed.app.db.leader() as conn:
        left = await conn.exec_driver_sql("SELECT count(*) FROM pg_class WHERE relpersistence='t'")
        assert left.scalar_one() == 0
    assert allowed.app.resolving._value == 2
