"""When an account is left alone."""

import pytest

from domain.circuit import LATEST, LEAST_BAD, Record, bad, next_step
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope

GOOD = Outcome(OutcomeKind.ACCEPTED, vendor_id="1")
DOWN = Outcome(OutcomeKind.TRANSIENT, "vendor_unavailable", Scope.ACCOUNT)
LOST = Outcome(OutcomeKind.UNKNOWN, "timeout_after_body")
NOBODY = Outcome(OutcomeKind.REJECTED, "invalid_address", Scope.RECIPIENT)
SLOWER = Outcome(OutcomeKind.THROTTLED, "rate_account", Scope.ACCOUNT)
FULL = Outcome(OutcomeKind.TRANSIENT, "mailbox_full", Scope.RECIPIENT)
SHUT = Outcome(OutcomeKind.REJECTED, "suspended", Scope.ACCOUNT)
HELD = Outcome(OutcomeKind.ACCEPTED, "suspended", Scope.ACCOUNT, vendor_id="1")
FULL_UP = Outcome(OutcomeKind.ACCEPTED, "quota_exhausted", Scope.ACCOUNT, vendor_id="1")
REGION = Outcome(OutcomeKind.REJECTED, "not_allowed_in_region", Scope.ACCOUNT)


@pytest.mark.parametrize(
    ("outcome", "speaks_against", "another"),
    [
        (GOOD, False, False),
        (DOWN, True, True),
        (LOST, True, False),
        (NOBODY, False, False),
        (SLOWER, False, True),
        (FULL, False, False),
        (SHUT, True, True),
        (HELD, True, False),
        (FULL_UP, True, False),
    ],
    ids=lambda one: one.reason or one.kind if isinstance(one, Outcome) else str(one),
)
def test_what_an_outcome_says_of_the_account(
    outcome: Outcome, speaks_against: bool, another: bool
) -> None:
    assert (bad(outcome), next_step(outcome)) == (speaks_against, another)


def test_a_few_failures_are_not_enough() -> None:
    record = Record()
    assert [record.add(DOWN) for _ in range(LEAST_BAD - 1)] == [""] * (LEAST_BAD - 1)
    assert record.add(DOWN) == "5 of the last 5 failed: vendor_unavailable"


def test_failures_among_many_good_ones_are_not_enough() -> None:
    record = Record()
    for _ in range(LATEST):
        assert record.add(GOOD) == ""
    trips = [record.add(DOWN) for _ in range(LATEST // 2)]
    assert trips[:-1] == [""] * (LATEST // 2 - 1)
    assert trips[-1] == "10 of the last 20 failed: vendor_unavailable"


def test_what_another_message_cannot_change_opens_at_once() -> None:
    assert Record().add(SHUT) == "suspended"
    assert Record().add(HELD) == "suspended", "the message is the vendor's, the next one is not"
    assert Record().add(REGION) == "", "another number may be allowed"


def test_an_account_whose_messages_are_held_back_is_left_alone() -> None:
    record = Record()
    assert [record.add(FULL_UP) for _ in range(LEAST_BAD)][-1] == (
        "5 of the last 5 failed: quota_exhausted"
    )


def test_recipients_and_throttling_never_open_it() -> None:
    record = Record()
    assert {record.add(one) for _ in range(LATEST) for one in (NOBODY, SLOWER, FULL)} == {""}


def test_a_changed_circuit_begins_anew() -> None:
    record = Record()
    for _ in range(LEAST_BAD):
        record.add(DOWN)
    record.forget()
    assert record.add(DOWN) == ""
