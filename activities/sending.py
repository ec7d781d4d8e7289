"""One chunk: route, mark, send, settle; what an account surely did not send goes on to the next.

Only what a mark returned leaves the process.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog

from activities import late_checks
from activities.accounts import Account
from activities.handing_over import QUEUE, Ready, hand_over
from activities.routing import PACED, Router, Taken, Waits
from activities.rule_book import RuleBook, RuleBroken, check
from activities.unsubscribe_links import UnsubscribeLinks
from activities.words import Words
from channels.message import build
from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render
from config.failpoints import failpoint
from domain.circuit import next_step
from domain.decision import Decision
from domain.delivery import Leased, Mark, Settlement
from domain.ids import encode, new_id
from domain.message import Message
from domain.outcome import Outcome
from domain.retry import Verdict, judge
from domain.vocabulary import OutcomeKind, Scope, State
from stores.database import Database
from stores.ledger import mark as marks

log = structlog.get_logger()

MARGIN: Final = 0.2
"""Share of a lease that a sender leaves unused, so that no two ever hold one delivery."""
MOST_ACCOUNTS: Final = 5
"""Accounts that are tried for a delivery in one pass."""
PATIENCE_SECONDS: Final = 2.0
"""How long a chunk waits for its turn at a paced account before the rest of it is held."""
_PACE_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends chunks of leased deliveries."""

    db: Database
    router: Router
    words: Words
    rules: RuleBook
    default_from: str
    receipts_url: str
    unsubscribing: UnsubscribeLinks
    lease_seconds: float
    retry_scale: float

    async def send(self, chunk: Sequence[Leased], token: UUID) -> AsyncIterator[list[Settlement]]:
        """Yield how the deliveries of a chunk ended, round by round; each yield is to be settled
        before the next is asked for. A delivery that another account is to try comes again.
        """
        tried: dict[UUID, frozenset[UUID]] = {}
        left, until = list(chunk), time.monotonic() + PATIENCE_SECONDS
        while left:
            settled: list[Settlement] = []
            paced: list[tuple[Leased, Waits]] = []
            outcomes = await self._round(left, token, tried, settled, paced)
            if time.monotonic() > until:
                settled += [self._waiting(one, way) for one, way in paced]
                paced = []
            left = [one for one, _ in paced]
            for one, outcome in outcomes:
                failed = tried.get(one.leased.id, frozenset()) | {one.account.id}
                goes_on = await self._goes_on(one, outcome, failed)
                settled.append(self._settlement(one, outcome, goes_on=goes_on))
                if goes_on:
                    tried[one.leased.id] = failed
                    left.append(replace(one.leased, attempts=one.leased.attempts + 1))
            yield settled
            if paced:
                await asyncio.sleep(_PACE_PAUSE)

    async def _round(
        self,
        chunk: Sequence[Leased],
        token: UUID,
        tried: Mapping[UUID, frozenset[UUID]],
        settled: list[Settlement],
        paced: list[tuple[Leased, Waits]],
    ) -> list[tuple[Ready, Outcome]]:
        """Return what was sent, with outcomes; what was not is in `settled` with its reason, or in
        `paced` when it must only wait for its turn.
        """
        chosen = await self.router.choose(chunk, tried)
        ready: list[Ready] = []
        for leased in chunk:
            way = chosen[leased.id]
            if isinstance(way, Waits) and way.reason == PACED:
                paced.append((leased, way))
            elif isinstance(way, Waits):
                settled.append(self._waiting(leased, way))
            elif (built := await self._prepare(leased, way, settled)) is not None:
                ready.append(built)
        if not ready:
            return []
        deadline = time.monotonic() + self.lease_seconds * (1 - MARGIN)
        marked = await self._mark(ready, token, settled)
        await failpoint("marked")
        sent = [one for one in ready if one.leased.id in marked]
        outcomes = await hand_over(self.router, sent, deadline=deadline)
        await failpoint("sent")
        return outcomes

    async def _prepare(
        self, leased: Leased, taken: Taken, settled: list[Settlement]
    ) -> Ready | None:
        attempt = new_id()
        try:
            content = await self.words.of(leased)
            rendered = self._render(leased, content[leased.channel])
            check(await self.rules.of(leased), leased, rendered)
            message = self._build(leased, rendered, attempt, taken.account)
        except (RenderFailed, RuleBroken, ContentRefused, ValueError, KeyError) as error:
            named = error if isinstance(error, ContentRefused | RuleBroken) else None
            reason = named.reason if named else "template_error"
            log.warning(
                "delivery.unrenderable",
                delivery=encode("dlv", leased.id),
                kind=type(error).__name__,
            )
            settled.append(_failed(leased, reason))
            return None
        return Ready(leased, attempt, taken, message)

    def _render(self, leased: Leased, content: Mapping[str, Any]) -> Mapping[str, Any]:
        return render(
            leased.channel,
            content,
            {**self.unsubscribing.supplied(leased), **self.words.data_for(leased)},
            locale=leased.locale,
            timezone=leased.timezone,
        )

    def _build(
        self, leased: Leased, rendered: Mapping[str, Any], attempt: UUID, account: Account
    ) -> Message:
        attempt_id = encode("att", attempt)
        return build(
            leased.channel,
            rendered,
            as_fields=account.sender.takes_fields,
            address=leased.address,
            name=leased.name or "",
            attempt_id=attempt_id,
            notification_id=encode("ntf", leased.notification_id),
            default_from=account.sender.default_from or self.default_from,
            locale=leased.locale,
            unsubscribe_url=self.unsubscribing.of(leased),
            class_=leased.class_,
            expires_at=leased.expires_at,
            target=leased.target,
            callback_url=f"{self.receipts_url}/{encode('acc', account.id)}?attempt={attempt_id}",
        )

    async def _mark(
        self, ready: Sequence[Ready], token: UUID, settled: list[Settlement]
    ) -> set[UUID]:
        margin = self.lease_seconds * MARGIN
        bound = {one.leased.id: await self.rules.of(one.leased) for one in ready}
        async with self.db.leader() as conn:
            decisions = await late_checks.check(conn, [one.leased for one in ready], bound)
            wanted = [one for one in ready if late_checks.may_go(decisions.get(one.leased.id))]
            marked = await marks.mark(
                conn,
                [_mark_of(one, decisions.get(one.leased.id)) for one in wanted],
                token=token,
                margin=margin,
                seconds=self.lease_seconds,
            )
            left = [one.leased.id for one in wanted if one.leased.id not in marked]
            late = await marks.find_late(conn, left, token=token, margin=margin) if left else {}
        settled += late_checks.stopped([one.leased for one in ready], decisions, marked)
        for delivery, (expired, maybe_sent) in late.items():
            state = State.EXPIRED if expired else State.SUPPRESSED
            reason = "expired" if expired else "suppressed"
            ended = State.UNKNOWN if maybe_sent else state
            settled.append(Settlement(delivery, None, ended, reason, None, maybe_sent))
        return marked

    async def _goes_on(self, one: Ready, outcome: Outcome, failed: frozenset[UUID]) -> bool:
        """Whether another account may be tried now."""
        if not next_step(outcome) or len(failed) >= MOST_ACCOUNTS:
            return False
        return await self.router.another(one.leased, failed)

    def _settlement(self, one: Ready, outcome: Outcome, *, goes_on: bool) -> Settlement:
        leased = one.leased
        if goes_on:
            now = datetime.now(UTC)
            return Settlement(
                leased.id, one.attempt_id, State.HELD, outcome.reason, now, False,
                self.words.keepable(leased, outcome), goes_on=True,
            )  # fmt: skip
        if outcome.phase == QUEUE:
            comes_back = self.router.health.comes_back(one.account.id)
            waits = self._waiting(leased, Waits(outcome.reason, comes_back))
            return replace(waits, attempt_id=one.attempt_id, outcome=outcome)
        verdict = self._judge(leased, outcome)
        return Settlement(
            leased.id,
            one.attempt_id,
            verdict.state,
            verdict.reason,
            verdict.due_at,
            outcome.maybe_sent,
            self.words.keepable(leased, outcome),
            round=verdict.state is State.HELD,
        )

    def _waiting(self, leased: Leased, way: Waits) -> Settlement:
        """Hold a delivery that no account can take now; that is no round of its own."""
        outcome = Outcome(OutcomeKind.TRANSIENT, way.reason, Scope.ACCOUNT)
        verdict = self._judge(leased, outcome)
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

    def _judge(self, leased: Leased, outcome: Outcome) -> Verdict:
        return judge(
            outcome,
            class_=leased.class_,
            attempts=leased.rounds + 1,
            maybe_sent=leased.maybe_sent,
            now=datetime.now(UTC),
            expires_at=leased.expires_at,
            scale=self.retry_scale,
            jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
        )


def _mark_of(one: Ready, decision: Decision | None) -> Mark:
    return Mark(
        one.leased.id, one.attempt_id, one.account.id, one.account.vendor, one.taken.record,
        decision.record() if decision else None,
    )  # fmt: skip


def _failed(leased: Leased, reason: str) -> Settlement:
    state = State.UNKNOWN if leased.maybe_sent else State.FAILED
    return Settlement(leased.id, None, state, reason, None, leased.maybe_sent)
