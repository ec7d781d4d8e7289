"""Profiles and memberships, read and written by sets."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id
from domain.recipient import Recipient
from stores import devices, groups, memberships, profiles
from stores.database import Database


async def a_module(conn: AsyncConnection, key: str = "m") -> UUID:
    id = new_id()
    await conn.execute(
        text("INSERT INTO modules (id, key, name) VALUES (:id, :key, 'M')"), {"id": id, "key": key}
    )
    return id


async def a_profile(conn: AsyncConnection, module: UUID, **given: Any) -> UUID:
    id = new_id()
    fields = dict.fromkeys(profiles.FIELDS) | {"attributes": {}, "addresses": []} | given
    assert await profiles.add(conn, id, module, fields)
    return id


async def a_device(conn: AsyncConnection, profile: UUID, channel: str, address: str) -> None:
    await devices.add(
        conn, id=new_id(), profile_id=profile, channel=channel, platform=None, address=address,
        subscription={"endpoint": address} if channel == "webpush" else None,
    )  # fmt: skip


async def test_ids_are_found_in_their_module_only(db: Database) -> None:
    async with db.leader() as conn:
        mine, other = await a_module(conn), await a_module(conn, "other")
        a = await a_profile(conn, mine, external_id="a")
        b = await a_profile(conn, mine, external_id="b")
        foreign = await a_profile(conn, other, external_id="c")
        found = await profiles.find_ids(conn, mine, [a, foreign, new_id()], ["b", "c", "d"])
        nothing = await profiles.find_ids(conn, mine, [], [])
    assert found == ({a}, {"b": b})
    assert nothing == (set(), {})


async def test_words_are_looked_up_in_their_index(db: Database) -> None:
    async with db.leader() as conn:
        module = await a_module(conn)
        beside = [{"channel": "email", "address": "sam@work.example", "key": "sam@work.example",
                   "verified": False, "label": None}]  # fmt: skip
        sam = await a_profile(conn, module, name="Sam O'Neil-Ünal", email="s.sample@example.com",
                              external_id="customer-4711", addresses=beside)  # fmt: skip
        await a_profile(conn, module, name="Samantha", attributes={"friend": "O'Neil"})

        async def found(q: str) -> list[UUID]:
            return [one.id for one in await profiles.find(conn, {"q": q}, most=9)]

        for q in ("o'neil", "ünal sam", "S.Sample@EXAMPLE.com", "4711", "sam work", "(neil)"):
            assert await found(q) == [sam], q
        assert len(await found("sam")) == 2
        for q in ("unal", "711", "' & !tom:*", "", "\\", "\U0001f600"):
            assert await found(q) == [], q
        await conn.execute(text("SET LOCAL enable_seqscan = off"))
        condition = profiles.FILTERS["q"]
        plan = await conn.execute(
            text(f"EXPLAIN SELECT id FROM profiles p WHERE {condition}"),
            {"q": "sam"},
        )
        assert "profiles_words" in "".join(plan.scalars())


async def test_recipients_have_the_addresses_of_their_devices(db: Database) -> None:
    async with db.leader() as conn:
        module = await a_module(conn)
        a = await a_profile(conn, module, email="a@example.com", locale="fr", external_id="x")
        b = await a_profile(conn, module, phone="+14155550100")
        await a_device(conn, a, "push", "one")
        await a_device(conn, a, "push", "two")
        await a_device(conn, a, "webpush", "https://push.example.com/1")
        found = await profiles.load_recipients(conn, [a, b, new_id()])
    assert found == {
        a: Recipient(
            profile_id=a,
            external_id="x",
            email="a@example.com",
            locale="fr",
            targets={"one": {}, "two": {}, "https://push.example.com/1": {}},
            push=("one", "two"),
            webpush=("https://push.example.com/1",),
        ),
        b: Recipient(profile_id=b, phone="+14155550100"),
    }


async def test_memberships_are_replaced(db: Database) -> None:
    async with db.leader() as conn:
        module = await a_module(conn)
        profile = await a_profile(conn, module)
        named = await groups.named(conn, module, ["b", "a", "b"])
        assert await groups.named(conn, module, ["a", "b"]) == named
        made = [named["a"], named["b"]]
        await memberships.replace(conn, profile, made)
        await memberships.replace(conn, profile, [*made[:1], new_id()])
        rows = await memberships.of_profiles(conn, [profile])
        assert [row.id for row in rows] == made[:1]
        await memberships.replace(conn, profile, [])
        assert await memberships.of_profiles(conn, [profile]) == []
