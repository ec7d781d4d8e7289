"""What outcomes make of deliveries: settled for good, or held until they are tried again."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from activities.handing_over import QUEUE, Ready
from activities.health import Health
from activities.routing import Waits
from activities.words import Words
from domain.delivery import Leased, Settlement
from domain.outcome import Outcome
from domain.retry import Verdict, judge
from domain.vocabulary import OutcomeKind, Scope, State


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Judges by the retry schedules, which `retry_scale` multiplies."""

    health: Health
    words: Words
    retry_scale: float

    def of_message(self, one: Ready, outcome: Outcome, *, goes_on: bool) -> list[Settlement]:
        """Return what an outcome makes of each delivery of a message, the same for all."""
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        return [
            self._settlement(one, leased, attempt, outcome, jitter, goes_on=goes_on)
            for leased, attempt in one.members
        ]

    def _settlement(
        self,
        one: Ready,
        leased: Leased,
        attempt_id: UUID,
        outcome: Outcome,
        jitter: float,
        *,
        goes_on: bool,
    ) -> Settlement:
        if goes_on:
            now = datetime.now(UTC)
            return Settlement(
                leased.id, attempt_id, State.HELD, outcome.reason, now, False,
                self.words.keepable(leased, outcome), goes_on=True,
            )  # fmt: skip
        if outcome.phase == QUEUE:
            comes_back = self.health.comes_back(one.account.id)
            waits = self.waiting(leased, Waits(outcome.reason, comes_back))
            return replace(waits, attempt_id=attempt_id, outcome=outcome)
        verdict = self._judge(leased, outcome, jitter)
        return Settlement(
            leased.id,
            attempt_id,
            verdict.state,
            verdict.reason,
            verdict.due_at,
            outcome.maybe_sent,
            self.words.keepable(leased, outcome),
            round=verdict.state is State.HELD,
        )

    def waiting(self, leased: Leased, way: Waits) -> Settlement:
        """Hold a delivery that no account can take now; that is no round of its own."""
        outcome = Outcome(OutcomeKind.TRANSIENT, way.reason, Scope.ACCOUNT)
        verdict = self._judge(leased, outcome, random.random())  # noqa: S311 - spreads retries
        due_at = verdict.due_at
        if verdict.state is State.HELD and way.due_at is not None:
            due_at = way.due_at
            if due_at >= leased.expires_at:
                ended = State.UNKNOWN if leased.maybe_sent else State.EXPIRED
                return Settlement(
                    leased.id, None, ended, way.reason, None, leased.maybe_sent, route=way.record
                )
        return Settlement(
            leased.id, None, verdict.state, verdict.reason, due_at, leased.maybe_sent,
            route=way.record,
        )  # fmt: skip

    def _judge(self, leased: Leased, outcome: Outcome, jitter: float) -> Verdict:
        return judge(
            outcome,
            class_=leased.class_,
            attempts=leased.rounds + 1,
            maybe_sent=leased.maybe_sent,
            now=datetime.now(UTC),
            expires_at=leased.expires_at,
            scale=self.retry_scale,
            jitter=jitter,
        )
