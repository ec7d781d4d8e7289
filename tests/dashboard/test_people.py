"""The pages of profiles and groups: made, found, changed, explained and erased by forms alone."""

import html
import re

import pytest
from playwright.async_api import Browser as Chromium
from sqlalchemy import text

from tests.api.test_profiles import a_profile
from tests.fixtures.api import Client
from tests.fixtures.chromium import SIZES, faults, signed_in
from tests.fixtures.dashboard import Browser

SAM = {"external_id": "customer-1", "name": "Sam", "email": "sam@example.com"}


def fields_of(page: str, action: str) -> dict[str, str]:
    """Return what a form of a page would send as it stands."""
    form = page[page.index(f'action="{action}"') :]
    form = form[: form.index("</form>")]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if given.get("type") != "checkbox" or " checked" in tag:
            found[given["name"]] = given.get("value", "")
    for name, options in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    areas = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.S)
    return {name: html.unescape(value) for name, value in {**found, **dict(areas)}.items()}


async def test_a_profile_is_made_found_and_changed(client: Client, browser_client: Browser) -> None:
    made = await browser_client.submit(
        "/profiles", **SAM, groups="beta\r\nnews\r\n", attributes='{"plan": "gold", "n": 1}'
    )
    assert made.status_code == 303, made.text
    where = made.headers["location"]
    assert "Sam is reached by email" in (await browser_client.get(where)).text
    for query in ("q=sam", "email=SAM@example.com", "group=beta", "attribute=plan%3Dgold",
                  "external_id=customer-1", "attributes.n=1"):  # fmt: skip
        assert where in (await browser_client.get(f"/profiles?{query}")).text, query
    assert where not in (await browser_client.get("/profiles?attribute=plan%3Dtin")).text
    fields = fields_of((await browser_client.get(f"{where}/change")).text, f"{where}/change")
    fields |= {"email": "", "phone": "+14155550100", "groups": "news", "attributes": '{"n": 2}',
               "addresses": "sms:+1 415 555 0142 verified label=at work\n"}  # fmt: skip
    wrong = await browser_client.submit(f"{where}/change", **{**fields, "addresses": "sms:12"})
    assert (wrong.status_code, "Line 1: " in wrong.text) == (422, True)
    assert (await browser_client.submit(f"{where}/change", **fields)).status_code == 303
    now = (await client.get(f"/v1{where}")).json()
    assert (now["email"], now["phone"], now["attributes"]) == (None, "+14155550100", {"n": 2})
    assert [one["name"] for one in now["groups"]] == ["news"]
    assert [(one["address"], one["label"], one["verified"]) for one in now["addresses"]] == [
        ("+14155550100", None, False), ("+14155550142", "at work", True),
    ]  # fmt: skip
    assert "at work, verified, beside the primary one" in (await browser_client.get(where)).text
    again = fields_of((await browser_client.get(f"{where}/change")).text, f"{where}/change")
    await browser_client.submit(f"{where}/change", **again)
    assert (await client.get(f"/v1{where}")).json()["addresses"] == now["addresses"]
    late = await browser_client.submit(f"{where}/change", **{**fields, "name": "Other"})
    assert (late.status_code, "changed meanwhile" in late.text) == (412, True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"email": "nobody"}, "email"), ({"timezone": "Mars/Base"}, "timezone"),
     ({"attributes": "[1]"}, "attributes"), ({"groups": "x" * 257}, "groups")],
)  # fmt: skip
async def test_what_is_wrong_is_told_beside_its_field(
    browser_client: Browser, wrong: dict[str, str], field: str
) -> None:
    answer = await browser_client.submit("/profiles", **{**SAM, "name": "kept", **wrong})
    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    assert 'value="kept"' in answer.text


