"""The pages of schedules: listed with the coming weeks, paused, resumed, fired by hand."""

from domain.contract.schedule import ScheduleRequest
from services import schedules
from services.access import operator
from tests.fixtures.dashboard import Browser

REMINDER = {
    "recipient": {"email": "sam@example.com"},
    "content": {"email": {"subject": "Hi", "text": "Hello"}},
}


async def test_schedules_are_shown_paused_and_fired(browser_client: Browser) -> None:
    assert "Schedules that are made by the API" in (await browser_client.get("/schedules")).text
    actor = await operator(browser_client.app)
    for name, said in (("tick", {"every": {"seconds": 1}}), ("daily", {"cron": "30 9 * * *"})):
        request = ScheduleRequest.model_validate(
            {"name": name, "action": {"notification": REMINDER}, **said}
        )
        made = await schedules.create(browser_client.app, actor, request)
    path = f"/schedules/{made.content['id']}"
    listed = (await browser_client.get("/schedules")).text
    assert f'href="{path}"' in listed
    assert "every 1 second" in listed
    assert "Too often to be shown by day: <a" in listed
    assert listed.count("09:30</span> daily") >= 20
    assert "09:30</span> daily" in (await browser_client.get(path)).text
    token = await browser_client.csrf(path)
    paused = await browser_client.post(f"{path}/pause", data={"csrf": token, "note": "rest"})
    assert paused.headers["location"] == path
    assert "It rests: rest." in (await browser_client.get(path)).text
    await browser_client.post(f"{path}/trigger", data={"csrf": token})
    assert "its notification" in (await browser_client.get(path)).text
    await browser_client.post(f"{path}/resume", data={"csrf": token})
    assert "It fires next" in (await browser_client.get(path)).text
