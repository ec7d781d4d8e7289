"""Approving against the database: who may is checked, what they said stays, deputies decide."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.approvals import Facts, Outcome, Verdict
from domain.contract.rule import RulePatch, RuleRequest
from domain.contract.user import UserPatch
from domain.errors import Conflict, Forbidden, Invalid, Problem
from domain.ids import decode, encode, new_id
from domain.roles import ROLE_SCOPES
from domain.vocabulary import CategoryClass, Role
from services import approvals, rules, users
from services.access import Actor, operator
from services.app import App
from stores import access
from stores.users import put_delegation
from tests.fixtures.heard import default_module

SUBJECT, HASH = "cmp_some", "the hash that stands"


async def somebody(app: App, role: Role = Role.APPROVER) -> Actor:
    """An actor who is a stored user of a role."""
    id = new_id()
    async with app.db.leader() as conn:
        await access.add_user(
            conn, id=id, name="Sample", email=f"{id}@example.com", role=role, password_hash="x"
        )
    module = await default_module(app)
    scopes = ROLE_SCOPES[role] | {"approvals:write"}
    return Actor("user:x", module, "default", scopes, id, role, all_modules=True)


async def facts(app: App, *authors: Actor, audience: int = 100, **more: Any) -> Facts:
    wrote = frozenset(one.user_id for one in authors if one.user_id)
    return Facts(
        await default_module(app), "bulk", CategoryClass.BULK, audience, authors=wrote, **more
    )


async def said(
    app: App, call: Callable[..., Awaitable[Verdict]], actor: Actor, about: Facts, **more: Any
) -> Verdict:
    usual = {"seen": HASH}
    async with app.db.leader() as conn:
        return await call(conn, actor, SUBJECT, about, HASH, **{**usual, **more})


async def stands(app: App, about: Facts, hash: str = HASH) -> Verdict:
    async with app.db.leader() as conn:
        return await approvals.decide(conn, SUBJECT, about, hash)


async def refused(kind: type[Problem], coming: Awaitable[Any]) -> str:
    with pytest.raises(kind) as problem:
        await coming
    return problem.value.detail


def id_of(actor: Actor) -> str:
    assert actor.user_id is not None
    return encode("usr", actor.user_id)


async def test_an_approval_counts_until_what_stands_or_who_gave_it_changes(app: App) -> None:
    one, about = await somebody(app), await facts(app)
    assert (await stands(app, about)).outcome is Outcome.WAITING
    assert (await said(app, approvals.approve, one, about)).outcome is Outcome.APPROVED
    assert (await said(app, approvals.approve, one, about)).outcome is Outcome.APPROVED
    assert (await stands(app, about, "another hash")).outcome is Outcome.VOID
    admin = await operator(app)
    await users.change(app, admin, id_of(one), UserPatch(active=False))
    found = await stands(app, about)
    assert (found.outcome, found.void[0][1]) == (
        Outcome.WAITING, "its giver may no longer approve",
    )  # fmt: skip
    async with app.db.leader() as conn:
        [kept] = await approvals.history(conn, SUBJECT)
        logged = await conn.execute(text("SELECT subject, actor FROM audit ORDER BY id LIMIT 1"))
    assert (kept["user"], kept["decision"], kept["hash"]) == (id_of(one), "approve", HASH)
    assert logged.one() == (SUBJECT, f"user:{id_of(one)}")


async def test_who_may_not_decide_is_told_why(app: App) -> None:
    author, viewer = await somebody(app), await somebody(app, Role.VIEWER)
    about = await facts(app, author)
    for call, more in ((approvals.approve, {}), (approvals.reject, {"reason": "no"})):
        assert "wrote or edited" in await refused(Forbidden, said(app, call, author, about, **more))
        assert "administrator or approver" in await refused(
            Forbidden, said(app, call, viewer, about, **more)
        )
        nobody = await operator(app)
        assert "signed-in user" in await refused(Forbidden, said(app, call, nobody, about, **more))
    one = await somebody(app)
    assert "changed since" in await refused(
        Conflict, said(app, approvals.approve, one, about, seen="an older hash")
    )
    assert "reason" in await refused(Invalid, said(app, approvals.reject, one, about, reason=" "))
    removed = await somebody(app)
    await users.remove(app, await operator(app), id_of(removed))
    await refused(Forbidden, said(app, approvals.approve, removed, about))
    assert (await stands(app, about)).counted == ()


async def test_one_rejection_ends_it(app: App) -> None:
    one, two, about = await somebody(app), await somebody(app), await facts(app)
    found = await said(app, approvals.reject, one, about, reason="wrong price")
    assert found.outcome is Outcome.REJECTED
    assert found.rejection is not None
    assert found.rejection.reason == "wrong price"
    assert "rejected" in await refused(Conflict, said(app, approvals.approve, two, about))


async def test_a_rule_asks_for_several_and_two_at_once_count_as_two(app: App) -> None:
    admin = await operator(app)
    three = [await somebody(app) for _ in range(3)]
    settings = {"approvals": 2, "larger_than": 50, "approvers": [id_of(one) for one in three[:2]]}
    given = {"name": "two", "kind": "approval", "enabled": True, "settings": settings}
    rule = await rules.create(app, admin, RuleRequest.model_validate(given))
    about = await facts(app)
    assert "rule two names" in await refused(
        Forbidden, said(app, approvals.approve, three[2], about)
    )
    await asyncio.gather(
        *(said(app, approvals.approve, one, about) for one in three[:2] for _ in range(3))
    )
    found = await stands(app, about)
    assert (found.outcome, len(found.counted)) == (Outcome.APPROVED, 2)
    assert (await stands(app, await facts(app, audience=10))).outcome is Outcome.APPROVED
    wrong = RulePatch(settings={**settings, "approvers": ["usr_x", id_of(three[0])]})
    with pytest.raises(Invalid) as problem:
        await rules.change(app, admin, rule.content["id"], wrong)
    assert [one.field for one in problem.value.errors] == ["settings.approvers[1]"]


async def test_a_deputy_decides_while_the_time_lasts_and_nobody_counts_twice(app: App) -> None:
    away, deputy, about = await somebody(app), await somebody(app), await facts(app)
    instead = {"on_behalf_of": id_of(away)}
    assert "not named you" in await refused(
        Forbidden, said(app, approvals.approve, deputy, about, **instead)
    )
    for begin, end, open_ in ((-2, -1, False), (1, 2, False), (-1, 1, True)):
        await delegate(app, away, deputy, begin, end)
        if not open_:
            await refused(Forbidden, said(app, approvals.approve, deputy, about, **instead))
    async with app.db.leader() as conn:
        waiting = await approvals.waiting_for(conn, await approvals.decide(conn, "x", about, HASH))
    told = {one["user"]: one["deputy"] and one["deputy"]["user"] for one in waiting}
    assert (told[id_of(away)], told[id_of(deputy)]) == (id_of(deputy), None)
    mine = await facts(app, away)
    await refused(Forbidden, said(app, approvals.approve, deputy, mine, **instead))
    found = await said(app, approvals.approve, deputy, about, **instead)
    [counted] = found.counted
    assert (counted.user, counted.on_behalf_of) == (deputy.user_id, away.user_id)
    for one in (away, deputy):
        assert "counts twice" in await refused(Conflict, said(app, approvals.approve, one, about))


async def test_a_standing_approval_is_of_a_definition_and_a_size(app: App) -> None:
    one = await somebody(app)
    about = await facts(app, definition="every week")
    assert "happens once" in await refused(
        Invalid, said(app, approvals.approve, one, await facts(app), largest=500)
    )
    await refused(Conflict, said(app, approvals.approve, one, about, largest=500))
    found = await said(app, approvals.approve, one, about, largest=500, seen="every week")
    assert found.outcome is Outcome.APPROVED
    for size, outcome in ((500, Outcome.APPROVED), (501, Outcome.WAITING)):
        run = await facts(app, definition="every week", audience=size)
        async with app.db.leader() as conn:
            told = await approvals.decide(conn, "cmp_run", run, "run", recurring=SUBJECT)
        assert told.outcome is outcome


async def test_records_stay_as_they_are(app: App) -> None:
    await said(app, approvals.approve, await somebody(app), await facts(app))
    for statement in ("UPDATE approvals SET hash = 'x'", "DELETE FROM approvals"):
        with pytest.raises(DBAPIError, match="never changed or removed"):
            async with app.db.leader() as conn:
                await conn.execute(text(statement))


async def delegate(app: App, user: Actor, deputy: Actor, begin: int, end: int) -> None:
    now = datetime.now(UTC)
    ids: tuple[UUID, UUID] = (decode("usr", id_of(user)), decode("usr", id_of(deputy)))
    async with app.db.leader() as conn:
        await put_delegation(conn, *ids, now + timedelta(hours=begin), now + timedelta(hours=end))
