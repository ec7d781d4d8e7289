"""Temporal's schedules: they wake the control lane when a time comes; the row says what is due.

Periods of elapsed time are given as intervals. All other rules are given as exact moments, the
next ones of them, since Temporal's calendars leave out times in a gap and repeat those of a
repeated hour; the list is renewed when half of it has passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from domain.orders import CONTROL_QUEUE
from domain.schedules import Timing, next_times
from services.temporal import Temporal
from workflows.schedule import ScheduleWorkflow

MOST_MOMENTS: Final = 200
"""How many moments Temporal is told at a time: ten years of a month's last day fit in."""
_CATCH_UP: Final = timedelta(seconds=10)
_RPC: Final = timedelta(seconds=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """What Temporal is told of times; `until` is when it must be told more, None for never."""

    spec: ScheduleSpec
    until: datetime | None


def spec_of(timing: Timing, after: datetime) -> Told:
    """Return the times later than a moment as Temporal takes them."""
    if timing.elapsed is not None:
        every = timedelta(seconds=timing.elapsed)
        spec = ScheduleSpec(
            intervals=[ScheduleIntervalSpec(every, (timing.anchor - _EPOCH) % every)],
            skip=[_on(day) for day in sorted(timing.skip)],
            start_at=timing.start_at or timing.anchor,
            end_at=timing.end_at,
            time_zone_name=timing.timezone,
        )
        return Told(spec, None)
    moments = next_times(timing, after, MOST_MOMENTS)
    until = moments[MOST_MOMENTS // 2] if len(moments) == MOST_MOMENTS else None
    return Told(ScheduleSpec(calendars=[_at(one) for one in moments]), until)


async def put(
    temporal: Temporal, id: str, spec: ScheduleSpec, *, paused: bool, note: str, summary: str
) -> None:
    """Let Temporal have a schedule just so; repeatable. Raises TemporalDown."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            ScheduleWorkflow.run, id, id=id, task_queue=CONTROL_QUEUE, static_summary=summary[:200]
        ),
        spec=spec,
        # A wake accounts for all that is due, so one that waits stands for any number.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=_CATCH_UP),
        state=ScheduleState(paused=paused, note=note or None),
    )
    client = await temporal.client()
    try:
        await _put(client, id, schedule)
    except RPCError as error:
        raise temporal.failed(error) from None


async def remove(temporal: Temporal, id: str) -> None:
    """Let Temporal forget a schedule; one that is not there is no fault. Raises TemporalDown."""
    client = await temporal.client()
    try:
        await client.get_schedule_handle(id).delete(rpc_timeout=_RPC)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise temporal.failed(error) from None


async def find(temporal: Temporal, prefix: str) -> dict[str, bool]:
    """Return the schedules that Temporal has, and whether each is paused. Raises TemporalDown."""
    client = await temporal.client()
    try:
        listed = await client.list_schedules(rpc_timeout=_RPC)
        return {
            one.id: one.schedule.state.paused
            async for one in listed
            if one.id.startswith(prefix) and one.schedule is not None
        }
    except RPCError as error:
        raise temporal.failed(error) from None


async def _put(client: Client, id: str, schedule: Schedule) -> None:
    async def replace(_found: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(id, schedule, rpc_timeout=_RPC)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(id).update(replace, rpc_timeout=_RPC)


def _at(moment: datetime) -> ScheduleCalendarSpec:
    def just(value: int) -> Sequence[ScheduleRange]:
        return [ScheduleRange(value)]

    return ScheduleCalendarSpec(
        second=just(moment.second), minute=just(moment.minute), hour=just(moment.hour),
        day_of_month=just(moment.day), month=just(moment.month), year=just(moment.year),
    )  # fmt: skip


def _on(day: date) -> ScheduleCalendarSpec:
    return ScheduleCalendarSpec(
        second=[ScheduleRange(0, 59)], minute=[ScheduleRange(0, 59)], hour=[ScheduleRange(0, 23)],
        day_of_month=[ScheduleRange(day.day)], month=[ScheduleRange(day.month)],
        year=[ScheduleRange(day.year)],
    )  # fmt: skip
