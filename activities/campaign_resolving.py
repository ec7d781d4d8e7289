"""The activity that resolves a campaign: its audience frozen, its deliveries written in shards.

Again after a crash it begins anew, with the snapshot that was frozen: nothing of it is sent yet.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.campaign_dealing import SHARD, Dealing
from activities.campaign_planning import plan_page
from activities.campaigns import find_mine
from activities.heartbeats import heartbeat
from config.failpoints import failpoint
from domain.ab_tests import AbTestState
from domain.campaign import Step
from domain.campaign_canary import Canary, CanaryState
from domain.campaign_waves import Wave
from domain.errors import Problem, Unavailable
from domain.frozen_campaign import Frozen, fingerprint
from domain.ids import decode, encode
from domain.orders import CampaignOrder
from stores import (
    audience_snapshots,
    campaign_waves,
    campaign_work,
    campaigns,
    rules,
    templates,
)
from stores.database import Database
from stores.ledger import campaign_rows

log = structlog.get_logger()

PATIENCE_SECONDS: Final = 180.0
"""How long a source that cannot be reached is tried again."""
_AT_ONCE: Final = 5_000
_NOBODY: Final = {
    "title": "Nobody is in the audience",
    "detail": "The audience was resolved and is empty; nothing was sent.",
}

Freeze = Callable[[Row[Any]], Awaitable[UUID]]
"""Keeps the audience of a campaign's row as a snapshot and returns its id; raises Problem."""


class _Gone(Exception):
    """The campaign is not being resolved any more, or another try does so."""


@dataclass(frozen=True, slots=True)
class CampaignResolving:
    """Turns audiences into deliveries, in memory that does not grow with them."""

    db: Database
    freeze: Freeze
    retry_scale: float

    @activity.defn(name="resolve_campaign")
    async def resolve(self, order: CampaignOrder) -> None:
        """Resolve a campaign, which awaits approval then; or is a draft with its problem again."""
        id = decode("cmp", order.campaign_id)
        async with heartbeat(lambda: self._beat(id, order.run)):
            token = uuid4()
            async with self.db.leader() as conn:
                row = await find_mine(conn, order)
                if row is None or not await campaign_work.begin_resolving(conn, row, token):
                    return
            try:
                await _Resolution(self.db, self.freeze, self.retry_scale, token).resolve(row)
            except _Gone:
                return

    async def _beat(self, id: UUID, run: int) -> None:
        async with self.db.leader() as conn:
            await campaign_work.beat(conn, id, run)


