"""Schedules on a real Temporal: its times are ours, it wakes us, and what it loses comes back."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import Client

from domain.contract.schedule import PauseRequest, ScheduleRequest
from domain.ids import decode, encode, new_id
from domain.schedules import Once, Timing
from services import schedule_sync, schedules, temporal_schedules
from services.access import Actor, operator
from services.app import App, close_app, open_app
from services.bootstrap import bootstrap
from services.schedule_timing import timing_of
from services.temporal_schedules import spec_of
from stores import schedules as store
from tests.domain.test_schedules import first_shown
from tests.fixtures.api import settings_for
from tests.fixtures.servers import until
from workers.scheduling import serve_schedules

REMINDER = {
    "recipient": {"email": "sam@example.com"},
    "content": {"email": {"subject": "Hi", "text": "Hello"}},
}
RULES: dict[str, dict[str, Any]] = {
    "leap-days": {"cron": "0 9 29 2 *"},
    "month-ends": {"calendar": {"day": "last", "hour": 23}, "timezone": "America/New_York"},
    "through-changes": {"cron": "30 2 * * *", "timezone": "Europe/Paris"},
    "every-31st": {"every": {"months": 1}, "start_at": "2027-01-31T09:00:00Z"},
    "with-holidays": {"every": {"hours": 11}, "timezone": "Asia/Kathmandu",
                      "start_at": "2027-01-01T00:00:00Z", "end_at": "2027-02-20T00:00:00Z",
                      "skip": ["2027-01-05", "2027-02-01"]},
    "some-day": {"at": "2031-01-31T09:00:00Z"},
}  # fmt: skip


@pytest.fixture
async def app(database: Any, temporal_server: Any) -> AsyncIterator[App]:
    settings = settings_for(database, temporal_address=temporal_server.address)
    await bootstrap(settings)
    opened = open_app(settings)
    yield opened
    await close_app(opened)


async def make(app: App, actor: Actor, name: str, **said: Any) -> str:
    request = ScheduleRequest.model_validate(
        {"name": name, "action": {"notification": REMINDER}, **said}
    )
    return str((await schedules.create(app, actor, request)).content["id"])


async def matching(client: Client, id: str, begin: datetime, end: datetime) -> list[datetime]:
    """Return what Temporal says that it will fire in begin < t ≤ end."""
    first, last = Timestamp(), Timestamp()
    first.FromDatetime(begin)
    last.FromDatetime(end)
    told = await client.workflow_service.list_schedule_matching_times(
        ListScheduleMatchingTimesRequest(
            namespace=client.namespace, schedule_id=id, start_time=first, end_time=last
        )
    )
    return [moment.ToDatetime(UTC) for moment in told.start_time]


async def test_temporal_fires_when_the_rules_say_for_ten_years(app: App) -> None:
    client, actor = await app.temporal.client(), await operator(app)
    for name, said in RULES.items():
        id = await make(app, actor, name, **said)
        async with app.db.leader() as conn:
            row = await store.get(conn, decode("sch", id))
        assert row is not None
        assert row.synced_version == row.version
        end = row.settled_at + timedelta(days=3653)
        end = min(end, row.synced_until or end)
        timing = timing_of(row.definition, row.anchor_at)
        ours = [t for t in await schedules.upcoming(app, actor, id, most=200) if t <= end]
        assert await matching(client, id, row.settled_at, end) == ours, name
        assert len(ours) >= 2 or name in ("some-day", "leap-days")
        assert spec_of(timing, row.settled_at).until == row.synced_until
        await schedules.remove(app, actor, id)


TEN_YEARS: dict[str, tuple[dict[str, Any], str, time, Callable[[date], bool]]] = {
    "each-july": ({"cron": "0 9 1 7 *"}, "Europe/Paris", time(9),
                  lambda day: (day.month, day.day) == (7, 1)),
    "leap-day": ({"every": {"years": 1}, "start_at": "2024-02-29T12:00:00Z"}, "UTC", time(12),
                 lambda day: (day.month, day.day) == (2, 29)),
    "last-days": ({"calendar": {"day": "last", "hour": 23}}, "America/New_York", time(23),
                  lambda day: (day + timedelta(days=1)).day == 1),
    "in-the-gap": ({"calendar": {"weekday": "sun", "month": [3, 10], "hour": 2, "minute": 30}},
                   "Europe/Paris", time(2, 30),
                   lambda day: day.month in (3, 10) and day.isoweekday() == 7),
}  # fmt: skip
"""What is asked for, in which zone, and by plain reading: at what time, on which days."""


async def test_temporal_fires_on_the_right_days_of_ten_years(app: App) -> None:
    client, actor = await app.temporal.client(), await operator(app)
    for name, (said, zone, clock, fits) in TEN_YEARS.items():
        id = await make(app, actor, name, timezone=zone, **said)
        async with app.db.leader() as conn:
            row = await store.get(conn, decode("sch", id))
        assert row is not None
        begin, end = row.settled_at, row.settled_at + timedelta(days=3653)
        days = [begin.date() + timedelta(days=n) for n in range(-1, 3655)]
        right = [first_shown(day, clock, ZoneInfo(zone)) for day in days if fits(day)]
        expected = [one for one in right if begin < one <= end]
        assert await matching(client, id, begin, end) == expected, name
        assert len(expected) >= 2
        await schedules.remove(app, actor, id)


async def test_schedules_of_seconds_and_minutes_fire_each_time_once(app: App) -> None:
    client, actor = await app.temporal.client(), await operator(app)
    async with serve_schedules(client, app):
        id = await make(app, actor, "each-second", every={"seconds": 1})
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
        minute = await make(app, actor, "each-minute", every={"minutes": 1}, start_at=soon)

        async def thrice() -> bool:
            found = await schedules.get(app, actor, id)
            each_minute = await schedules.get(app, actor, minute)
            return len(found["recent"]) >= 3 and bool(each_minute["recent"])

        await until(thrice, 30)
        await schedules.pause(app, actor, id, PauseRequest())
        told = await schedules.get(app, actor, minute)
        assert [datetime.fromisoformat(one["at"]) for one in told["recent"]] == [soon]
        assert datetime.fromisoformat(told["next"]) == soon + timedelta(minutes=1)
        await schedules.remove(app, actor, minute)
    found = await schedules.get(app, actor, id)
    times = sorted(one["at"] for one in found["recent"])
    begun = datetime.fromisoformat(times[0])
    assert [datetime.fromisoformat(one) for one in times] == [
        begun + timedelta(seconds=n) for n in range(len(times))
    ]
    assert len({one["notification"] for one in found["recent"]}) == len(times)
    await schedules.remove(app, actor, id)


async def test_what_temporal_loses_or_changes_comes_back(app: App) -> None:
    client, actor = await app.temporal.client(), await operator(app)
    lost = await make(app, actor, "lost", cron="0 9 * * *")
    held = await make(app, actor, "held", cron="0 9 * * *")
    await client.get_schedule_handle(lost).delete()
    await client.get_schedule_handle(held).pause(note="by hand")
    foreign = encode("sch", new_id())
    never = Timing(Once(datetime(2040, 1, 1, tzinfo=UTC)), datetime.now(UTC))
    told = spec_of(never, datetime.now(UTC))
    await temporal_schedules.put(
        app.temporal, foreign, told.spec, paused=False, note="", summary="left behind"
    )

    async def mended() -> bool:
        await schedule_sync.compare(app)
        await schedule_sync.sync(app)
        there = await temporal_schedules.find(app.temporal, "sch_")
        return there == {lost: False, held: False}

    await until(mended)
    for id in (lost, held):
        await schedules.remove(app, actor, id)
    async with app.db.leader() as conn:
        assert await store.find_unsynced(conn, most=10) == []
        assert await store.pausings(conn) == {}
