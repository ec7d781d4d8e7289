"""The activities of a campaign's workflow besides delivering: look, resolve, close."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.campaign_waves import Opened, open_wave
from activities.heartbeats import heartbeat
from activities.settling import after_death, settle_sent
from domain.campaign import CampaignState, Step
from domain.campaign_waves import Wave
from domain.campaign_window import site_opens_at
from domain.frozen_campaign import Frozen
from domain.ids import decode
from domain.orders import CampaignOrder, Outlook, Stage
from domain.retry import LIFETIMES, describe
from domain.vocabulary import CategoryClass, State
from stores import campaign_work, campaigns
from stores.database import Database
from stores.ledger import campaign_rows, shards

MOST_SHARDS: Final = 100
"""Shards that one look hands to the workflow."""
SHARDS_AT_ONCE: Final = 5
"""Shards whose deliveries are ended, or removed, in one transaction."""
MOST_REMOVED: Final = 5_000

Doubts = Callable[[AsyncConnection, Row[Any]], Awaitable[str]]
"""Tells why an approval counts no more; an empty text when it does."""

Attend = Callable[[UUID, int], Awaitable[datetime | None]]
"""Does what is due for a campaign's run that waits for approval; returns when to look again."""


async def no_doubts(_conn: AsyncConnection, _row: Row[Any]) -> str:
    """Have no doubts."""
    return ""


async def no_reminders(_id: UUID, _run: int) -> datetime | None:
    """Wait in silence."""
    return None


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Looks at campaigns, and ends what is left of them.

    A row that belongs to another run, or to another workflow of this run, is left alone.
    """

    db: Database
    retry_scale: float
    doubts: Doubts = no_doubts
    attend: Attend = no_reminders

    @activity.defn(name="look_at_campaign")
    async def look(self, order: CampaignOrder) -> Outlook:
        """Return what is to be done next; opens the window of an approved one when it is time."""
        outlook = await self.db.retrying(lambda conn: self._look(conn, order))
        if outlook.state != CampaignState.AWAITING_APPROVAL:
            return outlook
        due_at = await self.attend(decode("cmp", order.campaign_id), order.run)
        return await self.db.retrying(lambda conn: self._look(conn, order, due_at))

    @activity.defn(name="close_campaign")
    async def close(self, order: CampaignOrder) -> Outlook:
        """End what still waits of a campaign that is over: cancelled, expired, or removed with its
        draft. What is being sent is waited for: then the outlook is to come back.
        """
        async with heartbeat(lambda: self._beat(order)):
            row = await self._mine(order)
            if row is None:
                return Outlook(Stage.CLOSE, "moved")
            if row.state == CampaignState.DRAFT:
                await self._remove(row)
            else:
                await self._end(row)
            return await self.db.retrying(lambda conn: self._closed(conn, order))

    async def _beat(self, order: CampaignOrder) -> None:
        async with self.db.leader() as conn:
            await campaign_work.beat(conn, decode("cmp", order.campaign_id), order.run)

    async def _mine(self, order: CampaignOrder) -> Row[Any] | None:
        async with self.db.leader() as conn:
            return await find_mine(conn, order)

    async def _look(
        self, conn: AsyncConnection, order: CampaignOrder, attend_at: datetime | None = None
    ) -> Outlook:
        row = await find_mine(conn, order)
        if row is None:
            return Outlook(Stage.CLOSE, "moved")
        if row.state == CampaignState.APPROVED:
            row = await self._open(conn, row)
        opened = await self._wave(conn, row)
        row, outlook = opened.row, await self._judge(conn, opened, attend_at)
        due_at = outlook.due_at if outlook.stage is Stage.WAIT else datetime.now(UTC)
        await campaign_work.come_back(conn, row, due_at)
        return outlook

    async def _open(self, conn: AsyncConnection, row: Row[Any]) -> Row[Any]:
        """Return the row as it is when its window opens, if it is time for that."""
        frozen = Frozen.read(row.frozen)
        if _shut(row, frozen) is not None:
            return row
        doubt = await self._doubt(conn, row, frozen)
        if doubt:
            problem = {"title": "The approval does not count any more", "detail": doubt}
            doubted = await campaigns.step(conn, row.id, Step.DOUBT, run=row.run, problem=problem)
            return doubted or row
        return await campaigns.step(conn, row.id, Step.OPEN, run=row.run) or row

    async def _doubt(self, conn: AsyncConnection, row: Row[Any], frozen: Frozen) -> str:
        keys = frozen.template_keys
        gone = await campaign_work.find_archived(conn, list(keys))
        if gone is not None:
            return f"The template {keys[gone]} was archived; choose another one."
        return await self.doubts(conn, row)

    async def _wave(self, conn: AsyncConnection, row: Row[Any]) -> Opened:
        """Return the row with the wave that may be sent; its canary may have paused it."""
        frozen = Frozen.read(row.frozen) if row.state == CampaignState.SENDING else None
        if frozen is None or _is_over(row) or _shut(row, frozen) is not None:
            return Opened(row)
        return await open_wave(conn, row, frozen)

    async def _judge(
        self, conn: AsyncConnection, opened: Opened, attend_at: datetime | None
    ) -> Outlook:
        row = opened.row
        match row.state:
            case CampaignState.RESOLVING:
                return Outlook(Stage.RESOLVE, row.state, why="the audience is resolved")
            case CampaignState.AWAITING_APPROVAL:
                return Outlook(Stage.WAIT, row.state, attend_at, why="waits for approval")
            case CampaignState.PAUSED if _is_over(row):
                return Outlook(Stage.CLOSE, row.state, why="the window is over")
            case CampaignState.PAUSED:
                return Outlook(Stage.WAIT, row.state, _ends(row), "paused")
            case CampaignState.APPROVED:
                opens_at, why = _shut(row, Frozen.read(row.frozen)) or (None, "")
                return Outlook(Stage.WAIT, row.state, opens_at, why)
            case CampaignState.SENDING:
                return await self._judge_sending(conn, opened)
        return Outlook(Stage.CLOSE, row.state)

    async def _judge_sending(self, conn: AsyncConnection, opened: Opened) -> Outlook:
        row = opened.row
        if _is_over(row):
            return Outlook(Stage.CLOSE, row.state, why="the window is over")
        frozen = Frozen.read(row.frozen)
        shut = _shut(row, frozen)
        if shut is not None:
            return Outlook(Stage.WAIT, row.state, *shut)
        due = await shards.find_due(conn, row.id, opened.wave, most=MOST_SHARDS)
        if due:
            return Outlook(Stage.DELIVER, row.state, shards=due)
        found = await shards.find_next(conn, row.id, opened.wave)
        if opened.wave is not Wave.REST:
            times = [opened.until, found.due_at if found else None, _ends(row)]
            due_at = min((at for at in times if at is not None), default=None)
            return Outlook(Stage.WAIT, row.state, due_at, opened.why)
        if found is None:
            return Outlook(Stage.CLOSE, row.state, why="nothing waits any more")
        # All had their turn: what is left is worth trying for the usual time of its class.
        await campaign_work.expire_in(
            conn, row.id, row.run, LIFETIMES[frozen.class_].total_seconds()
        )
        words = describe(
            found.channel, found.reason, class_=CategoryClass(found.class_), attempts=found.rounds
        )
        why = f"{words}; {found.waiting} wait"
        ends = row.expires_at or found.due_at
        return Outlook(Stage.WAIT, row.state, min(found.due_at, ends), why)

    async def _remove(self, row: Row[Any]) -> None:
        while True:
            async with self.db.leader() as conn:
                if not await campaign_work.hold_still(conn, row.id, row.run, row.state):
                    return
                if not await campaign_rows.remove(conn, row.id, most=MOST_REMOVED):
                    await campaign_work.forget(conn, row.id, row.run)
                    return

    async def _end(self, row: Row[Any]) -> None:
        """End what waits as the campaign's end has it; a lost sender first of all."""
        if row.state in _UNDER_WAY and not _is_over(row):
            return
        state, reason = _ENDS.get(row.state, (State.EXPIRED, "expired"))
        while True:
            async with self.db.leader() as conn:
                if not await campaign_work.hold_still(conn, row.id, row.run, row.state):
                    return
                dead = await shards.find_dead(conn, row.id, None, most=MOST_REMOVED)
                await settle_sent(conn, [after_death(one, self.retry_scale) for one in dead])
                ended = await shards.end_waiting(conn, row.id, state, reason, shards=SHARDS_AT_ONCE)
            if not dead and not ended:
                return

    async def _closed(self, conn: AsyncConnection, order: CampaignOrder) -> Outlook:
        row = await find_mine(conn, order)
        if row is None:
            return Outlook(Stage.CLOSE, "moved")
        left = await shards.find_next(conn, row.id)
        if left is not None and row.state in _UNFINISHED and not _is_over(row):
            return Outlook(Stage.WAIT, row.state, datetime.now(UTC), "was changed meanwhile")
        if left is not None and row.state != CampaignState.DRAFT:
            await campaign_work.come_back(conn, row, left.due_at)
            return Outlook(Stage.WAIT, row.state, left.due_at, f"{left.waiting} are being sent")
        if row.state in _UNDER_WAY:
            row = await campaigns.step(conn, row.id, Step.CLOSE, run=row.run) or row
        await campaign_work.come_back(conn, row, None)
        return Outlook(Stage.CLOSE, row.state)


