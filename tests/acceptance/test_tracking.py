"""Openings and clicks, from the mail that asks for them to counts, events and pages."""

import re
from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from domain.ids import decode
from domain.tracking_links import TrackingRing
from services import tracking
from tests.acceptance.test_campaigns_by_api import a_draft, a_user, until
from tests.fixtures.campaigns import listed
from tests.fixtures.dashboard import a_browser
from tests.fixtures.system import System

FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
APPLE = {"User-Agent": "Mozilla/5.0"}
TARGET = "https://shop.example.com/spring?for=you&n=1#top"
HTML = (
    '<html><body><p>Hi</p><a href="https://shop.example.com/spring?for={{ who }}&amp;n=1#top">Look'
    '</a> <a href="https://shop.example.com/terms">Terms</a> <a href="mailto:a@example.com">Write'
    '</a> <a href="{{ unsubscribe_url }}">Leave</a></body></html>'
)
CONTENT = {"email": {"subject": "Spring", "html": HTML}}
ALL = {"opens": True, "clicks": True}


async def track(client: AsyncClient, category: str, **what: bool) -> None:
    answer = await client.patch(f"/v1/categories/{category}", json={"tracking": what or ALL})
    assert answer.status_code == 200, answer.text


async def mail(system: System, recipient: Any, category: str = "marketing") -> tuple[str, str]:
    """Send a mail and return the notification's id and the html that arrived."""
    made = await system.ask(
        recipient=recipient, category=category, content=CONTENT, data={"who": "you"}
    )
    assert (await system.finished(made["id"]))["state"] == "sent"
    return made["id"], html_of(system.smtp.messages[-1].content)


def html_of(received: bytes) -> str:
    part = message_from_bytes(received, policy=default).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def paths(html: str, kind: str) -> list[str]:
    return re.findall(rf'"[^"]*(/t/{kind}/[^"]*)"', html)


async def age(system: System) -> None:
    """Let everything have been sent a minute ago: nobody clicks within two seconds."""
    async with system.app.db.leader() as conn:
        await conn.execute(
            text("UPDATE deliveries SET attempted_at = attempted_at - interval '1 minute'")
        )


async def events(system: System) -> list[tuple[str, str, Any]]:
    """Return (event, notification, link) of what recipients did, as webhooks hear it."""
    async with system.app.db.leader() as conn:
        rows = await conn.execute(text("""
            SELECT events FROM (
                SELECT seq AS n, 0 AS late, events FROM outbox_batches
                UNION ALL SELECT id, 1, events FROM outbox
            ) told ORDER BY late, n
        """))  # fmt: skip
        return [
            (f"{one['type']}.{one['event']}", one["notification"], one.get("link"))
            for row in rows
            for one in row.events
            if one["type"] == "notification" and "told_at" in one
        ]


