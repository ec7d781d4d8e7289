"""The pages of schedules: listed with the coming weeks, paused, resumed, fired by hand."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.contract.schedule import ScheduleRequest
from domain.ids import decode, new_id
from services import schedules
from services.access import operator
from services.schedule_agenda import agenda
from stores import schedule_runs
from stores.schedule_runs import Run
from tests.fixtures.api import KEY, a_client
from tests.fixtures.campaigns import WORDS, listed
from tests.fixtures.dashboard import Browser

REMINDER = {
    "recipient": {"email": "sam@example.com"},
    "content": {"email": {"subject": "Hi", "text": "Hello"}},
}


async def test_schedules_are_shown_paused_and_fired(browser_client: Browser) -> None:
    assert "Schedules that are made by the API" in (await browser_client.get("/schedules")).text
    actor = await operator(browser_client.app)
    for name, said in (
        ("tick", {"every": {"seconds": 1}}),
        ("daily", {"cron": "30 9 * * *", "timezone": "Europe/Paris"}),
    ):
        request = ScheduleRequest.model_validate(
            {"name": name, "action": {"notification": REMINDER}, **said}
        )
        made = await schedules.create(browser_client.app, actor, request)
    path = f"/schedules/{made.content['id']}"
    listed = (await browser_client.get("/schedules")).text
    assert f'href="{path}"' in listed
    assert "every 1 second" in listed
    assert "Too often to be shown by day: <a" in listed
    assert listed.count("09:30 CET</span> daily") + listed.count("09:30 CEST</span> daily") >= 20
    assert "09:30 CE" in (await browser_client.get(path)).text
    token = await browser_client.csrf(path)
    paused = await browser_client.post(f"{path}/pause", data={"csrf": token, "note": "rest"})
    assert paused.headers["location"] == path
    assert "It rests: rest." in (await browser_client.get(path)).text
    await browser_client.post(f"{path}/trigger", data={"csrf": token})
    assert "its notification" in (await browser_client.get(path)).text
    await browser_client.post(f"{path}/resume", data={"csrf": token})
    assert "It fires next" in (await browser_client.get(path)).text


async def test_what_was_missed_and_what_fired_stand_on_their_days(browser_client: Browser) -> None:
    app, actor = browser_client.app, await operator(browser_client.app)
    said = {"name": "daily", "cron": "30 9 * * *", "timezone": "Pacific/Auckland"}
    request = ScheduleRequest.model_validate({**said, "action": {"notification": REMINDER}})
    made = await schedules.create(app, actor, request)
    id = decode("sch", made.content["id"])
    async with app.db.leader() as conn:
        now = (await conn.execute(text("SELECT clock_timestamp()"))).scalar_one()
        await schedule_runs.put(conn, id, [Run(now, "time", "fired", "", new_id())])
        await schedule_runs.add_gap(
            conn, id, first=now, last=now + timedelta(seconds=9), times=3, reason="missed"
        )
    page = (await browser_client.get("/schedules")).text
    there = now.astimezone(ZoneInfo("Pacific/Auckland"))
    assert f"{there:%H:%M} {there.tzname()}" in page
    assert "missed ×3" in page
    assert 'href="/notifications/ntf_' in page
    shown = await agenda(app, actor)
    entries = {day: [one["state"] for one in found] for day, found in shown.days}
    assert {"fired", "missed"} <= set(entries[there.date()])


async def test_what_recurs_is_approved_and_revoked_by_an_approver(browser_client: Browser) -> None:
    async with a_client(browser_client.app, KEY) as api:
        audience = await api.post("/v1/audiences", json={"name": "them", **listed(1)})
        news = {"name": "News", "audience": audience.json()["id"], "content": WORDS}
        made = await api.post(
            "/v1/schedules", json={"name": "n", "cron": "@daily", "action": {"campaign": news}}
        )
    path = f"/schedules/{made.json()['id']}"
    page = (await browser_client.get(path)).text
    assert "waits for an approval of its own" in page
    hash = page.split('name="hash" value="')[1].split('"')[0]
    wrong = await browser_client.submit(f"{path}/approve", hash=hash, largest="many", until="")
    assert wrong.status_code == 422
    assert 'id="error-until"' in wrong.text
    given = {"hash": hash, "largest": "500", "until": "2090-12-31", "reason": "Each week"}
    assert (await browser_client.submit(f"{path}/approve", **given)).status_code == 303
    page = (await browser_client.get(path)).text
    assert "to at most 500 recipients" in page
    assert "approved</strong> by Administrator" in page
    assert "2090-12-31 23:59:59" in page
    refused = await browser_client.submit(f"{path}/revoke", reason="")
    assert 'id="error-reason"' in refused.text
    assert (await browser_client.submit(f"{path}/revoke", reason="Over")).status_code == 303
    assert "None counts any more" in (await browser_client.get(path)).text
