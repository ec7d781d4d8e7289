"""Which versions references name, before and after archiving."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id
from stores import templates
from stores.database import Database


@pytest.fixture
async def module(db: Database) -> UUID:
    id = new_id()
    async with db.leader() as conn:
        await conn.execute(
            text("INSERT INTO modules (id, key, name) VALUES (:id, 'm', 'M')"), {"id": id}
        )
    return id


async def a_template(conn: AsyncConnection, module: UUID, key: str, versions: int = 1) -> UUID:
    id = new_id()
    assert await templates.add(
        conn, id=id, module_id=module, key=key, name=key, category="bulk", priority="low"
    )
    for number in range(1, versions + 1):
        if number > 1:
            assert await templates.count_version(conn, id) == number
        await templates.add_version(
            conn,
            {
                "template_id": id,
                "version": number,
                "locale": "en",
                "content": {"sms": {"text": f"{key} {number}"}},
                "locales": {"fr": {"sms": {"text": "fr"}}},
                "schema": {"type": "object"},
                "author": "a",
                "note": None,
            },
        )
    return id


async def test_references_name_published_versions_only(db: Database, module: UUID) -> None:
    async with db.leader() as conn:
        a = await a_template(conn, module, "a", versions=3)
        b = await a_template(conn, module, "b")
        await a_template(conn, module, "draft")
        assert await templates.publish(conn, a, 1, "me")
        assert await templates.publish(conn, a, 2, "me")
        assert await templates.publish(conn, b, 1, "me")
        assert not await templates.publish(conn, b, 2, "me")
        found = await templates.find_published(
            conn, module, ["a", "a@1", "a@2", "a@3", "a@999999999", "b", "draft", "draft@1", "no"]
        )
        elsewhere = await templates.find_published(conn, new_id(), ["a"])
    assert {ref: (one.key, one.version) for ref, one in found.items()} == {
        "a": ("a", 2),
        "a@1": ("a", 1),
        "a@2": ("a", 2),
        "b": ("b", 1),
    }
    assert found["a"].content == {"sms": {"text": "a 2"}}
    assert (found["a"].category, found["a"].priority, found["a"].locale) == ("bulk", "low", "en")
    assert elsewhere == {}


async def test_archived_templates_are_not_sent_but_stay_readable(
    db: Database, module: UUID
) -> None:
    async with db.leader() as conn:
        old = await a_template(conn, module, "a")
        await templates.publish(conn, old, 1, "me")
        await templates.archive(conn, old)
        new = await a_template(conn, module, "a", versions=2)
        await templates.publish(conn, new, 2, "me")
        found = await templates.find_published(conn, module, ["a", "a@1"])
        loaded = await templates.load_versions(conn, [(old, 1), (new, 2), (new, 7)])
    assert {ref: one.template_id for ref, one in found.items()} == {"a": new}
    assert set(loaded) == {(old, 1), (new, 2)}
    assert loaded[old, 1].content_for("fr-CA") == {"sms": {"text": "fr"}}


async def test_a_key_is_taken_until_it_is_archived(db: Database, module: UUID) -> None:
    async with db.leader() as conn:
        first = await a_template(conn, module, "a")
        wanted: dict[str, Any] = {
            "module_id": module,
            "key": "a",
            "name": "a",
            "category": None,
            "priority": None,
        }
        assert not await templates.add(conn, id=new_id(), **wanted)
        await templates.archive(conn, first)
        assert await templates.add(conn, id=new_id(), **wanted)