@dataclass(frozen=True, slots=True)
class _Resolution:
    """One try to resolve a campaign: it writes only as long as its token is the row's."""

    db: Database
    freeze: Freeze
    retry_scale: float
    token: UUID

    async def resolve(self, row: Row[Any]) -> None:
        await self._remove(row)
        snapshot_id = await self._snapshot(row)
        if snapshot_id is None:
            return
        async with self.db.leader() as conn:
            snapshot = await audience_snapshots.get(conn, snapshot_id)
        if not snapshot.members:
            await self._give_up(row, _NOBODY)
            return
        shards = await self._plan(row, snapshot_id)
        if not await self._on_trial(row):
            await self._suppress_duplicates(row)
        canary = await self._draw_canary(row)
        await self._finish(row, snapshot, shards, canary)

    async def _snapshot(self, row: Row[Any]) -> UUID | None:
        """Return the frozen audience; None when there is none and the campaign was told so."""
        if row.snapshot_id is not None:
            kept: UUID = row.snapshot_id
            return kept
        try:
            snapshot_id = await self.freeze(row)
        except Unavailable as problem:
            waited = (datetime.now(UTC) - row.submitted_at).total_seconds()
            if waited < PATIENCE_SECONDS * self.retry_scale:
                # Temporal tries again; what the source said may hold what nobody else should see.
                raise ApplicationError("the source of the audience cannot be reached") from None
            await self._give_up(row, _told(problem))
            return None
        except Problem as problem:
            await self._give_up(row, _told(problem))
            return None
        async with self.db.leader() as conn:
            await self._hold(conn, row)
            await campaign_work.freeze(conn, row.id, snapshot_id)
        return snapshot_id

    async def _plan(self, row: Row[Any], snapshot_id: UUID) -> int:
        """Write the deliveries, a page in a transaction; return the number of pages."""
        frozen, after, page = Frozen.read(row.frozen), None, 0
        dealing = Dealing.of(row.id, frozen.test)
        while True:
            async with self.db.leader() as conn:
                await self._hold(conn, row)
                members: Sequence[Row[Any]] = await audience_snapshots.find_members(
                    conn, snapshot_id, after=after, most=SHARD
                )
                if not members:
                    return page
                await plan_page(conn, row, frozen, members, page, dealing)
            after, page = members[-1].key, page + 1
            await failpoint("shard_written")

    async def _suppress_duplicates(self, row: Row[Any]) -> None:
        found = _AT_ONCE
        while found == _AT_ONCE:
            async with self.db.leader() as conn:
                await self._hold(conn, row)
                found = await campaign_rows.suppress_duplicates(conn, row.id, most=_AT_ONCE)

    async def _draw_canary(self, row: Row[Any]) -> dict[str, Any] | None:
        """Move those who get it first into shards of their own; return how the canary stands."""
        frozen = Frozen.read(row.frozen)
        canary = Canary.of(frozen.canary)
        if canary is None:
            return None
        wave = Wave.TEST if frozen.ab_test else Wave.REST
        async with self.db.leader() as conn:
            waves = await campaign_waves.count_recipients(conn, row.id)
            number = min(canary.size(sum(waves.values())), waves.get(wave, 0))
            last = await campaign_waves.find_last(conn, row.id, number, wave=wave)
        moved, shards = 1, ceil(number / SHARD)
        while last is not None and moved:
            async with self.db.leader() as conn:
                await self._hold(conn, row)
                moved = await campaign_waves.move(
                    conn, row.id, last=last, wave=wave, shards=shards, most=_AT_ONCE
                )
        return {"state": CanaryState.SENDING, "recipients": number}

    async def _on_trial(self, row: Row[Any]) -> bool:
        """Whether all go to the few addresses of a trial: none of them is a duplicate then."""
        async with self.db.leader() as conn:
            standings = await rules.of_modules(conn, [row.module_id])
        return standings[row.module_id].trial is not None

    async def _finish(
        self, row: Row[Any], snapshot: Row[Any], shards: int, canary: dict[str, Any] | None
    ) -> None:
        frozen = Frozen.read(row.frozen)
        async with self.db.leader() as conn:
            await self._hold(conn, row)
            counts = await campaign_rows.count(conn, row.id)
            words: dict[str, Any] = {}
            found = await templates.load_versions(conn, frozen.templates)
            said = [
                {"content": found[one].content, "locales": found[one].locales}
                for one in frozen.templates
            ]
            if said:
                words = said[0] if frozen.test is None else {"variants": said}
        if not counts["channels"]:
            await self._give_up(row, _all_suppressed(counts["suppressed"]))
            return
        column = replace(frozen, counts=counts).column()
        window = [one.isoformat() if one else None for one in (row.start_at, row.end_at)]
        hash = fingerprint(column, snapshot=snapshot.hash, words=words, window=window, run=row.run)
        async with self.db.leader() as conn:
            await self._hold(conn, row)
            await campaigns.step(
                conn,
                row.id,
                Step.RESOLVED,
                run=row.run,
                frozen=column,
                hash=hash,
                shards=shards,
                members=snapshot.members,
                canary=canary,
                ab_test={"state": AbTestState.TESTING} if frozen.test else None,
            )
        log.info("campaign.resolved", campaign=encode("cmp", row.id), members=snapshot.members)

    async def _remove(self, row: Row[Any]) -> None:
        """Remove what an earlier run, or an earlier try of this one, has written."""
        found = _AT_ONCE
        while found:
            async with self.db.leader() as conn:
                await self._hold(conn, row)
                found = await campaign_rows.remove(conn, row.id, most=_AT_ONCE)

    async def _give_up(self, row: Row[Any], problem: dict[str, str]) -> None:
        """Make it a draft again, with the problem; its workflow removes what was written."""
        async with self.db.leader() as conn:
            await self._hold(conn, row)
            await campaigns.step(conn, row.id, Step.UNRESOLVED, run=row.run, problem=problem)
        log.info("campaign.unresolved", campaign=encode("cmp", row.id), why=problem["title"])

    async def _hold(self, conn: AsyncConnection, row: Row[Any]) -> None:
        if not await campaign_work.hold_resolving(conn, row.id, self.token):
            raise _Gone


def _told(problem: Problem) -> dict[str, str]:
    detail = "; ".join([problem.detail, *(f"{one.field}: {one.message}" for one in problem.errors)])
    return {"title": "The audience could not be resolved", "detail": detail}


def _all_suppressed(reasons: dict[str, int]) -> dict[str, str]:
    listed = ", ".join(f"{reason} {number}" for reason, number in sorted(reasons.items()))
    return {
        "title": "Nobody in the audience may be sent to",
        "detail": f"Every delivery is suppressed: {listed}. Nothing was sent.",
    }
