"""The pages of recipients in the look of the module that writes to them."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contract.brand import contrast_with_white
from domain.ids import decode
from domain.preference_links import Link, Purpose
from tests.activities.test_campaign_resolving import resolve
from tests.fixtures.api import Client
from tests.fixtures.campaigns import a_campaign, listed
from tests.fixtures.dashboard import a_browser

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 40).decode()


async def test_the_centre_has_name_colour_and_picture(client: Client) -> None:
    brand = {
        "name": "Harbour Bank", "colour": "#0B57D0",
        "logo": {"content_type": "image/png", "base64": PNG},
    }  # fmt: skip
    changed = await client.patch("/v1/modules/default", json={"brand": brand})
    assert changed.status_code == 200, changed.text
    assert changed.json()["brand"]["colour"] == "#0b57d0"
    profile = (await client.post("/v1/profiles", json={"email": "ann@example.com"})).json()["id"]
    token = (await client.post(f"/v1/profiles/{profile}/token")).json()["token"]
    async with a_browser(client.app) as browser:
        page = (await browser.get(f"/p/{token}")).text
        assert "Harbour Bank" in page
        assert f'src="data:image/png;base64,{PNG}" alt="Harbour Bank"' in page
        sheet = page.split('href="/brand/')[1].split('"')[0]
        style = await browser.get(f"/brand/{sheet}")
        assert style.headers["content-type"].startswith("text/css")
        assert "background: #0b57d0" in style.text
        assert (await browser.get("/brand/mod_nobody.css")).status_code == 404
    bare = await client.patch("/v1/modules/default", json={"brand": {"logo": None}})
    assert sorted(bare.json()["brand"]) == ["colour", "name"]
    assert (await client.patch("/v1/modules/default", json={"brand": None})).json()["brand"] == {}


async def test_a_campaigns_brand_is_on_the_pages_behind_its_links(client: Client) -> None:
    await client.patch("/v1/modules/default", json={"brand": {"name": "Bank", "colour": "#0b57d0"}})
    campaign = await a_campaign(client.app, client, listed(1))
    await campaign.submit(brand={"name": "Harbour Cards", "colour": "#7a0000"})
    await resolve(campaign)
    [sent] = await campaign.deliveries()
    profile = (await client.post("/v1/profiles", json={"email": "bo@example.com"})).json()["id"]
    until = datetime.now(UTC) + timedelta(hours=1)
    centre = Link(Purpose.CENTRE, decode("prf", profile), until, delivery=sent.id)
    leaving = Link(Purpose.PROFILE, decode("prf", profile), until, "bulk", "email", sent.id)
    async with a_browser(client.app) as browser:
        for place, link in (("p", centre), ("u", leaving)):
            page = (await browser.get(f"/{place}/{client.app.links.sign(link)}")).text
            assert "Harbour Cards" in page
            sheet = page.split('href="/brand/')[1].split('"')[0]
            assert "background: #7a0000" in (await browser.get(f"/brand/{sheet}")).text


@pytest.mark.parametrize(
    ("brand", "field"),
    [
        ({"colour": "#ffee00"}, "brand.colour"),
        ({"colour": "red"}, "brand.colour"),
        ({"logo": {"content_type": "image/svg+xml", "base64": PNG}}, "brand.logo.content_type"),
        ({"logo": {"content_type": "image/png", "base64": "?"}}, "brand.logo.base64"),
        ({"logo": {"content_type": "image/png", "base64": "A" * 100_000}}, "brand.logo.base64"),
    ],
)
async def test_what_cannot_be_shown_is_refused(client: Client, brand: object, field: str) -> None:
    refused = await client.patch("/v1/modules/default", json={"brand": brand})
    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == [field]


@given(st.integers(0, 0xFFFFFF))
def test_contrast_is_that_of_black_and_white_at_the_ends(colour: int) -> None:
    assert 1.0 <= contrast_with_white(f"#{colour:06x}") <= 21.0
    assert round(contrast_with_white("#000000"), 3) == 21.0
    assert round(contrast_with_white("#ffffff"), 3) == 1.0
