"""Approving and rejecting: who may is checked, what they said is kept, what it amounts to is told.

The caller hands over its facts and the hash of what stands, and acts on the verdict; a record
alone starts nothing, and a signal without a record even less.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import approvals as rules
from domain.approvals import Decision, Facts, Outcome, Record, Verdict
from domain.errors import Conflict, Forbidden, Invalid
from domain.ids import InvalidId, decode, encode
from services import approval_policies as policies
from services.access import Actor
from services.auditing import audit_subject
from services.times import stamp
from stores import approvals as store
from stores import users

MOST_REASON: Final = 1_000
_ACTIONS: Final = {
    Decision.APPROVE: "approval.given",
    Decision.REJECT: "approval.refused",
    Decision.REVOKE: "approval.revoked",
}


async def decide(
    conn: AsyncConnection, subject: str, facts: Facts, hash: str, *, recurring: str | None = None
) -> Verdict:
    """Return what the records about a subject amount to now.

    `hash` is of what stands now. `recurring` names what recurs (`sch_…`), whose standing approvals
    count too. To be asked again right before anything starts.
    """
    records = await store.of_subject(conn, subject, *([recurring] if recurring else []))
    return await _judge(conn, records, facts, hash)


async def approve(
    conn: AsyncConnection,
    actor: Actor,
    subject: str,
    facts: Facts,
    hash: str,
    *,
    seen: str | None,
    reason: str = "",
    on_behalf_of: str | None = None,
    largest: int | None = None,
    until: datetime | None = None,
) -> Verdict:
    """Keep an approval of what the approver saw (`seen`), and return what stands; repeatable.

    on_behalf_of: the id of a user whose deputy the actor is. largest: makes it a standing approval
    of the facts' definition, for each run to so many recipients at most; `until` ends it.
    Raises Conflict when that is not what stands, or when it is rejected or they decided already;
    Forbidden for authors, editors and all who may not approve; Invalid.
    """
    return await _say(
        conn, actor, subject, facts, _standing(facts, hash, largest), Decision.APPROVE,
        seen=seen, reason=reason, on_behalf_of=on_behalf_of, largest=largest, present=hash,
        until=until,
    )  # fmt: skip


async def reject(
    conn: AsyncConnection,
    actor: Actor,
    subject: str,
    facts: Facts,
    hash: str,
    *,
    seen: str | None,
    reason: str,
    on_behalf_of: str | None = None,
) -> Verdict:
    """Keep a rejection with its reason; one is enough. Raises as `approve` does."""
    if not reason.strip():
        raise Invalid.field("reason", "is needed to reject: say what has to be mended")
    return await _say(
        conn, actor, subject, facts, hash, Decision.REJECT,
        seen=seen, reason=reason, on_behalf_of=on_behalf_of, largest=None, present=hash,
    )  # fmt: skip


async def revoke(
    conn: AsyncConnection, actor: Actor, subject: str, facts: Facts, *, reason: str
) -> None:
    """Take back the standing approvals of a definition, whoever gave them; with a reason.

    Raises Forbidden for who may not approve, Conflict where none stands.
    """
    actor.require("approvals:write")
    if actor.user_id is None:
        raise Forbidden("Only a signed-in user, or a key that is bound to one, may decide.")
    if facts.definition is None or not reason.strip():
        raise Invalid.field("reason", "is needed to revoke: say why it stands no longer")
    await store.lock(conn, subject)
    person = (await store.find_people(conn)).get(actor.user_id)
    if person is None or not person.may_approve:
        raise Forbidden("Only active users with the role administrator or approver may decide.")
    records = await store.of_subject(conn, subject)
    revoked_at = rules.revocation(records, facts)
    if not any(
        one.largest is not None
        and one.hash == facts.definition
        and (revoked_at is None or one.at > revoked_at)
        for one in records
    ):
        raise Conflict("No standing approval is given that could be revoked.")
    now = datetime.now(UTC)
    said = Record(actor.user_id, facts.definition, Decision.REVOKE, now, reason=reason.strip())
    await store.record(conn, subject, said)
    await _audit(conn, actor, subject, facts, said)


async def history(conn: AsyncConnection, subject: str) -> list[dict[str, Any]]:
    """Return what was said of a subject, oldest first: {user, name, on_behalf_of, decision, …}."""
    records = await store.of_subject(conn, subject)
    rows = await users.find_by_ids(conn, sorted({id for one in records for id in one.people}))
    names = {row.id: row.name for row in rows}
    return [view(one, names) for one in records]


async def waiting_for(conn: AsyncConnection, verdict: Verdict) -> list[dict[str, Any]]:
    """Return whose approval is missing, to be shown and reminded: {user, name, email, deputy},
    where `deputy` is {user, name, email} of who decides for them now, or null.
    """
    deputies = await users.find_deputies(conn, list(verdict.may))
    rows = await users.find_by_ids(conn, [*verdict.may, *deputies.values()])
    known = {row.id: _person(row) for row in rows}
    found = [
        {**known[id], "deputy": known.get(deputies[id]) if id in deputies else None}
        for id in verdict.may
        if id in known
    ]
    return sorted(found, key=lambda one: str(one["name"]))


def _person(row: Any) -> dict[str, Any]:
    return {"user": encode("usr", row.id), "name": row.name, "email": row.email}


def view(record: Record, names: Mapping[UUID, str]) -> dict[str, Any]:
    """Return a record in the contract's shape; the names of who was removed since are null."""
    away = record.on_behalf_of
    return {
        "user": encode("usr", record.user),
        "name": names.get(record.user),
        "on_behalf_of": encode("usr", away) if away else None,
        "on_behalf_of_name": names.get(away) if away else None,
        "decision": record.decision,
        "hash": record.hash,
        "largest": record.largest,
        "until": stamp(record.until),
        "reason": record.reason,
        "at": stamp(record.at),
    }


