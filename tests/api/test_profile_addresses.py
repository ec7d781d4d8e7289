"""Several addresses of a profile: written, found, erased, sent to."""

from typing import Any

import pytest
from sqlalchemy import text

from activities.planning import plan_new
from domain.ids import decode
from tests.api.test_profiles import a_profile
from tests.fixtures import rows
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.heard import default_module

WORK = {"channel": "email", "address": "work@example.com", "label": "work", "verified": True}
HOME = {"channel": "email", "address": "home@example.com"}
PHONE = {"channel": "sms", "address": "+1 415 555 0100"}


def shown(body: dict[str, Any]) -> list[tuple[str, bool, bool]]:
    return [(one["address"], one["verified"], one["primary"]) for one in body["addresses"]]


async def sent_to(client: Client, profile: str, category: str = "transactional") -> tuple[str, str]:
    """Return the address and the state of the mail that planning makes."""
    module = await default_module(client.app)
    async with client.app.db.leader() as conn:
        row = await rows.accepted(
            conn, module_id=module, profile_id=decode("prf", profile), recipient={},
            recipient_keys=[profile], category=category, **{"class": category},
        )  # fmt: skip
        await plan_new(conn, [row["id"]], row["workflow_id"])
        found = await conn.execute(
            text("SELECT address, state FROM deliveries WHERE notification_id = :id"),
            {"id": row["id"]},
        )
        made = found.one()
        return made.address, made.state


async def test_the_first_verified_becomes_the_primary_one_where_none_is_named(
    client: Client,
) -> None:
    made = await a_profile(client, addresses=[HOME, WORK, PHONE])
    assert (made["email"], made["phone"]) == ("work@example.com", "+14155550100")
    assert shown(made) == [
        ("work@example.com", True, True), ("home@example.com", False, False),
        ("+14155550100", False, True),
    ]  # fmt: skip
    url = f"/v1/profiles/{made['id']}"
    again = (await client.patch(url, json={"addresses": made["addresses"]})).json()
    assert again["addresses"] == made["addresses"]
    moved = (await client.patch(url, json={"email": "home@example.com"})).json()
    assert shown(moved)[0] == ("home@example.com", False, True)
    assert "work@example.com" not in str(moved["addresses"]), "the field was given another value"
    left = (await client.patch(url, json={"email": None, "addresses": [WORK]})).json()
    assert (left["email"], shown(left)) == ("work@example.com", [("work@example.com", True, True),
                                            ("+14155550100", False, True)])  # fmt: skip
    gone = (await client.patch(url, json={"email": None})).json()
    assert (gone["email"], len(gone["addresses"])) == (None, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"addresses": [HOME, {**HOME, "address": "HOME@example.com"}]}, "addresses[1].address"),
        ({"addresses": [{**HOME, "primary": True}, {**WORK, "primary": True}]},
         "addresses[1].primary"),
        ({"email": "x@example.com", "addresses": [{**HOME, "primary": True}]},
         "addresses[0].primary"),
        ({"addresses": [{"channel": "sms", "address": "5"}]}, "addresses[0].address"),
        ({"addresses": [{"channel": "push", "address": "token"}]}, "addresses[0].channel"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_named(client: Client, body: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/profiles", json=body)
    assert answer.status_code == 422
    assert problem_fields(answer) == [field]


async def test_any_address_finds_its_profile(client: Client) -> None:
    made = await a_profile(client, email="first@example.com", addresses=[WORK, PHONE])
    await a_profile(client, email="other@example.com")
    for query in ("email=WORK@example.com", "email=first@example.com", "phone=%2B14155550100",
                  "q=work@"):  # fmt: skip
        found = (await client.get(f"/v1/profiles?{query}")).json()["items"]
        assert [one["id"] for one in found] == [made["id"]], query
    rule = {"field": "email", "op": "in", "value": ["Work@example.com"]}
    audience = {"name": "workers", "kind": "filter", "filter": rule}
    answer = await client.post("/v1/audiences", json=audience)
    assert answer.status_code == 201, answer.text
    url = f"/v1/audiences/{answer.json()['id']}/preview"
    preview = {"category": "marketing", "channels": ["email"]}
    assert (await client.post(url, json=preview)).json()["suppressed"] == {}
    await suppress(client, "work@example.com")
    told = (await client.post(url, json=preview)).json()
    assert told["suppressed"] == {"manual": 1}, "first@ is not verified, and another is"
    told = (await client.post(url, json={**preview, "category": "transactional"})).json()
    assert told["suppressed"] == {}


async def suppress(client: Client, address: str) -> None:
    body = {"channel": "email", "address": address, "reason": "manual"}
    assert (await client.post("/v1/suppressions", json=body)).is_success


async def test_sending_falls_to_the_next_address_and_explaining_says_so(client: Client) -> None:
    made = await a_profile(client, email="first@example.com", addresses=[HOME, WORK])
    assert await sent_to(client, made["id"]) == ("first@example.com", "accepted")
    assert await sent_to(client, made["id"], "marketing") == ("work@example.com", "accepted")
    await suppress(client, "first@example.com")
    assert await sent_to(client, made["id"]) == ("work@example.com", "accepted")
    url = f"/v1/profiles/{made['id']}/explain?channel=email"
    told = (await client.get(url)).json()
    assert (told["address"], told["rules"][0]["rule"]) == ("work@example.com", "address")
    await suppress(client, "work@example.com")
    assert await sent_to(client, made["id"]) == ("home@example.com", "accepted")
    assert await sent_to(client, made["id"], "marketing") == ("work@example.com", "suppressed")


async def test_preferences_hold_for_a_message_to_an_address_beside_the_primary_one(
    client: Client,
) -> None:
    made = await a_profile(client, email="first@example.com", addresses=[WORK])
    await client.post(f"/v1/profiles/{made['id']}/unsubscribe", json={"channel": "email"})
    module = await default_module(client.app)
    async with client.app.db.leader() as conn:
        row = await rows.accepted(
            conn, module_id=module, recipient={"email": "Work@example.com"},
            recipient_keys=["work@example.com"],
        )  # fmt: skip
        await plan_new(conn, [row["id"]], row["workflow_id"])
        assert await rows.state_of(conn, row) == ("suppressed", ["suppressed"])


async def test_an_erasure_reaches_every_address(client: Client) -> None:
    made = await a_profile(client, email="first@example.com", addresses=[WORK])
    module = await default_module(client.app)
    async with client.app.db.leader() as conn:
        row = await rows.planned(
            conn, module_id=module, recipient={"email": "work@example.com"},
            recipient_keys=["work@example.com"],
        )  # fmt: skip
    handed = (await client.get(f"/v1/profiles/{made['id']}/export")).json()
    assert shown(handed["profile"]) == shown(made)
    assert len(handed["notifications"]) == 1
    assert (await client.delete(f"/v1/profiles/{made['id']}")).status_code == 204
    async with client.app.db.leader() as conn:
        assert await rows.state_of(conn, row) == ("cancelled", ["cancelled"])
