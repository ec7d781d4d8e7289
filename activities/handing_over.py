"""Hands marked messages to their accounts: in batches, a bounded number at once, and never to an
account that failed while they waited for their turn.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from activities.accounts import Account
from activities.health import Health
from activities.routing import Router, Taken
from domain.delivery import Leased
from domain.message import Message
from domain.outcome import Outcome
from domain.vocabulary import CategoryClass, OutcomeKind, Scope

log = structlog.get_logger()

QUEUE: Final = "queue"
"""The phase of what was marked and then not handed over: its account failed meanwhile."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Deliveries whose account is chosen and whose one message is built for it: one of its own, or
    those of a digest, each with the id of its attempt.
    """

    members: tuple[tuple[Leased, UUID], ...]
    taken: Taken
    message: Message

    @property
    def leased(self) -> Leased:
        """The first of the deliveries; they have address and category in common."""
        return self.members[0][0]

    @property
    def account(self) -> Account:
        """The account it goes over."""
        return self.taken.account


async def hand_over(
    router: Router, ready: Sequence[Ready], *, deadline: float
) -> list[tuple[Ready, Outcome]]:
    """Send everything at once, until `deadline` (of time.monotonic()), each account's in its
    vendor's batches where it has them; return every one with its outcome.
    """
    by_account: defaultdict[UUID, list[Ready]] = defaultdict(list)
    for one in ready:
        by_account[one.account.id].append(one)
    calls: list[list[Ready]] = []
    for listed in by_account.values():
        size = _size(listed[0].account, len(listed))
        calls += [listed[first : first + size] for first in range(0, len(listed), size)]
    done = await asyncio.gather(*(_call(router.health, together, deadline) for together in calls))
    return [pair for pairs in done for pair in pairs]


def _size(account: Account, number: int) -> int:
    """Return how many messages of a number go in one call."""
    if account.in_turn is not None:  # shared out among the connections
        return min(account.in_turn.most_in_turn, -(-number // account.at_once))
    return account.batches.batch if account.batches is not None else 1


async def _call(
    health: Health, together: Sequence[Ready], deadline: float
) -> list[tuple[Ready, Outcome]]:
    account = together[0].account
    async with account.gate:
        reason = health.forbids(account.id)
        if reason and not any(one.taken.probe for one in together):
            missed = Outcome(OutcomeKind.TRANSIENT, reason, Scope.ACCOUNT, phase=QUEUE)
            return [(one, missed) for one in together]
        started = time.monotonic()
        outcomes = await _ask(account, together, deadline)
        seconds = time.monotonic() - started
        if account.in_turn is not None:
            seconds /= len(together)
        for one, outcome in zip(together, outcomes, strict=True):
            await health.note(account.id, outcome, seconds, one.taken.probe)
    return list(zip(together, outcomes, strict=True))


async def _ask(account: Account, together: Sequence[Ready], deadline: float) -> Sequence[Outcome]:
    """Return how a call ended; it raises only when it is cancelled."""
    sender = account.sender
    try:
        messages = [one.message for one in together]
        if len(together) > 1 and account.batches is not None:
            return await account.batches.send_batch(messages, deadline=deadline)
        if len(together) > 1 and account.in_turn is not None:
            return await account.in_turn.send_in_turn(messages, deadline=deadline)
        return [await sender.send(together[0].message, deadline=deadline)]
    except asyncio.CancelledError:
        raise
    except Exception as error:  # a bug of ours must not lose the row: it may have been sent
        # What it says of a one-time code may repeat the code.
        secret = any(one.leased.class_ is CategoryClass.OTP for one in together)
        log.error(
            "vendor.failed",
            vendor=account.vendor,
            kind=type(error).__name__,
            exc_info=None if secret else error,
        )
        failed = Outcome(OutcomeKind.UNKNOWN, "adapter_failed", Scope.MESSAGE)
        return [failed] * len(together)
