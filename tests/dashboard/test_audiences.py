"""The pages of audiences: written by forms of each kind, counted, frozen and removed."""

import html
import re
from typing import Any

import pytest
from sqlalchemy import text

from connectors.registry import CONNECTORS
from dashboard import audience_filters, audience_forms
from tests.api.test_audiences import LDAP, a_profile, an_audience
from tests.connectors.test_other_packages import CRM
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser

FILTER = {
    "kind": "filter", "name": "pros", "owner": "default", "match": "all",
    "filter.1.field": "attributes.plan", "filter.1.op": "in", "filter.1.value": "pro, team",
    "filter.4.field": "attributes.orders", "filter.4.op": "gte", "filter.4.value": "3",
}  # fmt: skip


async def test_a_filter_is_counted_kept_frozen_and_removed(
    client: Client, browser_client: Browser
) -> None:
    await a_profile(client, name="Ann", email="ann@example.com",
                    attributes={"plan": "pro", "orders": 5})  # fmt: skip
    await a_profile(client, external_id="u2", attributes={"plan": "team", "orders": 3})
    assert "An audience says once who is meant" in (await browser_client.get("/audiences")).text
    counted = await browser_client.submit("/audiences/new/preview", **FILTER)
    assert "<strong>2</strong> members, 1 of whom can be reached" in counted.text
    assert "no address" in counted.text
    assert "a•••@example.com" in counted.text
    made = await browser_client.submit("/audiences/new", **FILTER, do="save")
    assert made.status_code == 303, made.text
    where = made.headers["location"]
    found = (await client.get(f"/v1{where}")).json()
    assert found["filter"] == {
        "all": [
            {"field": "attributes.plan", "op": "in", "value": ["pro", "team"]},
            {"field": "attributes.orders", "op": "gte", "value": 3},
        ]
    }
    assert where in (await browser_client.get("/audiences?kind=filter&q=pro")).text
    same = await browser_client.submit(
        where, do="save", **fields_of(await shown(browser_client, where))
    )
    assert same.status_code == 303, same.text
    assert (await client.get(f"/v1{where}")).json()["filter"] == found["filter"]
    await browser_client.submit(f"{where}/freeze")
    kept = (await client.get(f"/v1{where}/snapshots")).json()["items"]
    assert kept[0]["members"] == 2
    assert f"/snapshots/{kept[0]['id']}/remove" in await shown(browser_client, where)
    await browser_client.submit(f"{where}/snapshots/{kept[0]['id']}/remove")
    assert (await client.get(f"/v1{where}/snapshots")).json()["items"] == []
    await browser_client.submit(f"{where}/freeze")
    [left] = (await client.get(f"/v1{where}/snapshots")).json()["items"]
    assert (await browser_client.submit(f"{where}/remove", version="2")).status_code == 303
    assert (await browser_client.get(where)).status_code == 404
    place = f"/audiences/snapshots/{left['id']}/remove"
    assert place in (await browser_client.get("/audiences")).text
    assert (await browser_client.submit(place)).status_code == 303
    assert "that are gone" not in (await browser_client.get("/audiences")).text


async def test_wrong_rows_are_told_at_their_place(browser_client: Browser) -> None:
    wrong = {**FILTER, "filter.4.field": "planet", "filter.4.op": "eq"}
    answer = await browser_client.submit("/audiences/new", **wrong, do="save")
    assert answer.status_code == 422
    assert 'id="error-filter.1.field"' in answer.text
    assert 'value="pro, team"' in answer.text
    told = await browser_client.submit("/audiences/new/preview", **wrong)
    assert "filter.all[1].field is none of" in html.unescape(told.text)


async def test_a_connector_keeps_its_secrets_and_those_of_others_have_forms(
    client: Client, browser_client: Browser, monkeypatch: Any
) -> None:
    made = await an_audience(client, "staff", kind="ldap", ldap=LDAP)
    where = f"/audiences/{made['id']}"
    page = await shown(browser_client, where)
    assert "hush-hush" not in page
    fields = {**fields_of(page), "settings.group": "cn=staff,dc=example,dc=com"}
    changed = await browser_client.submit(where, do="save", **fields)
    assert changed.status_code == 303, changed.text
    assert (await client.get(f"/v1{where}")).json()["ldap"]["group"].startswith("cn=staff")
    moved = {**fields, "version": "2", "settings.url": "ldaps://elsewhere.example.com"}
    refused = await browser_client.submit(where, do="save", **moved)
    assert "ind_dn and bind_password go together" in refused.text, "secrets do not follow"
    monkeypatch.setitem(CONNECTORS, "crm", CRM)
    assert "A CRM" in (await browser_client.get("/audiences/new")).text
    crm = {"kind": "crm", "name": "from the CRM", "owner": "default"}
    wrong = await browser_client.submit("/audiences/new", **crm, do="save")
    assert 'id="error-settings.count"' in wrong.text
    counted = await browser_client.submit(
        "/audiences/new/preview", **crm, **{"settings.count": "4"}
    )
    assert "<strong>4</strong> members" in counted.text


async def test_a_viewer_counts_what_is_kept_and_changes_nothing(
    client: Client, browser_client: Browser
) -> None:
    made = await an_audience(client, "list", kind="profiles", profiles=[{"email": "a@example.com"}])
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE users SET role = 'viewer'"))
    where = f"/audiences/{made['id']}"
    told = await browser_client.submit(f"{where}/preview", profiles="b@example.com\nc@example.com")
    assert "<strong>1</strong> member, all of whom can be reached" in told.text
    assert (await browser_client.submit(where, do="save", name="x")).status_code == 403
    assert (await browser_client.get("/audiences/new")).status_code == 403


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("filter", {"any": [{"field": "name", "op": "eq", "value": "7"},
                            {"field": "attributes.no", "op": "in", "value": ["7", 7, "a, b", '"']},
                            {"field": "phone", "op": "exists", "value": False}]}),
        ("profiles", ["u1", {"email": "a@example.com"}, {"phone": "+14155550100"},
                      {"email": "b@example.com", "name": "B"}, "a@b.example.com"]),
        ("except", ["aud_1", "aud_2"]),
        ("group", "beta"),
        ("filter", {"not": {"field": "name", "value": "x"}}),
        ("union", [{"kind": "group", "group": "beta"}]),
    ],
)  # fmt: skip
def test_a_form_says_what_it_was_made_of(kind: str, body: Any) -> None:
    texts = audience_forms.texts({"kind": kind, kind: body}, [], as_json=False)
    assert audience_forms.document(kind, texts, [], texts) == {}
    assert audience_forms.document(kind, texts, [], None) == {"kind": kind, kind: body}
    assert len(audience_filters.rows(texts, 2)) == 2 + (len(body["any"]) if "any" in body else 0)


async def shown(browser: Browser, where: str) -> str:
    answer = await browser.get(where)
    assert answer.status_code == 200, answer.text
    return answer.text


def fields_of(page: str) -> dict[str, str]:
    """Return what the form of an audience would send."""
    form = page[page.index('id="audience"') : page.index('class="editor-preview"')]
    found = dict(re.findall(r'<input[^>]+ name="([^"]+)"[^>]* value="([^"]*)"', form))
    ticked = set(re.findall(r'type="checkbox"[^>]+ name="([^"]+)" value="yes"(?! checked)', form))
    for name, inner in re.findall(
        r'<select[^>]+ name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.findall(r'value="([^"]*)" selected', inner)
        found[name] = chosen[0] if chosen else ""
    found |= re.findall(r'<textarea[^>]+ name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return {name: html.unescape(value) for name, value in found.items() if name not in ticked}