async def test_a_mail_is_seen_from_its_pixel_to_its_timeline(system: System) -> None:
    visitor = system.client
    await track(system.client, "marketing")
    made = await system.client.post("/v1/profiles", json={"email": "ann@example.com"})
    profile = made.json()["id"]
    id, html = await mail(system, profile)
    [pixel], [first, second, trap] = paths(html, "o"), paths(html, "c")
    assert 'href="mailto:a@example.com"' in html
    assert "/u/" in html.split(">Leave")[0].rpartition("<a")[2]
    plain = message_from_bytes(system.smtp.messages[-1].content, policy=default)
    told = plain.get_body(("plain",))
    assert told is not None
    assert "/t/" not in told.get_content(), "the text leads where it says"

    await age(system)
    shown = await visitor.get(pixel, headers=FIREFOX)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/gif")
    assert shown.content[:6] == b"GIF89a"
    led = await visitor.get(first, headers=FIREFOX)
    assert (led.status_code, led.headers["location"]) == (302, TARGET)
    assert not {"set-cookie"} & {*led.headers, *shown.headers}
    for _ in range(2):
        await visitor.get(first, headers=FIREFOX)
    await visitor.head(second, headers=FIREFOX)
    await visitor.get(second, headers={**FIREFOX, "Sec-GPC": "1"})
    await visitor.get(second, headers={**FIREFOX, "DNT": "1"})
    assert await tracking.write(system.app)

    found = await system.get(id)
    assert found["state"] == "read"
    [delivery] = found["deliveries"]
    assert [(one["kind"], one["link"], one["url"], one["times"], one["reason"])
            for one in delivery["engagements"]] == [
        ("opened", None, None, 1, ""),
        ("clicked", 1, "https://shop.example.com/spring", 3, ""),
        ("clicked", 2, "https://shop.example.com/terms", 1, "head"),
    ]  # fmt: skip
    assert [one["event"] for one in found["timeline"]][-3:] == ["opened", "clicked", "clicked"]
    assert await events(system) == [
        ("notification.opened", id, None), ("notification.clicked", id, 1),
    ]  # fmt: skip
    listed = (await system.client.get(f"/v1/profiles/{profile}/engagements")).json()["items"]
    assert [(one["notification"], len(one["engagements"])) for one in listed] == [(id, 3)]

    async with a_browser(system.app) as browser:
        await browser.sign_in()
        for path in (f"/profiles/{profile}", f"/notifications/{id}"):
            page = (await browser.get(path)).text
            assert "Followed https://shop.example.com/spring, 3 times" in page
            assert "Followed https://shop.example.com/terms, by a program (head)" in page

    await visitor.get(trap, headers=FIREFOX)
    assert await tracking.write(system.app)
    [delivery] = (await system.get(id))["deliveries"]
    clicks = [one for one in delivery["engagements"] if one["kind"] == "clicked"]
    assert [(one["link"], one["machine"]) for one in clicks] == [(1, True), (2, True)]

    leave = re.search(r'"[^"]*(/u/[^"]*)"', html)
    assert leave is not None
    async with a_browser(system.app) as browser:
        for _ in range(2):
            await browser.post(leave[1], data={"List-Unsubscribe": "One-Click"})
    assert (await events(system))[2:] == [("notification.unsubscribed", id, None)]

    assert (await system.client.delete(f"/v1/profiles/{profile}")).status_code == 204
    await visitor.get(pixel, headers=FIREFOX)
    assert await tracking.write(system.app)
    async with system.app.db.leader() as conn:
        left = await conn.execute(text("SELECT count(*) FROM engagements"))
    assert left.scalar_one() == 0


async def test_who_refuses_is_not_seen_and_secrets_never_are(system: System) -> None:
    client = system.client
    for category, change in (("otp", {}), ("marketing", {"mandatory": True})):
        refused = await client.patch(f"/v1/categories/{category}", json={"tracking": ALL, **change})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "tracking"
    ann = {"email": "ann@example.com"}
    made = (await client.post("/v1/profiles", json={**ann, "locale": "fr"})).json()
    _, html = await mail(system, made["id"])
    assert "/t/" not in html, "off until a category says so"
    await track(client, "marketing")
    before, html = await mail(system, made["id"])
    page = (await client.post(f"/v1/profiles/{made['id']}/token", json={})).json()["url"]
    async with a_browser(system.app) as browser:
        path = urlsplit(page).path
        shown = (await browser.get(path)).text
        assert "peut voir que j" in shown
        version = shown.split('name="version" value="')[1].split('"')[0]
        kept = await browser.post(path, data={
            "version": version, "on": ["marketing/email"], "quiet_start": "", "quiet_end": "",
        })  # fmt: skip
        assert kept.status_code == 303, kept.text
    place = f"/v1/profiles/{made['id']}/preferences"
    assert (await client.get(place)).json()["tracking"] is False
    await client.put(place, json={"channel_order": ["email"]})
    assert (await client.get(place)).json()["tracking"] is False, "kept where it is not named"

    await age(system)
    await client.get(paths(html, "o")[0], headers=FIREFOX)
    assert await tracking.write(system.app)
    assert (await system.get(before))["state"] == "sent", "links of earlier mails tell no more"
    for recipient in (made["id"], {"email": "ANN@example.com"}):
        _, html = await mail(system, recipient)
        assert "/t/" not in html
    await client.put(place, json={"tracking": True})
    _, html = await mail(system, made["id"])
    assert len(paths(html, "o")) == 1
    async with a_browser(system.app) as browser:
        await browser.sign_in()
        form = (await browser.get("/categories/marketing")).text
        version = form.split('name="version" value="')[1].split('"')[0]
        assert len(re.findall(r'name="track_\w+" value="yes" checked', form)) == 2
        changed = await browser.submit("/categories/marketing", **{
            "version": version, "name": "Marketing", "class": "marketing", "track_clicks": "yes",
        })  # fmt: skip
        assert changed.status_code == 303, changed.text
    _, html = await mail(system, made["id"])
    assert (len(paths(html, "o")), len(paths(html, "c"))) == (0, 3)