async def test_preferences_are_kept_as_the_form_says(
    client: Client, browser_client: Browser
) -> None:
    id = (await a_profile(client, **SAM))["id"]
    where = f"/profiles/{id}/preferences"
    chosen = {"categories": {"bulk": {"sms": True}}, "unsubscribed": ["sms"],
              "digest": {"bulk": {"every": "day", "at": "08:00"}}}  # fmt: skip
    await client.put(f"/v1{where}", json=chosen)
    fields = fields_of((await browser_client.get(where)).text, where)
    assert "heard.sms" not in fields
    del fields["on.marketing/email"], fields["heard.push"]
    fields |= {
        "heard.sms": "yes", "order.push": "1", "order.email": "2",
        "quiet_hours.start": "22:00", "quiet_hours.end": "07:00",
        "frequency[1].limit": "3", "frequency[1].per": "week", "frequency[1].category": "bulk",
    }  # fmt: skip
    kept = await browser_client.submit(where, **fields)
    assert kept.status_code == 303, kept.text
    now = (await client.get(f"/v1{where}")).json()
    assert now["categories"] == {"bulk": {"sms": True}, "marketing": {"email": False}}
    assert now["channel_order"] == ["push", "email"]
    assert now["quiet_hours"] == {"start": "22:00", "end": "07:00"}
    assert now["frequency"] == [{"limit": 3, "per": "week", "category": "bulk"}]
    assert now["unsubscribed"] == ["push"]
    assert now["digest"] == chosen["digest"], "what the recipient chose stays"
    assert (await browser_client.submit(where, **fields)).status_code == 412
    again = fields_of((await browser_client.get(where)).text, where)
    wrong = await browser_client.submit(
        where,
        **{**again, "quiet_hours.end": "22:00", "frequency[0].limit": "many", "digest.bulk": "8"},
    )
    assert wrong.status_code == 422
    assert 'id="error-quiet_hours.end"' in wrong.text
    assert 'id="error-frequency[0].limit"' in wrong.text
    assert 'id="error-digest.bulk"' in wrong.text
    assert 'value="many"' in wrong.text
    moved = {"digest.bulk": "", "digest.marketing": "09:30"}
    assert (await browser_client.submit(where, **{**again, **moved})).status_code == 303
    now = (await client.get(f"/v1{where}")).json()
    assert now["digest"] == {"marketing": {"every": "day", "at": "09:30"}}


async def test_the_page_tells_what_became_of_messages_and_why_not(
    client: Client, browser_client: Browser
) -> None:
    id = (await a_profile(client, **SAM))["id"]
    words = {"content": {"email": {"subject": "Hi", "text": "Hello"}}, "category": "marketing"}
    named = (await client.post("/v1/notifications", json={"recipient": id, **words})).json()["id"]
    unnamed = {"recipient": {"email": "sam@example.com"}, **words}
    by_address = (await client.post("/v1/notifications", json=unnamed)).json()["id"]
    await client.post("/v1/suppressions", json={"channel": "email", "address": "sam@example.com"})
    page = (await browser_client.get(f"/profiles/{id}")).text
    assert f"/notifications/{named}" in page
    assert f"/notifications/{by_address}" in page
    assert "email</a>, all categories: manual" in page
    asked = f"/profiles/{id}/explain?category=marketing&channel=email&zone=UTC"
    told = html.unescape((await browser_client.get(asked)).text)
    assert "No: " in told
    assert "the address is suppressed" in told
    at = await browser_client.get(f"{asked}&at=nonsense")
    assert (at.status_code, 'id="error-at"' in at.text) == (422, True)
    none = await browser_client.get(f"/profiles/{id}/explain?category=")
    assert 'id="error-category"' in none.text
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE profiles SET active = false, user_name = 'sam.sample'"))
    page = (await browser_client.get(f"/profiles/{id}")).text
    assert "Sam is deactivated" in page
    assert "pushed by SCIM as sam.sample" in page


async def test_a_link_an_export_and_an_erasure(client: Client, browser_client: Browser) -> None:
    id = (await a_profile(client, **SAM))["id"]
    shown = await browser_client.submit(f"/profiles/{id}/link")
    link = re.search(r'value="[^"]+(/p/[^"]+)" readonly', shown.text)
    assert link is not None
    assert (await browser_client.get(link[1])).status_code == 200
    export = await browser_client.get(f"/profiles/{id}/export")
    assert export.headers["content-disposition"] == f'attachment; filename="{id}.json"'
    assert export.json()["profile"]["id"] == id
    version = (await client.get(f"/v1/profiles/{id}")).json()["version"]
    where = f"/profiles/{id}/erase"
    kept = await browser_client.submit(where, typed="sam", version=str(version))
    assert (kept.status_code, 'id="error-typed"' in kept.text) == (422, True)
    gone = await browser_client.submit(where, typed="Sam", version=str(version))
    assert gone.headers["location"] == "/profiles"
    assert (await browser_client.get(f"/profiles/{id}")).status_code == 404


async def test_a_group_gets_members_and_a_name(client: Client, browser_client: Browser) -> None:
    id = (await a_profile(client, **SAM, groups=["first"]))["id"]
    made = await browser_client.submit("/groups", name="testers")
    where = made.headers["location"]
    taken = await browser_client.submit("/groups", name="testers")
    assert (taken.status_code, 'id="error-name"' in taken.text) == (409, True)
    for who in ("sam@example.com", "customer-1", id):
        assert (await browser_client.submit(f"{where}/members", who=who)).status_code == 303
    page = (await browser_client.get(where)).text
    assert "1 profile in testers" in page
    groups = (await client.get(f"/v1/profiles/{id}")).json()["groups"]
    assert {one["name"] for one in groups} == {"first", "testers"}
    nobody = await browser_client.submit(f"{where}/members", who="nobody@example.com")
    assert (nobody.status_code, 'id="error-who"' in nobody.text) == (422, True)
    version = fields_of(page, f"{where}/rename")["version"]
    renamed = await browser_client.submit(f"{where}/rename", name="trials", version=version)
    assert renamed.status_code == 303
    out = await browser_client.submit(f"{where}/members/{id}/remove")
    assert out.headers["location"] == where
    page = (await browser_client.get(where)).text
    assert "0 profiles in trials" in page
    version = fields_of(page, f"{where}/remove")["version"]
    gone = await browser_client.submit(f"{where}/remove", version=version)
    assert gone.headers["location"] == "/groups"
    assert (await browser_client.get(where)).status_code == 404


