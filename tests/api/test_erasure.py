"""DELETE /v1/profiles/{id}: plants a person everywhere, erases them, and searches every table."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from domain.ids import decode, encode
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, State
from services.app import App
from services.importing import work_on_next
from stores import erasure
from tests.fixtures import rows
from tests.fixtures.api import Client
from tests.fixtures.heard import Probe, an_account, an_attempt, default_module, fetch
from tests.fixtures.person import EMAIL, MARKS, PHONE, PROFILE, add_profile, ask, plant
from vendors.registry import KINDS


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    made = Probe()
    monkeypatch.setitem(KINDS, "probe", made.kind)
    return made


async def tables(app: App) -> list[str]:
    found = await fetch(
        app,
        "SELECT c.relname AS name FROM pg_class c WHERE c.relkind IN ('r', 'p')"
        " AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition",
    )
    return [row.name for row in found]


async def mentions(app: App) -> dict[str, str]:
    """Return the first row of each table that holds a mark, as text or as octets."""
    marks = [*MARKS, *(mark.encode().hex() for mark in MARKS), EMAIL[:9].encode().hex()]
    found: dict[str, str] = {}
    for table in await tables(app):
        for row in await fetch(app, f"SELECT t::text AS said FROM {table} t"):
            if any(mark in row.said.lower() for mark in marks):
                found.setdefault(table, row.said[:300])
    return found


async def balance(client: Client) -> dict[str, int]:
    found: dict[str, int] = (await client.get("/v1/analytics/summary")).json()["totals"]
    return found


async def test_nothing_of_the_person_is_left_in_any_table(client: Client, probe: Probe) -> None:
    planted = await plant(client, probe)
    before = await mentions(client.app)
    assert before.keys() >= {
        "profiles", "profile_devices", "notifications", "deliveries", "attempts", "receipts",
        "replies", "webhook_calls", "sandbox_messages", "idempotency", "import_rejections",
        "suppressions",
    }  # fmt: skip
    assert (await client.delete(f"/v1/profiles/{planted['id']}")).status_code == 204
    left = await mentions(client.app)
    assert set(left) == {"suppressions"}, left


async def test_counts_and_audit_lines_stay(client: Client, probe: Probe) -> None:
    planted = await plant(client, probe)
    before = await balance(client)
    counted = {
        table: len(await fetch(client.app, f"SELECT 1 FROM {table}"))
        for table in ("notifications", "receipts", "replies", "webhook_calls", "audit")
    }
    await client.delete(f"/v1/profiles/{planted['id']}")
    for table, count in counted.items():
        more = {"audit": 1}.get(table, 0)
        assert len(await fetch(client.app, f"SELECT 1 FROM {table}")) == count + more, table
    after = await balance(client)
    assert before["waiting"] == 3
    assert after == {**before, "waiting": 0, "cancelled": 3}
    [line] = await fetch(client.app, "SELECT * FROM audit WHERE action = 'profile.erased'")
    assert (line.subject, line.detail) == (planted["id"], {"notifications": 5})


async def test_what_waits_is_cancelled_and_what_is_over_keeps_its_state(
    client: Client, probe: Probe
) -> None:
    planted = await plant(client, probe)
    await client.delete(f"/v1/profiles/{planted['id']}")
    for id in planted["waiting"]:
        found = (await client.get(f"/v1/notifications/{id}")).json()
        assert (found["state"], found["reason"]) == ("cancelled", "erased")
        assert found["content"] in ({}, {"email": {}})
    sent = (await client.get(f"/v1/notifications/{encode('ntf', planted['sent']['id'])}")).json()
    assert sent["state"] == "sent"
    assert [one["kind"] for one in sent["deliveries"][0]["receipts"]] == ["bounced"]
    assert sent["recipient"] == planted["id"]
    failed = f"/v1/notifications/{encode('ntf', planted['failed']['id'])}"
    assert (await client.post(f"{failed}/resend")).status_code == 409
    dead = {"deliveries": [encode("dlv", planted["failed"]["delivery"])]}
    redriven = (await client.post("/v1/dead-letters/redrive", json=dead)).json()
    assert [one["why"] for one in redriven["left"]] == ["its recipient was erased"]


async def test_a_planned_delivery_is_cancelled_and_one_at_a_vendor_tried_no_second_time(
    client: Client,
) -> None:
    made = await add_profile(client)
    app, profile = client.app, decode("prf", made["id"])
    account = await an_account(app)
    async with app.db.leader() as conn:
        module = await default_module(app)
        planned = await rows.planned(conn, module_id=module, profile_id=profile)
        await rows.leased(conn, planned)
    leaving = await an_attempt(app, account, None, profile_id=profile)
    await client.delete(f"/v1/profiles/{made['id']}")
    later = datetime.now(UTC) + timedelta(seconds=30)
    async with app.db.leader() as conn:
        assert await rows.state_of(conn, planned) == ("cancelled", ["cancelled"])
        await rows.settled(
            conn, leaving["delivery"], leaving["attempt"], State.HELD, due_at=later,
            outcome=Outcome(OutcomeKind.TRANSIENT, "unreachable", detail=f"to {PHONE}"),
        )  # fmt: skip
        await conn.execute(text("UPDATE deliveries SET due_at = now() WHERE state = 'held'"))
        found, token = await rows.leased(conn, leaving)
        assert await rows.marked(conn, found, token) == {}
    assert set(await mentions(app)) == {"deliveries"}
    async with app.db.leader() as conn:
        assert await erasure.scrub_late(conn) == 2
    assert await mentions(app) == {}


async def test_a_suppression_outlives_the_profile(client: Client, probe: Probe) -> None:
    planted = await plant(client, probe)
    [before] = await _suppressed(client.app)
    await client.delete(f"/v1/profiles/{planted['id']}")
    assert await _suppressed(client.app) == [before]
    assert before == PHONE


async def test_others_keep_what_is_theirs(client: Client, probe: Probe) -> None:
    planted = await plant(client, probe)
    twin = (await client.post("/v1/profiles", json={"email": EMAIL})).json()
    theirs = await ask(client, twin["id"])
    alike = await ask(client, {"telegram": PROFILE["external_id"], "email": "else@example.com"})
    other = await client.with_key("*", module="other")
    elsewhere = (
        await other.post(
            "/v1/notifications",
            json={
                "recipient": {"email": EMAIL},
                "content": {"email": {"subject": "a", "text": "b"}},
            },
        )
    ).json()
    await client.delete(f"/v1/profiles/{planted['id']}")
    found = (await client.get(f"/v1/notifications/{theirs}")).json()
    assert (found["state"], found["data"]) == ("accepted", {"x": "zeldaquux's order"})
    assert (await client.get(f"/v1/notifications/{alike}")).json()["state"] == "accepted"
    kept = (await other.get(f"/v1/notifications/{elsewhere['id']}")).json()
    assert kept["recipient"]["email"]
    assert kept["state"] == "accepted"


async def test_a_repeated_request_makes_nobody_anew(client: Client) -> None:
    made = await add_profile(client)
    await client.delete(f"/v1/profiles/{made['id']}")
    again = await client.post("/v1/profiles", json=PROFILE, headers={"Idempotency-Key": "zelda-1"})
    assert again.json() == {"id": made["id"]}
    assert (await client.get("/v1/profiles")).json()["items"] == []


async def test_a_stale_version_erases_nothing(client: Client) -> None:
    made = await add_profile(client)
    path = f"/v1/profiles/{made['id']}"
    assert (await client.delete(path, headers={"If-Match": '"1"'})).status_code == 412
    assert (await client.get(path)).status_code == 200


async def _suppressed(app: App) -> list[str]:
    return [row.address for row in await fetch(app, "SELECT address FROM suppressions")]


async def test_a_file_that_came_before_brings_nobody_back(client: Client) -> None:
    made = await add_profile(client)
    rows = "".join(
        json.dumps({"external_id": name, "name": f"{name} again", "groups": ["news"]}) + "\n"
        for name in (PROFILE["external_id"], "else", PROFILE["external_id"])
    )
    kind = {"Content-Type": "application/x-ndjson"}
    path = (await client.post("/v1/profiles/import", content=rows, headers=kind)).headers
    await client.delete(f"/v1/profiles/{made['id']}")
    while await work_on_next(client.app):
        pass
    done = (await client.get(path["location"])).json()
    assert (done["state"], done["created"], done["rejected"]) == ("finished", 1, 2)
    refused = (await client.get(f"{path['location']}/rejected")).text.splitlines()
    assert [json.loads(one)["row"] for one in refused] == ["", ""]
    assert await mentions(client.app) == {}
    await client.post("/v1/profiles/import", content=rows, headers=kind)  # and one that came after
    while await work_on_next(client.app):
        pass
    found = await client.get("/v1/profiles", params={"external_id": str(PROFILE["external_id"])})
    assert [one["name"] for one in found.json()["items"]] == ["zeldaquux-4711 again"]