_UNDER_WAY: Final = (CampaignState.SENDING, CampaignState.PAUSED)
_UNFINISHED: Final = (
    *_UNDER_WAY, CampaignState.RESOLVING, CampaignState.AWAITING_APPROVAL, CampaignState.APPROVED,
)  # fmt: skip
_ENDS: Final = {
    CampaignState.ABORTED: (State.CANCELLED, "aborted"),
    CampaignState.REJECTED: (State.CANCELLED, "rejected"),
}
"""What becomes of waiting deliveries; in other states they are expired."""


async def find_mine(conn: AsyncConnection, order: CampaignOrder) -> Row[Any] | None:
    """Return the row of a workflow; None when it has another workflow now."""
    row = await campaigns.find(conn, decode("cmp", order.campaign_id))
    if row is None or (row.run, row.recoveries) != (order.run, order.recovery):
        return None
    return row


def _is_over(row: Row[Any]) -> bool:
    ends = _ends(row)
    return ends is not None and ends <= datetime.now(UTC)


def _ends(row: Row[Any]) -> datetime | None:
    ends: datetime | None = row.expires_at or row.end_at
    return ends


def _shut(row: Row[Any], frozen: Frozen) -> tuple[datetime, str] | None:
    """Return when a campaign may send next and why not now; None when it may, or is over."""
    now = datetime.now(UTC)
    if _is_over(row):
        return None
    if row.start_at is not None and row.start_at > now:
        return row.start_at, f"starts at {row.start_at:%Y-%m-%d %H:%M} UTC"
    opens_at = site_opens_at(frozen.off_hours, now)
    if opens_at is None:
        return None
    why = f"waits for the hours {frozen.off_hours}"
    ends = _ends(row)
    return min(opens_at, ends) if ends else opens_at, why
