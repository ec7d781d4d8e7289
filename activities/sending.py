"""One chunk: render, mark, send, settle. Only what the mark returned leaves the process."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog

from activities.accounts import Account, Accounts
from activities.words import Words
from channels.message import build
from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render
from config.failpoints import failpoint
from domain.delivery import Leased, Mark, Settlement
from domain.ids import encode, new_id
from domain.message import Message
from domain.outcome import Outcome
from domain.retry import judge
from domain.vocabulary import OutcomeKind, Scope, State
from stores.database import Database
from stores.ledger import mark as marks

log = structlog.get_logger()

MARGIN: Final = 0.2
"""Share of a lease that a sender leaves unused, so that no two ever hold one delivery."""

NO_ACCOUNT: Final = Outcome(OutcomeKind.TRANSIENT, "no_account", Scope.ACCOUNT)


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery whose message is built and whose account is chosen."""

    leased: Leased
    attempt_id: UUID
    account: Account
    message: Message


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends chunks of leased deliveries."""

    db: Database
    accounts: Accounts
    words: Words
    default_from: str
    lease_seconds: float
    retry_scale: float

    async def send(self, chunk: Sequence[Leased], token: UUID) -> list[Settlement]:
        """Return how each delivery of a chunk ended; those that were not sent say why."""
        settled: list[Settlement] = []
        ready = [one for one in [await self._prepare(x, settled) for x in chunk] if one]
        if not ready:
            return settled
        deadline = time.monotonic() + self.lease_seconds * (1 - MARGIN)
        marked = await self._mark(ready, token, settled)
        failpoint("marked")
        sent = [one for one in ready if one.leased.id in marked]
        outcomes = await asyncio.gather(*(self._hand_over(one, deadline) for one in sent))
        failpoint("sent")
        settled += [
            self._settlement(one.leased, one.attempt_id, outcome)
            for one, outcome in zip(sent, outcomes, strict=True)
        ]
        return settled

    async def _prepare(self, leased: Leased, settled: list[Settlement]) -> Ready | None:
        account = await self.accounts.for_channel(leased.channel)
        if account is None:
            settled.append(self._settlement(leased, None, NO_ACCOUNT))
            return None
        attempt = new_id()
        try:
            content = await self.words.of(leased)
            message = self._build(leased, content[leased.channel], attempt, account)
        except (RenderFailed, ContentRefused, ValueError, KeyError) as error:
            reason = error.reason if isinstance(error, ContentRefused) else "template_error"
            log.warning(
                "delivery.unrenderable",
                delivery=encode("dlv", leased.id),
                kind=type(error).__name__,
            )
            settled.append(_failed(leased, reason))
            return None
        return Ready(leased, attempt, account, message)

    def _build(
        self, leased: Leased, content: Mapping[str, Any], attempt: UUID, account: Account
    ) -> Message:
        return build(
            leased.channel,
            render(leased.channel, content, leased.data, locale=leased.locale),
            as_fields=account.sender.takes_fields,
            address=leased.address,
            name=leased.name or "",
            attempt_id=encode("att", attempt),
            notification_id=encode("ntf", leased.notification_id),
            default_from=account.sender.default_from or self.default_from,
            locale=leased.locale,
            class_=leased.class_,
            expires_at=leased.expires_at,
        )

    async def _mark(
        self, ready: Sequence[Ready], token: UUID, settled: list[Settlement]
    ) -> set[UUID]:
        margin = self.lease_seconds * MARGIN
        wanted = [
            Mark(one.leased.id, one.attempt_id, one.account.id, one.account.vendor) for one in ready
        ]
        async with self.db.leader() as conn:
            marked = await marks.mark(
                conn, wanted, token=token, margin=margin, seconds=self.lease_seconds
            )
            left = [one.leased.id for one in ready if one.leased.id not in marked]
            late = await marks.find_late(conn, left, token=token, margin=margin) if left else {}
        for delivery, (expired, maybe_sent) in late.items():
            state = State.EXPIRED if expired else State.SUPPRESSED
            reason = "expired" if expired else "suppressed"
            settled.append(
                Settlement(
                    delivery,
                    None,
                    State.UNKNOWN if maybe_sent else state,
                    reason,
                    None,
                    maybe_sent,
                )
            )
        return marked

    async def _hand_over(self, one: Ready, deadline: float) -> Outcome:
        try:
            return await one.account.sender.send(one.message, deadline=deadline)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a bug of ours must not lose the row: it may have been sent
            log.exception("vendor.failed", vendor=one.account.vendor, kind=type(error).__name__)
            return Outcome(OutcomeKind.UNKNOWN, "adapter_failed", Scope.MESSAGE)

    def _settlement(self, leased: Leased, attempt: UUID | None, outcome: Outcome) -> Settlement:
        verdict = judge(
            outcome,
            class_=leased.class_,
            attempts=leased.attempts + 1,
            maybe_sent=leased.maybe_sent,
            now=datetime.now(UTC),
            expires_at=leased.expires_at,
            scale=self.retry_scale,
            jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
        )
        return Settlement(
            leased.id,
            attempt,
            verdict.state,
            verdict.reason,
            verdict.due_at,
            outcome.maybe_sent,
            outcome if attempt else None,
        )


def _failed(leased: Leased, reason: str) -> Settlement:
    state = State.UNKNOWN if leased.maybe_sent else State.FAILED
    return Settlement(leased.id, None, state, reason, None, leased.maybe_sent)
