"""What records of approvals amount to: the same in any order, and never for who may not."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.approvals import (
    DEFAULT,
    Decision,
    Facts,
    Outcome,
    Person,
    Policy,
    Record,
    Verdict,
    decide,
)
from domain.vocabulary import CategoryClass, Role

NOW, OLD, PLAN = "hash of what stands", "hash of before", "hash of what recurs"
START = datetime(2030, 1, 31, tzinfo=UTC)
MODULE = UUID(int=99)
ANNA, BEN, CARA, DAN, EVE = (UUID(int=n) for n in range(1, 6))
PEOPLE = {id: Person(id, Role.APPROVER) for id in (ANNA, BEN, CARA, DAN)} | {
    EVE: Person(EVE, Role.AUTHOR)
}


def said(user: UUID, hash: str = NOW, minute: int = 0, **more: object) -> Record:
    usual: dict[str, object] = {"decision": Decision.APPROVE}
    at = START + timedelta(minutes=minute)
    return Record(user, hash, at=at, **{**usual, **more})  # type: ignore[arg-type]


def facts(**more: object) -> Facts:
    usual: dict[str, object] = {
        "module": MODULE, "category": "news", "class_": CategoryClass.BULK, "audience": 100,
    }  # fmt: skip
    return Facts(**{**usual, **more})  # type: ignore[arg-type]


def judged(
    *records: Record, policies: tuple[Policy, ...] = (), people: object = PEOPLE, **more: object
) -> Verdict:
    return decide(policies, records, facts(**more), NOW, people)  # type: ignore[arg-type]


def test_one_approval_is_enough_where_no_policy_asks_for_more() -> None:
    waiting = judged()
    assert (waiting.outcome, waiting.left) == (Outcome.WAITING, 1)
    assert waiting.may == set(PEOPLE) - {EVE}
    assert judged(said(ANNA)).outcome is Outcome.APPROVED


def test_a_policy_asks_for_more_and_names_who() -> None:
    policy = Policy("two", approvals=2, larger_than=50, approvers=frozenset({ANNA, BEN, CARA}))
    found = judged(said(ANNA), said(DAN), policies=(policy,))
    assert (found.outcome, found.left, found.may) == (Outcome.WAITING, 1, frozenset({BEN, CARA}))
    assert judged(said(ANNA), said(CARA), policies=(policy,)).outcome is Outcome.APPROVED
    assert judged(said(DAN), policies=(policy,), audience=50).outcome is Outcome.APPROVED


def test_every_policy_must_be_satisfied() -> None:
    strict = (Policy("a", approvers=frozenset({ANNA})), Policy("b", approvers=frozenset({BEN})))
    found = judged(said(ANNA), policies=strict)
    assert (found.outcome, found.may) == (Outcome.WAITING, frozenset({BEN}))
    assert judged(said(ANNA), said(BEN), policies=strict).outcome is Outcome.APPROVED


@pytest.mark.parametrize(
    ("record", "more", "why"),
    [
        (said(ANNA, OLD), {}, "it is of other content"),
        (said(ANNA), {"authors": frozenset({ANNA})}, "its giver wrote or edited"),
        (said(BEN, on_behalf_of=ANNA), {"authors": frozenset({ANNA})}, "its giver wrote"),
        (said(BEN, on_behalf_of=ANNA), {"authors": frozenset({BEN})}, "its giver wrote"),
        (said(EVE), {}, "its giver may no longer"),
        (said(UUID(int=77)), {}, "its giver may no longer"),
        (said(BEN, on_behalf_of=EVE), {}, "its giver may no longer"),
        (said(ANNA, PLAN, largest=99), {"definition": PLAN}, "it stands for 99"),
        (said(ANNA, PLAN, largest=1_000), {}, "it is of other content"),
        (said(ANNA, PLAN), {"definition": PLAN}, "it is of other content"),
        (said(ANNA, NOW, largest=1_000), {"definition": PLAN}, "it is of other content"),
    ],
)
def test_why_a_record_does_not_count(record: Record, more: dict[str, Any], why: str) -> None:
    found = judged(record, **more)
    [(void, told)] = found.void
    assert (void, found.left, told.startswith(why)) == (record, 1, True)
    assert (found.outcome is Outcome.VOID) == (why == "it is of other content")


def test_an_approver_who_was_removed_no_longer_counts() -> None:
    for gone in (
        {**PEOPLE, ANNA: replace(PEOPLE[ANNA], active=False)},
        {**PEOPLE, ANNA: replace(PEOPLE[ANNA], role=Role.OPERATOR)},
        {id: one for id, one in PEOPLE.items() if id != ANNA},
    ):
        for record in (said(ANNA), said(ANNA, on_behalf_of=BEN), said(BEN, on_behalf_of=ANNA)):
            assert judged(record, people=gone).outcome is Outcome.WAITING


def test_a_standing_approval_is_for_each_run_of_its_definition() -> None:
    standing = said(ANNA, PLAN, largest=100)
    assert judged(standing, definition=PLAN).outcome is Outcome.APPROVED
    assert judged(standing, definition=PLAN, audience=101).outcome is Outcome.WAITING
    assert judged(standing, definition="another").outcome is Outcome.VOID
    rejected = said(BEN, decision=Decision.REJECT)
    assert judged(standing, rejected, definition=PLAN).outcome is Outcome.REJECTED


def test_a_standing_approval_ends_when_it_is_revoked_or_its_time_is_over() -> None:
    ends = START + timedelta(days=9)
    standing = said(ANNA, PLAN, largest=100, until=ends, minute=5)
    for at, outcome in ((ends - timedelta(seconds=1), Outcome.APPROVED), (ends, Outcome.WAITING)):
        assert judged(standing, definition=PLAN, at=at).outcome is outcome
    for minute, outcome in ((4, Outcome.APPROVED), (5, Outcome.WAITING), (9, Outcome.WAITING)):
        revoked = said(EVE, PLAN, minute, decision=Decision.REVOKE)
        assert judged(revoked, standing, definition=PLAN).outcome is outcome
        other = said(EVE, OLD, minute, decision=Decision.REVOKE)
        assert judged(other, standing, definition=PLAN).outcome is Outcome.APPROVED
    revoked = said(BEN, PLAN, 6, decision=Decision.REVOKE)
    found = judged(standing, revoked, said(CARA), definition=PLAN)
    assert (found.outcome, found.counted[0].user) == (Outcome.APPROVED, CARA)
    anew = said(ANNA, PLAN, 7, largest=100)
    assert judged(standing, revoked, anew, definition=PLAN).outcome is Outcome.APPROVED


def test_one_rejection_rejects_and_an_old_one_does_not() -> None:
    two = said(ANNA), said(BEN)
    assert judged(*two, said(CARA, decision=Decision.REJECT)).outcome is Outcome.REJECTED
    assert judged(*two, said(CARA, OLD, decision=Decision.REJECT)).outcome is Outcome.APPROVED


def test_a_deputy_counts_in_place_of_who_is_away_and_no_one_twice() -> None:
    two = Policy("two", approvals=2, approvers=frozenset({ANNA, CARA}))
    deputy = said(BEN, on_behalf_of=ANNA)
    found = judged(deputy, said(BEN, minute=1), said(ANNA, minute=2), policies=(two,))
    assert (found.left, found.may) == (1, frozenset({CARA}))
    assert judged(deputy, said(CARA), policies=(two,)).outcome is Outcome.APPROVED


people = st.sampled_from([ANNA, BEN, CARA, DAN, EVE, UUID(int=77)])
records = st.builds(
    said,
    people,
    st.sampled_from([NOW, OLD, PLAN]),
    st.integers(0, 9),
    on_behalf_of=st.none() | people,
    largest=st.none() | st.sampled_from([10, 1_000]),
    until=st.none() | st.sampled_from([START, START + timedelta(minutes=9)]),
    decision=st.sampled_from([Decision.APPROVE] * 4 + [Decision.REVOKE]),
)
policies = st.lists(
    st.builds(
        Policy,
        st.just("p"),
        approvals=st.integers(1, 3),
        larger_than=st.sampled_from([0, 100, 500]),
        approvers=st.frozensets(people, max_size=4),
    ),
    max_size=3,
)
worlds = st.fixed_dictionaries({}, optional={
    id: st.builds(Person, st.just(id), st.sampled_from(Role), st.booleans())
    for id in (ANNA, BEN, CARA, DAN, EVE)
})  # fmt: skip
whose = st.builds(
    facts,
    audience=st.sampled_from([1, 100, 101, 1_000]),
    authors=st.frozensets(people, max_size=3),
    definition=st.sampled_from([None, PLAN]),
    at=st.none() | st.sampled_from([START, START + timedelta(minutes=9)]),
)


@given(policies, st.lists(records, max_size=8), whose, worlds, st.randoms())
def test_no_order_lets_count_what_must_not(
    asked: list[Policy],
    given_: list[Record],
    about: Facts,
    world: dict[UUID, Person],
    chance: random.Random,
) -> None:
    found = decide(asked, given_, about, NOW, world)
    used = [id for record in found.counted for id in record.people]
    assert len(used) == len(set(used)), "one person never counts twice"
    for record in found.counted:
        assert not record.people & about.authors
        assert all(world[id].active for id in record.people)
        assert all(world[id].role in (Role.ADMINISTRATOR, Role.APPROVER) for id in record.people)
        if record.largest is None:
            assert record.hash == NOW
        else:
            assert record.hash == about.definition
            assert about.audience <= record.largest
            assert about.at is None or record.until is None or about.at < record.until
            assert not any(
                one.decision is Decision.REVOKE and one.hash == PLAN and one.at >= record.at
                for one in given_
            )
    binding = [one for one in asked if about.audience > one.larger_than] or [DEFAULT]
    short = [
        one.approvals - sum(one.lets(record.voice) for record in found.counted) for one in binding
    ]
    assert found.left == max(0, *short)
    assert (found.outcome is Outcome.APPROVED) == (found.left == 0)
    assert not found.may & (about.authors | set(used))
    shuffled = list(given_)
    chance.shuffle(shuffled)
    again = decide(asked, shuffled, about, NOW, world)
    assert (again.outcome, again.left, again.may) == (found.outcome, found.left, found.may)


@given(policies, st.lists(records, max_size=6), whose, worlds)
def test_a_rejection_of_what_stands_wins_over_any_approvals(
    asked: list[Policy], given_: list[Record], about: Facts, world: dict[UUID, Person]
) -> None:
    no = said(DAN, minute=99, decision=Decision.REJECT)
    found = decide(asked, [*given_, no], about, NOW, world)
    assert (found.outcome is Outcome.REJECTED) == (DAN not in about.authors)