async def test_what_a_page_makes_belongs_to_the_module_that_is_chosen(
    client: Client, browser_client: Browser
) -> None:
    assert 'name="owner"' not in (await browser_client.get("/profiles/new")).text
    other = await client.with_key("*", module="other")
    for path, fields in (("/profiles", SAM), ("/groups", {"name": "theirs"}), ("/templates/new", {
        "do": "save", "key": "theirs", "locale": "en", "words.en.sms.text": "Hello"})):  # fmt: skip
        form = (await browser_client.get(path.replace("/profiles", "/profiles/new"))).text
        assert '<option value="other"' in form, path
        made = await browser_client.submit(path, owner="other", **fields)
        assert made.status_code == 303, made.text
        kept = await other.get(f"/v1{made.headers['location']}")
        assert (kept.status_code, kept.json()["module"]) == (200, "other")
    assert (await browser_client.submit("/groups", owner="none", name="x")).status_code == 404


async def test_an_author_gathers_people_without_seeing_their_addresses(
    client: Client, browser_client: Browser
) -> None:
    id = (await a_profile(client, **SAM))["id"]
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE users SET role = 'author'"))
    where = (await browser_client.submit("/groups", name="testers")).headers["location"]
    joined = await browser_client.submit(f"{where}/members", who="sam@example.com")
    assert joined.headers["location"] == where
    page = (await browser_client.get(where)).text
    assert "1 profile in testers" in page
    assert "sam@example.com" not in page
    assert (await browser_client.submit("/profiles", **SAM)).status_code == 403
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE users SET role = 'operator'"))
    assert "sam@example.com" in (await browser_client.get(f"/profiles/{id}")).text


async def test_a_viewer_reads_masked_addresses_and_writes_nothing(
    client: Client, browser_client: Browser
) -> None:
    made = await a_profile(client, **SAM, groups=["beta"])
    id, group = made["id"], made["groups"][0]["id"]
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE users SET role = 'viewer'"))
    for path in ("/profiles", f"/profiles/{id}", f"/profiles/{id}/explain?category=bulk",
                 f"/profiles/{id}/preferences", f"/groups/{group}", "/imports"):  # fmt: skip
        answer = await browser_client.get(path)
        assert answer.status_code == 200, path
        assert "sam@example.com" not in answer.text, path
        main = answer.text[answer.text.index('id="main"') :]
        assert 'method="post"' not in main or path.endswith("/preferences"), path
        assert '<button class="button"' not in main, path
    for path in ("/profiles/new", f"/profiles/{id}/change", f"/profiles/{id}/erase",
                 f"/profiles/{id}/export"):  # fmt: skip
        assert (await browser_client.get(path)).status_code == 403, path
    for path, fields in (
        ("/profiles", {"name": "x"}), ("/groups", {"name": "x"}),
        (f"/profiles/{id}/preferences", {"version": "0"}), (f"/profiles/{id}/unsubscribe", {}),
        (f"/profiles/{id}/erase", {"typed": "Sam", "version": "1"}), (f"/profiles/{id}/link", {}),
        (f"/groups/{group}/members/{id}/remove", {}), (f"/groups/{group}/remove", {}),
    ):  # fmt: skip
        assert (await browser_client.submit(path, **fields)).status_code == 403, path


async def test_the_pages_of_people_are_accessible_and_fit(
    client: Client, pages: str, chromium: Chromium
) -> None:
    made = await a_profile(client, **SAM, groups=["beta"], attributes={"deep": {"x": ["y" * 200]}})
    id = made["id"]
    paths = ("/profiles?q=sam", "/profiles/new", f"/profiles/{id}", f"/profiles/{id}/preferences",
             f"/profiles/{id}/explain?category=bulk", f"/profiles/{id}/erase", "/groups",
             f"/groups/{made['groups'][0]['id']}", "/imports")  # fmt: skip
    for size in SIZES.values():
        page = await signed_in(chromium, pages, viewport=size, color_scheme="dark")
        assert await faults(page, paths) == []