async def test_links_lead_on_without_a_ledger_and_only_where_they_were_signed_for(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, app = system.client, system.app
    await track(client, "marketing")
    id, html = await mail(system, {"email": "ann@example.com"})
    [pixel], [first, *_] = paths(html, "o"), paths(html, "c")
    await age(system)

    def away() -> Any:
        raise OSError("the ledger is away")

    with monkeypatch.context() as broken:
        broken.setattr(app.db, "leader", away)
        assert (await client.get(first, headers=FIREFOX)).headers["location"] == TARGET
        assert (await client.get(pixel, headers=APPLE)).status_code == 200
        assert not await tracking.write(app)
        assert len(app.visits) == 2
    assert await tracking.write(app)
    [delivery] = (await system.get(id))["deliveries"]
    assert [(one["kind"], one["reason"]) for one in delivery["engagements"]] == [
        ("clicked", ""), ("opened", "apple_privacy"),
    ]  # fmt: skip

    token = first.rpartition("/")[2]
    attempt = app.tracking.read(token).attempt_id
    [forged] = TrackingRing(["another"]).clicks(attempt, [(1, b"https://evil.example.com/")])
    for path in (
        f"/t/c/{forged}", f"/t/c/{token[:-2]}AA", f"/t/c/{pixel.rpartition('/')[2]}", "/t/c/x",
        f"/t/o/{token}", f"/t/o/{forged}", "/t/o/%00", f"/t/c/{'a' * 5000}", "/t/c/é",
    ):  # fmt: skip
        answer = await client.get(path, headers=FIREFOX)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("application/problem+json")
    assert len(app.visits) == 0


async def test_a_campaign_counts_people_and_programs_apart(system: System) -> None:
    author, approver = await a_user(system, "author"), await a_user(system, "approver")
    await track(system.client, "marketing")
    place = await a_draft(
        author, listed(4), content=CONTENT, data={"who": "you"}, category="marketing"
    )
    assert (await author.post(f"{place}/submit")).status_code == 202
    found = await until(author, place, "awaiting_approval")
    await approver.post(f"{place}/approve", json={"hash": found["hash"], "reason": "Fine."})
    await until(author, place, "completed")
    await age(system)
    sent = [html_of(one.content) for one in system.smtp.messages]
    mails = [html for html in sent if paths(html, "o")]  # those to approvers are not tracked
    assert len({path for html in mails for path in paths(html, "c")}) == 12
    for html in mails[:2]:
        await author.get(paths(html, "o")[0], headers=FIREFOX)
    await author.get(paths(mails[2], "o")[0], headers=APPLE)
    await author.get(paths(mails[0], "c")[0], headers=FIREFOX)
    for path in paths(mails[3], "c")[:2]:
        await author.get(path, headers=FIREFOX)
    assert await tracking.write(system.app)

    done = (await author.get(place)).json()["engagement"]
    assert done == {
        "opened": 2, "clicked": 1, "unsubscribed": 0, "complained": 0, "sent": 4,
        "rates": {"opened": 0.5, "clicked": 0.25, "unsubscribed": 0.0, "complained": 0.0},
        "times": {"opened": 2, "clicked": 1}, "machine": {"opened": 1, "clicked": 1},
    }  # fmt: skip
    async with a_browser(system.app) as browser:
        await browser.sign_in()
        page = (await browser.get(place.removeprefix("/v1"))).text
        assert "What recipients did" in page
        assert "50.0 %" in page
    rows = (await author.get(f"{place}/deliveries.csv")).text.splitlines()
    columns = rows[0].split(",")
    clicked = [row.split(",")[columns.index("clicked_at")] for row in rows[1:]]
    assert sum(bool(one) for one in clicked) == 1
    ledger = (await author.get(f"{place}/ledger")).json()
    assert (ledger["balanced"], ledger["receipts"]["opened"]) == (True, 2)
    assert ledger["receipts"]["clicked"] == 1
    assert decode("cmp", found["id"])
