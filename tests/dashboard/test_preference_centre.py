"""The preference centre and unsubscribing, as recipients without JavaScript or sign-in use them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from domain.ids import decode
from domain.preference_links import Link, Purpose
from services.app import App
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser

LATER = datetime.now(UTC) + timedelta(days=1)


async def a_profile(client: Client, **given: Any) -> str:
    body = {"email": "ann@example.com", "phone": "+14155550100", "timezone": "Asia/Tokyo", **given}
    return str((await client.post("/v1/profiles", json=body)).json()["id"])


async def a_link(client: Client, profile: str) -> str:
    answer = await client.post(f"/v1/profiles/{profile}/token", json={"ttl_seconds": 3600})
    assert answer.status_code == 201
    made = answer.json()
    assert made["url"].endswith(f"/p/{made['token']}")
    return f"/p/{made['token']}"


async def chosen(client: Client, profile: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/profiles/{profile}/preferences")).json()
    return found


def boxes(page: str) -> dict[str, bool]:
    found = re.findall(r'name="on" value="([^"]+)"( checked)?', page)
    return {value: bool(checked) for value, checked in found}


async def test_what_is_ticked_is_kept(client: Client, visitor: Browser) -> None:
    profile = await a_profile(client)
    link = await a_link(client, profile)
    shown = await visitor.get(link)
    assert shown.status_code == 200
    assert shown.headers["x-robots-tag"] == "noindex"
    assert "Asia/Tokyo" in shown.text
    assert all(boxes(shown.text).values())
    assert "otp/email" not in boxes(shown.text)
    kept = [name for name in boxes(shown.text) if name != "marketing/email"]
    form = {"version": "0", "on": kept, "quiet_start": "22:00", "quiet_end": "07:00"}
    saved = await visitor.post(link, data={**form, "action": "save"})
    assert saved.status_code == 303
    again = await visitor.get(saved.headers["location"])
    assert "Saved." in again.text
    assert [name for name, on in boxes(again.text).items() if not on] == ["marketing/email"]
    found = await chosen(client, profile)
    assert found["quiet_hours"] == {"start": "22:00", "end": "07:00"}
    assert found["categories"]["marketing"]["email"] is False
    stale = await visitor.post(link, data={**form, "on": []})
    assert stale.status_code == 409
    assert (await chosen(client, profile))["version"] == found["version"]


async def test_wrong_quiet_hours_change_nothing(client: Client, visitor: Browser) -> None:
    profile = await a_profile(client)
    link = await a_link(client, profile)
    for start, end in (("22:00", "22:00"), ("22:00", ""), ("25:00", "07:00")):
        form = {"version": "0", "quiet_start": start, "quiet_end": end}
        answer = await visitor.post(link, data=form)
        assert answer.status_code == 422
        assert "Quiet hours need" in answer.text
    assert (await chosen(client, profile))["version"] == 0


async def test_limits_and_what_cannot_be_reached_stay(client: Client, visitor: Browser) -> None:
    profile = await a_profile(client)
    limits = [{"category": None, "limit": 3, "per": "day"}]
    await client.put(
        f"/v1/profiles/{profile}/preferences",
        json={"categories": {"bulk": {"telegram": False}}, "frequency": limits},
    )
    link = await a_link(client, profile)
    await visitor.post(link, data={"version": "1", "on": ["bulk/email"]})
    found = await chosen(client, profile)
    assert found["frequency"] == limits
    assert found["categories"]["bulk"] == {
        "telegram": False, "email": True, "sms": False, "whatsapp": False, "inapp": False,
    }  # fmt: skip


async def test_a_category_is_collected_once_a_day(client: Client, visitor: Browser) -> None:
    profile = await a_profile(client, locale="fr")
    link = await a_link(client, profile)
    page = (await visitor.get(link)).text
    assert "en un seul message" in page
    assert "daily/otp" not in page
    form = {"version": "0", "on": ["bulk/email"], "daily/bulk": "08:00", "daily/marketing": ""}
    assert (await visitor.post(link, data=form)).status_code == 303
    assert (await chosen(client, profile))["digest"] == {"bulk": {"every": "day", "at": "08:00"}}
    assert 'name="daily/bulk" value="08:00"' in (await visitor.get(link)).text
    wrong = await visitor.post(link, data={"version": "1", "daily/bulk": "8"})
    assert wrong.status_code == 422
    await visitor.post(link, data={"version": "1", "daily/bulk": ""})
    assert (await chosen(client, profile))["digest"] == {}


async def test_unsubscribing_from_everything_and_coming_back(
    client: Client, visitor: Browser
) -> None:
    profile = await a_profile(client)
    link = await a_link(client, profile)
    await visitor.post(link, data={"action": "leave_all"})
    page = (await visitor.get(link)).text
    assert not any(boxes(page).values())
    assert "email" in (await chosen(client, profile))["unsubscribed"]
    await visitor.post(link, data={"version": "1", "on": ["bulk/email"]})
    page = (await visitor.get(link)).text
    assert [name for name, on in boxes(page).items() if on] == ["bulk/email"]


async def test_pages_speak_the_recipients_language(client: Client, visitor: Browser) -> None:
    link = await a_link(client, await a_profile(client, locale="fr-CA"))
    page = (await visitor.get(link)).text
    assert '<html lang="fr">' in page
    assert "Heures calmes" in page
    assert '<html lang="en">' in (await visitor.get(f"{link}?lang=en")).text
    unknown = await visitor.get("/p/none", headers={"Accept-Language": "fr;q=0.9"})
    assert (unknown.status_code, "Ce lien" in unknown.text) == (404, True)


async def test_links_that_do_not_work_say_so(app: App, client: Client, visitor: Browser) -> None:
    profile = await a_profile(client)
    link = await a_link(client, profile)
    id = decode("prf", profile)
    over = app.links.sign(Link(Purpose.CENTRE, id, datetime.now(UTC) - timedelta(seconds=1)))
    assert (await visitor.get(f"/p/{over}")).status_code == 410
    assert (await visitor.get(link.replace("/p/", "/u/"))).status_code == 404
    assert (await visitor.get(f"{link[:-2]}")).status_code == 404
    await client.delete(f"/v1/profiles/{profile}")
    assert (await visitor.get(link)).status_code == 410
    assert (await visitor.post(link, data={"version": "0"})).status_code == 410


async def test_a_form_of_another_site_is_refused(client: Client, visitor: Browser) -> None:
    link = await a_link(client, await a_profile(client))
    answer = await visitor.post(
        link, data={"action": "leave_all"}, headers={"Origin": "https://evil.example.com"}
    )
    assert answer.status_code == 403


async def test_one_click_unsubscribes_from_a_mails_category(
    app: App, client: Client, visitor: Browser
) -> None:
    profile = await a_profile(client)
    link = Link(Purpose.PROFILE, decode("prf", profile), LATER, "marketing", "email")
    url = f"/u/{app.links.sign(link)}"
    looked = await visitor.get(url)
    assert "Unsubscribe from Marketing" in looked.text
    assert (await chosen(client, profile))["version"] == 0
    assert (await visitor.post(url, data={"anything": "else"})).status_code == 422
    for _ in range(2):
        clicked = await visitor.post(url, data={"List-Unsubscribe": "One-Click"})
        assert clicked.status_code == 200
        assert "You are unsubscribed." in clicked.text
    multipart = await visitor.post(url, files={"List-Unsubscribe": (None, "One-Click")})
    assert multipart.status_code == 200
    assert (await chosen(client, profile))["categories"] == {"marketing": {"email": False}}


async def test_a_mandatory_category_stays(app: App, client: Client, visitor: Browser) -> None:
    await client.post("/v1/categories", json={"key": "recall", "class": "bulk", "mandatory": True})
    profile = await a_profile(client)
    link = Link(Purpose.PROFILE, decode("prf", profile), LATER, "recall", "email")
    answer = await visitor.post(
        f"/u/{app.links.sign(link)}", data={"List-Unsubscribe": "One-Click"}
    )
    assert "cannot be unsubscribed from" in answer.text
    assert (await chosen(client, profile))["version"] == 0


async def test_changes_by_link_leave_audit_lines(client: Client, visitor: Browser) -> None:
    profile = await a_profile(client)
    link = await a_link(client, profile)
    await visitor.post(link, data={"version": "0"})
    await visitor.post(link, data={"action": "leave_all"})
    async with client.app.db.leader() as conn:
        rows = await conn.execute(
            text("SELECT actor, action FROM audit WHERE subject = :id ORDER BY id"),
            {"id": profile},
        )
        lines = [(row.actor, row.action) for row in rows]
    assert [action for _, action in lines][1:] == [
        "preferences.link_issued", "preferences.changed", "preferences.unsubscribed",
    ]  # fmt: skip
    assert [actor for actor, _ in lines][2:] == ["recipient", "recipient"]
