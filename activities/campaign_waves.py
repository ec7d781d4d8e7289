"""Which wave of a campaign may be sent by now: its canary, its test, or all of it."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import ab_tests
from domain.ab_tests import AbTest, AbTestState, decide, letter
from domain.campaign import Step
from domain.campaign_canary import UNDECIDED, Breach, Canary, CanaryState, Counts
from domain.campaign_waves import Wave
from domain.frozen_campaign import Frozen
from domain.ids import encode
from stores import ab_tests as store
from stores import audit, campaign_waves, campaigns

log = structlog.get_logger()

ACTOR: Final = "campaign"
"""Who acts, in the audit log, when a campaign stops by itself or goes on."""
_LOOKS: Final = 20
"""So often receipts are looked at in the time that is waited for them, at the most."""
_SHORTEST: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Opened:
    """The last wave that may be sent now; `until` is when to look again at what came of it, None
    where nothing is waited for.
    """

    row: Row[Any]
    wave: Wave = Wave.REST
    until: datetime | None = None
    why: str = ""


async def open_wave(conn: AsyncConnection, row: Row[Any], frozen: Frozen) -> Opened:
    """Return what may be sent now of a campaign that sends; it may be paused by its canary here,
    and its test be decided.
    """
    canary, test = Canary.of(frozen.canary), frozen.test
    if canary is not None and row.canary and row.canary["state"] in UNDECIDED:
        opened = await _open_canary(conn, row, canary)
        if opened is not None:
            return opened
    if test is not None and row.ab_test and row.ab_test["state"] in ab_tests.UNDECIDED:
        return await _open_test(conn, row, test)
    return Opened(row)


async def _open_canary(conn: AsyncConnection, row: Row[Any], canary: Canary) -> Opened | None:
    """Return what is waited for; None when the others may follow."""
    if not await campaign_waves.has_more(conn, row.id, Wave.CANARY):
        await _note(conn, row, {**row.canary, "state": CanaryState.SKIPPED})
        return None
    counts = await campaign_waves.count_canary(conn, row.id)
    now = datetime.now(UTC)
    stands = _stands(row.canary, canary, counts, now)
    decide_at = datetime.fromisoformat(stands["decide_at"]) if stands.get("decide_at") else None
    is_final = decide_at is not None and decide_at <= now
    breaches = canary.breaches(counts, final=is_final)
    if breaches:
        return Opened(await _stop(conn, row, stands, breaches), Wave.CANARY)
    if is_final:
        await _pass(conn, row, stands)
        return None
    await _note(conn, row, stands)
    if decide_at is None:
        return Opened(row, Wave.CANARY, why="the canary is sent")
    rest = max(timedelta(seconds=canary.wait_seconds / _LOOKS), _SHORTEST)
    why = f"the canary's receipts are waited for until {decide_at:%H:%M:%S} UTC"
    return Opened(row, Wave.CANARY, min(decide_at, now + rest), why)


async def _open_test(conn: AsyncConnection, row: Row[Any], test: AbTest) -> Opened:
    stands, before = dict(row.ab_test), row.ab_test["state"]
    if not await campaign_waves.has_more(conn, row.id, Wave.TEST):
        skipped = {**stands, "state": AbTestState.SKIPPED}
        await store.note(conn, row.id, row.run, skipped, before=before)
        return Opened(row)
    now = datetime.now(UTC)
    if before == AbTestState.TESTING:
        if await campaign_waves.has_untried(conn, row.id, Wave.TEST):
            return Opened(row, Wave.TEST, why="the test is sent")
        decide_at = now + timedelta(seconds=test.decide_after_seconds)
        stands |= {"state": AbTestState.WAITING, "decide_at": decide_at.isoformat()}
        await store.note(conn, row.id, row.run, stands, before=before)
    decide_at = datetime.fromisoformat(stands["decide_at"])
    if decide_at <= now:
        await _decide(conn, row, test, stands)
        return Opened(row)
    why = f"the test is decided at {decide_at:%Y-%m-%d %H:%M:%S} UTC"
    return Opened(row, Wave.TEST, decide_at, why)


async def _decide(
    conn: AsyncConnection, row: Row[Any], test: AbTest, stands: dict[str, Any]
) -> None:
    counts = await store.count(
        conn, row.id, test.measure, len(test.variants), end=Wave.TEST.end
    )  # fmt: skip
    decision = decide(counts, test.at_least)
    decided = {
        "state": AbTestState.DECIDED, "winner": decision.winner, "by": decision.by,
        "decided_at": datetime.now(UTC).isoformat(), "counts": [asdict(one) for one in counts],
    }  # fmt: skip
    if await store.note(
        conn, row.id, row.run, {**stands, **decided}, before=AbTestState.WAITING
    ):  # fmt: skip
        detail = {"variant": letter(decision.winner), "by": decision.by}
        await _audit(conn, row.id, row.module_id, "campaign.winner_chosen", detail)


def _stands(
    before: dict[str, Any], canary: Canary, counts: Counts, now: datetime
) -> dict[str, Any]:
    """Return how the canary stands: it waits from the moment when all of it had their turn."""
    stands = {**before, "counts": counts.document()}
    if before["state"] == CanaryState.SENDING and not counts.untried:
        decide_at = now + timedelta(seconds=canary.wait_seconds)
        return {**stands, "state": CanaryState.WAITING, "decide_at": decide_at.isoformat()}
    return stands


async def _note(conn: AsyncConnection, row: Row[Any], stands: dict[str, Any]) -> bool:
    return await campaign_waves.note_canary(
        conn, row.id, row.run, stands, before=row.canary["state"]
    )


async def _pass(conn: AsyncConnection, row: Row[Any], stands: dict[str, Any]) -> None:
    decided = {"state": CanaryState.PASSED, "decided_at": datetime.now(UTC).isoformat()}
    if await _note(conn, row, {**stands, **decided}):
        await _audit(conn, row.id, row.module_id, "campaign.canary_passed", stands["counts"])


async def _stop(
    conn: AsyncConnection, row: Row[Any], stands: dict[str, Any], breaches: list[Breach]
) -> Row[Any]:
    """Pause a campaign with the reason, and return it as it is then."""
    told = [one.told() for one in breaches]
    stopped = await campaigns.step(
        conn, row.id, Step.PAUSE, run=row.run,
        canary={
            **stands, "state": CanaryState.STOPPED, "breaches": told,
            "decided_at": datetime.now(UTC).isoformat(),
        },
        problem={
            "title": "The canary stopped it",
            "detail": f"The canary stopped it: {'; '.join(told)}. Nothing more leaves unless it is"
            " resumed.",
        },
    )  # fmt: skip
    if stopped is None:  # somebody was faster; the next look sees it
        return row
    detail = {**stands["counts"], "breaches": told}
    await _audit(conn, row.id, row.module_id, "campaign.canary_stopped", detail)
    log.info("campaign.canary_stopped", campaign=encode("cmp", row.id))
    return stopped


async def _audit(
    conn: AsyncConnection, id: UUID, module_id: UUID, action: str, detail: dict[str, Any]
) -> None:
    await audit.record(
        conn, module_id=module_id, actor=ACTOR, action=action, subject=encode("cmp", id),
        detail=detail,
    )  # fmt: skip
