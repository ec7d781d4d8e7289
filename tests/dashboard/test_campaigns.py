"""The pages of campaigns: written, tried, submitted, decided on, looked into."""

import html

from sqlalchemy import text

from domain.campaign import Step
from domain.ids import decode, encode
from tests.activities.test_campaign_resolving import resolve
from tests.fixtures.api import KEY, a_client
from tests.fixtures.campaigns import Campaign, a_campaign, listed
from tests.fixtures.dashboard import Browser
from tests.services.test_standing_approvals import resolved


async def an_audience(browser: Browser, number: int = 3) -> str:
    async with a_client(browser.app, KEY) as api:
        made = await api.post("/v1/audiences", json={"name": "them", **listed(number)})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def a_draft(browser: Browser, **fields: str) -> str:
    usual = {
        "name": "Spring", "audience": await an_audience(browser), "say": "email",
        "content.email.subject": "Hi {{ who }}", "content.email.text": "Hello {{ who }}",
        "hours": "any", "zone": "Europe/Paris",
    }  # fmt: skip
    answer = await browser.submit("/campaigns", **{**usual, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_an_empty_list_says_what_it_will_hold(browser_client: Browser) -> None:
    page = (await browser_client.get("/campaigns")).text
    assert "Once a campaign is written, it is listed here" in page
    assert "Write a campaign" in page


async def test_a_draft_is_written_tried_changed_and_submitted(browser_client: Browser) -> None:
    ramp = {"start_per_second": "0.5", "doubles_every_seconds": "3600"}
    ramped = {f"pace.ramp.{name}": value for name, value in ramp.items()}
    wrong = await browser_client.submit("/campaigns", say="email", **ramped)
    assert 'id="error-pace.per_second"' in wrong.text
    few = {"share": "2.5", "at_least": "10", "wait_seconds": "60", "bounds.bounced": "3"}
    canary = {f"canary.{name}": value for name, value in few.items()}
    where = await a_draft(browser_client, **{"pace.per_second": "2.5"}, **ramped, **canary)
    async with a_client(browser_client.app, KEY) as api:
        kept = (await api.get(f"/v1{where}")).json()["canary"]
    assert (kept["share"], kept["bounds"]) == (
        0.025, {"bounced": 0.03, "complained": None, "failed": None},
    )  # fmt: skip
    assert where in (await browser_client.get("/campaigns?state=draft")).text
    assert where not in (await browser_client.get("/campaigns?state=sending")).text
    page = (await browser_client.get(where)).text
    assert "Submit for approval" in page
    assert "2.5 a second, now 0.5: from 0.5 on twice as fast every 3" in page
    tried = html.unescape((await browser_client.get(f"{where}/preview")).text)
    assert "Of 3 recipients" in tried
    assert "Hello N0" in tried

    form = (await browser_client.get(f"{where}/edit")).text
    assert 'name="canary.bounds.bounced" type="text" value="3"' in form
    version = form.split('name="version" value="')[1].split('"')[0]
    changed = await browser_client.submit(
        f"{where}/edit", name="Summer", audience=_audience_of(form),
        say="email", hours="any", zone="UTC", version=version,
        **{"content.email.subject": "Hi", "content.email.text": "Sunny"},
    )  # fmt: skip
    assert changed.status_code == 303, changed.text
    page = (await browser_client.get(where)).text
    assert "Summer" in page
    assert "that of its accounts" in page
    assert "2.5 %, at least" not in page
    sent = await browser_client.submit(f"{where}/submit")
    assert sent.status_code == 303, sent.text
    assert "resolving" in (await browser_client.get(where)).text
    again = await browser_client.submit(f"{where}/submit")
    assert again.status_code == 409
    assert "It is resolving, and so it cannot be submitted" in html.unescape(again.text)


async def test_a_wrong_field_is_told_beside_it_and_nothing_is_lost(browser_client: Browser) -> None:
    answer = await browser_client.submit(
        "/campaigns", name="Spring", audience="", say="email", zone="UTC",
        **{"content.email.subject": "Keep me", "window.end_at": "2001-01-01T09:00"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert 'id="error-audience"' in answer.text
    assert 'value="Keep me"' in answer.text


async def test_its_ledger_leads_to_what_is_behind(browser_client: Browser) -> None:
    async with a_client(browser_client.app, KEY) as api:
        campaign = await a_campaign(browser_client.app, api, listed(2))
    where = f"/campaigns/{encode('cmp', campaign.id)}"
    rows = await browser_client.get(f"{where}/deliveries?state=failed")
    assert "No delivery fits these filters" in rows.text
    csv = await browser_client.get(f"{where}/deliveries.csv")
    assert csv.text.startswith("id,profile,channel,address")


async def test_a_test_and_a_canary_are_shown_and_the_winner_is_chosen(
    browser_client: Browser,
) -> None:
    app = browser_client.app
    async with a_client(app, KEY) as api:
        for key in ("plain", "bold"):
            mail = {"subject": key, "text": "Leave: {{ unsubscribe_url }}"}
            made = {"key": key, "name": key, "locale": "en", "content": {"email": mail}}
            assert (await api.post("/v1/templates", json=made)).status_code == 201
            await api.post(f"/v1/templates/{key}/publish", json={"version": 1})
    variants = {
        f"ab_test.variants.{n}.{name}": value
        for n, key in enumerate(("plain", "bold"))
        for name, value in (("template", key), ("share", "33"))
    }
    test = {"say": "ab_test", "ab_test.measure": "event", "ab_test.decide_after_seconds": "60"}
    audience = await an_audience(browser_client, 12)
    fields = {"name": "Spring", "audience": audience, "hours": "any", "zone": "UTC",
              "canary.share": "20", "canary.bounds.bounced": "5", **test, **variants}  # fmt: skip
    wrong = await browser_client.submit("/campaigns", **fields)
    assert 'id="error-ab_test.event_type"' in wrong.text
    fields["ab_test.measure"] = "clicked"
    where = (await browser_client.submit("/campaigns", **fields)).headers["location"]
    form = (await browser_client.get(f"{where}/edit")).text
    assert 'name="ab_test.variants.1.share" type="text" value="33"' in form
    assert (await browser_client.submit(f"{where}/submit")).status_code == 303
    campaign = Campaign(app, decode("cmp", where.rpartition("/")[2]))
    await resolve(campaign)
    page = (await browser_client.get(where)).text
    assert "plain or bold" in page
    assert "Send b to all others now" not in page
    await campaign.take(Step.APPROVE)
    async with app.db.leader() as conn:
        await conn.execute(
            text("UPDATE campaigns SET state = 'paused', canary = canary || CAST(:c AS jsonb)"),
            {"c": {"state": "stopped", "breaches": ["bounced: 2 of 3"], "counts": {
                "sent": 3, "failed": 0, "waiting": 0, "bounced": 2, "complained": 0}}},
        )  # fmt: skip
    page = (await browser_client.get(where)).text
    assert "bounced: 2 of 3" in page
    assert "Send b to all others now" in page
    chosen = await browser_client.submit(f"{where}/winner", variant="b", reason="Clearer.")
    assert chosen.status_code == 303, chosen.text
    assert "variant b won" in (await browser_client.get(where)).text


def _audience_of(form: str) -> str:
    return "aud_" + form.split('<option value="aud_')[1].split('"')[0]


async def test_it_is_written_step_by_step_up_to_its_submission(browser_client: Browser) -> None:
    first = (await browser_client.get("/campaigns/new")).text
    assert '<li aria-current="step">Audience</li>' in first
    assert 'name="content.email.subject"' not in first
    fields = {"at": "audience", "name": "Spring", "audience": "", "do": "next"}
    wrong = await browser_client.submit("/campaigns", **fields)
    assert 'id="error-audience"' in wrong.text
    fields["audience"] = await an_audience(browser_client)
    second = await browser_client.submit("/campaigns", **fields, say="email")
    assert '<li aria-current="step">Words</li>' in second.text
    assert f'type="hidden" name="audience" value="{fields["audience"]}"' in second.text
    fields |= {"at": "words", "say": "email", "content.email.text": "{{ who"}
    wrong = await browser_client.submit("/campaigns", **fields)
    assert wrong.status_code == 422
    assert 'value="Spring"' in wrong.text
    fields |= {"content.email.subject": "Hi", "content.email.text": "Hello {{ who }}"}
    third = await browser_client.submit("/campaigns", **fields)
    assert '<li aria-current="step">Window</li>' in third.text
    back = await browser_client.submit("/campaigns", **{**fields, "at": "window", "do": "back"})
    assert '<li aria-current="step">Words</li>' in back.text
    assert "Hello {{ who }}" in back.text
    fields |= {"at": "window", "do": "keep", "hours": "any", "zone": "UTC"}
    late = await browser_client.submit("/campaigns", **{**fields, "name": ""})
    assert '<li aria-current="step">Audience</li>' in late.text, "where it is to be mended"
    made = await browser_client.submit("/campaigns", **fields)
    assert made.status_code == 303, made.text
    tried = (await browser_client.get(made.headers["location"])).text
    assert '<li aria-current="step">Dry run</li>' in tried
    assert "Submit for approval to send to 3 recipients" in tried
    place = made.headers["location"].removesuffix("/preview")
    wrong = await browser_client.submit(f"{place}/submit", approve_by="2001-01-01T09:00")
    assert wrong.status_code == 422
    sent = await browser_client.submit(
        f"{place}/submit", approve_by="2090-01-01T09:00", zone="Europe/Paris"
    )
    assert sent.status_code == 303, sent.text
    async with a_client(browser_client.app, KEY) as api:
        assert (await api.get(f"/v1{place}")).json()["approve_by"] == "2090-01-01T08:00:00.000Z"


async def test_an_approver_sees_precisely_what_goes_out(browser_client: Browser) -> None:
    app = browser_client.app
    async with a_client(app, KEY) as api:
        words = {
            "email": {"subject": "Hi {{ who }}", "text": "Hello {{ who }}, {{ unsubscribe_url }}"}
        }
        french = {"email": {"subject": "Salut", "text": "Bonjour {{ who }}, {{ unsubscribe_url }}"}}
        template = {
            "key": "news", "content": words, "category": "bulk",
            "locale": "en", "locales": {"fr": french},
        }  # fmt: skip
        assert (await api.post("/v1/templates", json=template)).status_code == 201
        published = await api.post("/v1/templates/news/publish", json={"version": 1})
        assert published.status_code == 200, published.text
        members = [
            {"email": "a@example.com", "attributes": {"who": "Ann"}},
            {"email": "b@example.com", "locale": "fr", "attributes": {"who": "Benoit"}},
        ]
        audience = await api.post(
            "/v1/audiences", json={"name": "x", "kind": "profiles", "profiles": members}
        )
        news = {"name": "News", "audience": audience.json()["id"], "template": "news",
                "window": {"off_hours": None}}  # fmt: skip
        made = await api.post("/v1/campaigns", json=news)
        assert made.status_code == 201, made.text
        place = f"/campaigns/{made.json()['id']}"
        assert (await api.post(f"/v1{place}/submit")).status_code == 202
    campaign = Campaign(app, decode("cmp", made.json()["id"]))
    await resolved(campaign)
    assert "Look at it and decide" in (await browser_client.get(place)).text
    page = html.unescape((await browser_client.get(f"{place}/approval")).text)
    row = await campaign.row()
    for told in ("Hello Ann", "Bonjour Benoit", "email in fr", "2 recipients", row.hash[:16],
                 "Who may approve", "Administrator", "template news, version 1"):  # fmt: skip
        assert told in page
    stale = await browser_client.submit(f"{place}/approve", hash="0" * 64)
    assert stale.status_code == 409
    assert "look again" in stale.text
    refused = await browser_client.submit(f"{place}/reject", reason="")
    assert refused.status_code == 422
    given = await browser_client.submit(f"{place}/approve", hash=row.hash, reason="Fine")
    assert given.status_code == 303, given.text
    page = (await browser_client.get(place)).text
    assert "approved</strong> by Administrator: Fine" in page