async def _say(
    conn: AsyncConnection,
    actor: Actor,
    subject: str,
    facts: Facts,
    hash: str,
    decision: Decision,
    *,
    seen: str | None,
    reason: str,
    on_behalf_of: str | None,
    largest: int | None,
    present: str,
    until: datetime | None = None,
) -> Verdict:
    actor.require("approvals:write")
    if actor.user_id is None:
        raise Forbidden("Only a signed-in user, or a key that is bound to one, may decide.")
    if len(reason) > MOST_REASON:
        raise Invalid.field("reason", f"may have {MOST_REASON} characters")
    await store.lock(conn, subject)
    away = await _away(conn, actor.user_id, on_behalf_of)
    said = Record(
        actor.user_id, hash, decision, datetime.now(UTC), away, largest, reason.strip(), until
    )
    await _check_giver(conn, said, facts)
    if seen != hash:
        raise Conflict("It was changed since you looked at it; look again, and decide on that.")
    records = await store.of_subject(conn, subject)
    before = await _judge(conn, records, facts, present)
    # A standing approval that was revoked is given anew by saying the same once more.
    if any(_same(one, said) for one in (records if largest is None else before.counted)):
        return before
    _check_open(before, said)
    await store.record(conn, subject, said)
    await _audit(conn, actor, subject, facts, said)
    return await _judge(conn, [*records, said], facts, present)


async def _judge(
    conn: AsyncConnection, records: Sequence[Record], facts: Facts, hash: str
) -> Verdict:
    people = await store.find_people(conn)
    return rules.decide(await policies.find(conn, facts), records, facts, hash, people)


async def _away(conn: AsyncConnection, deputy: UUID, given: str | None) -> UUID | None:
    """Return the user who named the deputy for now; raises Invalid, Forbidden."""
    if given is None:
        return None
    try:
        id = decode("usr", given)
    except InvalidId as error:
        raise Invalid.field("on_behalf_of", str(error)) from None
    found = await users.get_delegation(conn, id, now_only=True)
    if found is None or found.deputy_id != deputy:
        raise Forbidden("That user has not named you as their deputy for now.")
    return id


async def _check_giver(conn: AsyncConnection, said: Record, facts: Facts) -> None:
    """Raise Forbidden unless everybody in a record may approve and none of them wrote this."""
    people = await store.find_people(conn)
    if not all(id in people and people[id].may_approve for id in said.people):
        raise Forbidden("Only active users with the role administrator or approver may decide.")
    if said.people & facts.authors:
        raise Forbidden("Who wrote or edited it may not decide on it, nor may their deputy.")
    found = await policies.find(conn, facts)
    bound = [one for one in found if facts.audience > one.larger_than]
    if bound and not any(one.lets(said.voice) for one in bound):
        raise Forbidden(f"The rule {bound[0].name} names who may decide on it.")


def _check_open(before: Verdict, said: Record) -> None:
    if before.outcome is Outcome.REJECTED:
        raise Conflict("It was rejected; change it and submit it again.")
    if said.decision is Decision.APPROVE and any(
        one.people & said.people and (one.largest is None) == (said.largest is None)
        for one in before.counted
    ):
        raise Conflict("One of you has approved it already; nobody counts twice.")


def _same(one: Record, other: Record) -> bool:
    return (one.user, one.on_behalf_of, one.hash, one.decision, one.largest, one.until) == (
        other.user, other.on_behalf_of, other.hash, other.decision, other.largest, other.until
    )  # fmt: skip


def _standing(facts: Facts, hash: str, largest: int | None) -> str:
    if largest is None:
        return hash
    if facts.definition is None:
        raise Invalid.field("largest", "is for what recurs; this happens once")
    if largest < 1:
        raise Invalid.field("largest", "must be at least 1")
    return facts.definition


async def _audit(
    conn: AsyncConnection, actor: Actor, subject: str, facts: Facts, said: Record
) -> None:
    told = {name: value for name, value in view(said, {}).items() if value and name != "at"}
    await audit_subject(conn, actor, _ACTIONS[said.decision], subject, facts.module, told)
