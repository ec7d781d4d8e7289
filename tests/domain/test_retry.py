"""Retries: by class, bounded by schedule and expiry; doubt is never called failure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.outcome import Outcome
from domain.retry import DELAYS, describe, judge
from domain.vocabulary import RESENT_WHEN_UNKNOWN, CategoryClass, OutcomeKind, Scope, State

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def verdict(outcome: Outcome, **given: Any) -> Any:
    usual: dict[str, Any] = {
        "class_": CategoryClass.TRANSACTIONAL, "attempts": 1, "maybe_sent": False, "now": NOW,
        "expires_at": NOW + timedelta(days=3),
    }  # fmt: skip
    return judge(outcome, **{**usual, **given})


def test_accepted_is_sent() -> None:
    assert verdict(Outcome(OutcomeKind.ACCEPTED)).state is State.SENT


@pytest.mark.parametrize("class_", list(CategoryClass))
def test_unknown_goes_by_the_policy_of_the_class(class_: CategoryClass) -> None:
    found = verdict(
        Outcome(OutcomeKind.UNKNOWN, "connection_lost_after_body"),
        class_=class_,
        expires_at=NOW + timedelta(days=3),
    )
    resent = class_ in RESENT_WHEN_UNKNOWN
    assert found.state is (State.HELD if resent else State.UNKNOWN)
    assert (found.due_at is not None) == resent


def test_a_rejected_recipient_fails_at_once() -> None:
    found = verdict(Outcome(OutcomeKind.REJECTED, "invalid_address", Scope.RECIPIENT))
    assert (found.state, found.reason) == (State.FAILED, "invalid_address")


def test_a_rejected_account_is_tried_again_since_an_operator_can_mend_it() -> None:
    found = verdict(Outcome(OutcomeKind.REJECTED, "auth_failed", Scope.ACCOUNT))
    assert found.state is State.HELD


def test_the_vendor_may_ask_for_a_longer_wait() -> None:
    found = verdict(Outcome(OutcomeKind.THROTTLED, "rate_account", retry_after=500))
    assert found.due_at == NOW + timedelta(seconds=500)


def test_a_retry_after_the_expiry_is_not_promised() -> None:
    found = verdict(
        Outcome(OutcomeKind.TRANSIENT, "connect_failed"), expires_at=NOW + timedelta(seconds=2)
    )
    assert found.state is State.EXPIRED


def test_doubt_stays_doubt_when_the_next_attempt_is_refused() -> None:
    refused = Outcome(OutcomeKind.REJECTED, "content_filtered", Scope.MESSAGE)
    assert verdict(refused, maybe_sent=True).state is State.UNKNOWN


@given(
    st.sampled_from(list(OutcomeKind)),
    st.sampled_from(list(Scope)),
    st.sampled_from(list(CategoryClass)),
    st.integers(1, 30),
    st.booleans(),
    st.floats(0, 1),
    st.floats(0, 10_000),
    st.integers(-10, 400_000),
)
def test_every_verdict_is_final_or_due_before_the_expiry(
    kind: OutcomeKind, scope: Scope, class_: CategoryClass, attempts: int, maybe: bool,
    jitter: float, retry_after: float, seconds: int,
) -> None:  # fmt: skip
    expires = NOW + timedelta(seconds=seconds)
    outcome = Outcome(kind, "x", scope, retry_after=retry_after)
    found = verdict(
        outcome, class_=class_, attempts=attempts, maybe_sent=maybe, jitter=jitter,
        expires_at=expires,
    )  # fmt: skip
    if found.state is State.HELD:
        assert found.due_at is not None
        assert NOW < found.due_at < expires
        assert attempts <= len(DELAYS[class_])
    else:
        assert found.due_at is None
    if found.state in (State.FAILED, State.EXPIRED):
        assert not maybe
        assert not outcome.maybe_sent


def test_the_words_of_a_hold_say_channel_reason_and_how_often() -> None:
    words = describe("sms", "rate_account", class_=CategoryClass.TRANSACTIONAL, attempts=2)
    assert words == "sms: rate_account, retry 2 of 8"
