"""Who may approve what, and what a subject's records amount to; pure, and the same in any order.

A record is a fact that stays. Whether it counts is judged anew each time: for the hash that stands
now, by people who may approve now. So a change of the content, or of an approver's role, takes
effect without touching a record.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.roles import APPROVERS
from domain.vocabulary import CategoryClass, Role


class Decision(StrEnum):
    """What an approver said."""

    APPROVE = "approve"
    REJECT = "reject"
    REVOKE = "revoke"
    """Takes back the standing approvals of a definition that were given until then."""


class Outcome(StrEnum):
    """What the records amount to; `void`: there are approvals, but none for what stands now."""

    APPROVED = "approved"
    WAITING = "waiting"
    VOID = "void"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Person:
    """A user as far as approving goes."""

    id: UUID
    role: Role
    active: bool = True

    @property
    def may_approve(self) -> bool:
        """Whether they may approve anything at all."""
        return self.active and self.role in APPROVERS


@dataclass(frozen=True, slots=True)
class Record:
    """What a user said of a hash, for themselves or on behalf of somebody who is away.

    With `largest` it is a standing approval: of a definition, for each run to so many at most, and
    with `until` for those that begin before then.
    """

    user: UUID
    hash: str
    decision: Decision
    at: datetime
    on_behalf_of: UUID | None = None
    largest: int | None = None
    reason: str = ""
    until: datetime | None = None

    @property
    def people(self) -> frozenset[UUID]:
        """Everybody who is used up by this record."""
        return frozenset({self.user, self.on_behalf_of or self.user})

    @property
    def voice(self) -> UUID:
        """In whose name it is."""
        return self.on_behalf_of or self.user


@dataclass(frozen=True, slots=True)
class Policy:
    """So many of those who may (empty: of all approvers) must approve what goes to more.

    They are reminded at intervals, and what is not approved before the deadline, counted from when
    approval was asked for, expires.
    """

    name: str
    approvals: int = 1
    larger_than: int = 0
    approvers: frozenset[UUID] = frozenset()
    remind_every: timedelta | None = None
    deadline: timedelta | None = None

    def lets(self, voice: UUID) -> bool:
        """Whether an approval in this name counts."""
        return not self.approvers or voice in self.approvers


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be approved: whose, about what, to how many, and who wrote or edited it.

    `definition` is the hash of what recurs, if it does; standing approvals are bound to it. `at`
    is when this run of it was to begin.
    """

    module: UUID
    category: str
    class_: CategoryClass
    audience: int
    authors: frozenset[UUID] = frozenset()
    definition: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands: `left` approvals are missing, which `may` give; why others do not count."""

    outcome: Outcome
    left: int = 0
    may: frozenset[UUID] = frozenset()
    counted: tuple[Record, ...] = ()
    void: tuple[tuple[Record, str], ...] = ()
    rejection: Record | None = None


DEFAULT: Final = Policy("default")
_OTHER: Final = "it is of other content, recipients or times"


def decide(
    policies: Sequence[Policy],
    records: Iterable[Record],
    facts: Facts,
    hash: str,
    people: Mapping[UUID, Person],
) -> Verdict:
    """Return what records amount to for what stands under `hash` now.

    Every policy that fits the size must be satisfied, and one approval is needed where none does.
    One rejection rejects, whatever became of who gave it.
    """
    counted, void = list[Record](), list[tuple[Record, str]]()
    used: set[UUID] = set()
    given = list(records)
    revoked_at = revocation(given, facts)
    for record in sorted((one for one in given if not _revokes(one)), key=_rank):
        why = void_because(record, facts, hash, people, revoked_at=revoked_at)
        if why is None and record.decision is Decision.REJECT:
            return Verdict(Outcome.REJECTED, rejection=record)
        if why is None and used & record.people:
            why = "somebody in it has counted already"
        if why is not None:
            void.append((record, why))
        else:
            counted.append(record)
            used |= record.people
    binding = fitting(policies, facts) or [DEFAULT]
    return _verdict(binding, counted, void, _free(people, facts, used))


def fitting(policies: Sequence[Policy], facts: Facts) -> list[Policy]:
    """Return the policies that bind something of its size; without any, DEFAULT does."""
    return [one for one in policies if facts.audience > one.larger_than]


def revocation(records: Iterable[Record], facts: Facts) -> datetime | None:
    """Return when the standing approvals of a definition were last revoked, by whomever."""
    moments = [one.at for one in records if _revokes(one) and one.hash == facts.definition]
    return max(moments, default=None)


def void_because(
    record: Record,
    facts: Facts,
    hash: str,
    people: Mapping[UUID, Person],
    *,
    revoked_at: datetime | None = None,
) -> str | None:
    """Return why a record does not count, looked at alone; None when it does."""
    if record.hash != (hash if record.largest is None else facts.definition):
        return _OTHER
    if record.largest is not None and revoked_at is not None and record.at <= revoked_at:
        return "it was revoked"
    if record.until is not None and facts.at is not None and facts.at >= record.until:
        return "its time is over"
    if record.people & facts.authors:
        return "its giver wrote or edited this"
    if record.largest is not None and facts.audience > record.largest:
        return f"it stands for {record.largest} recipients at most"
    if record.decision is Decision.REJECT:
        return None
    if not all(id in people and people[id].may_approve for id in record.people):
        return "its giver may no longer approve"
    return None


def _revokes(record: Record) -> bool:
    return record.decision is Decision.REVOKE


def _rank(record: Record) -> tuple[object, ...]:
    """Rejections first; then who speaks in person, so that no deputy uses them up."""
    approves, away = record.decision is Decision.APPROVE, record.on_behalf_of
    return (
        approves, away is not None, record.at, record.user, away or record.user, record.hash,
        record.largest or 0, record.until is not None, record.until or record.at,
    )  # fmt: skip


def _free(people: Mapping[UUID, Person], facts: Facts, used: set[UUID]) -> frozenset[UUID]:
    able = {id for id, person in people.items() if person.may_approve}
    return frozenset(able - facts.authors - used)


def _verdict(
    policies: Sequence[Policy],
    counted: Sequence[Record],
    void: Sequence[tuple[Record, str]],
    free: frozenset[UUID],
) -> Verdict:
    left, may = 0, set[UUID]()
    for policy in policies:
        missing = policy.approvals - sum(policy.lets(one.voice) for one in counted)
        if missing > 0:
            left = max(left, missing)
            may |= {id for id in free if policy.lets(id)}
    outcome = Outcome.WAITING if left else Outcome.APPROVED
    if left and not counted and any(why == _OTHER for _, why in void):
        outcome = Outcome.VOID
    return Verdict(outcome, left, frozenset(may), tuple(counted), tuple(void))
