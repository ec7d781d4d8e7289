"""A campaign as people see it: written, tried, approved by somebody else, sent, accounted for."""

import asyncio
from typing import Any

from httpx import AsyncClient

from tests.fixtures.api import a_client
from tests.fixtures.campaigns import WORDS, listed
from tests.fixtures.system import System
from tests.guards.test_examples import examples

BRANDED = "Hello {{ who }} from {{ brand.name }}"


async def a_user(system: System, role: str) -> AsyncClient:
    """Return a client with the key of a new user."""
    address = f"{role}@example.com"
    made = await system.client.post(
        "/v1/users", json={"name": role.title(), "email": address, "role": role}
    )
    assert made.status_code == 201, made.text
    key = await system.client.post(
        "/v1/keys", json={"name": role, "scopes": ["*"], "user": made.json()["id"]}
    )
    assert key.status_code == 201, key.text
    return a_client(system.app, key.json()["key"])


async def a_draft(author: AsyncClient, selection: dict[str, Any], **given: Any) -> str:
    audience = await author.post("/v1/audiences", json={"name": "them", **selection})
    assert audience.status_code == 201, audience.text
    usual = {"name": "Spring", "audience": audience.json()["id"], "content": WORDS}
    made = await author.post("/v1/campaigns", json={**usual, **given})
    assert made.status_code == 201, made.text
    return f"/v1/campaigns/{made.json()['id']}"


async def until(client: AsyncClient, place: str, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = (await client.get(place)).json()
            if found["state"] in states:
                return found
            await asyncio.sleep(0.1)


def sent(system: System) -> list[str]:
    """Return who got the campaign; its approvers were asked besides."""
    to = [one.recipients[0] for one in system.smtp.messages]
    return [one for one in to if one not in ("admin@example.com", "approver@example.com")]


async def test_a_campaign_from_its_draft_to_its_ledger(system: System) -> None:
    author, approver = await a_user(system, "author"), await a_user(system, "approver")
    twice = listed(30)
    twice["profiles"] += [{"external_id": one, "email": "twin@example.com"} for one in "ab"]
    blocked = {"channel": "email", "address": "r1@example.com", "reason": "manual"}
    assert (await system.client.post("/v1/suppressions", json=blocked)).status_code == 201
    allowed = {"name": "senders", "kind": "sender", "enabled": True,
               "settings": {"allowed": ["example.com"]}}  # fmt: skip
    assert (await system.client.post("/v1/rules", json=allowed)).status_code == 201
    place = await a_draft(
        author, twice, data={"who": "you"}, sender={"from": "News <news@example.com>"},
        brand={"name": "Harbour News"},
        content={"email": {**WORDS["email"], "from": "x@example.com", "text": BRANDED}},
    )  # fmt: skip
    wrong = await author.patch(place, json={"sender": {"from": "news@example.org"}})
    assert [one["field"] for one in wrong.json()["errors"]] == ["sender.from"]

    tried = (await author.post(f"{place}/preview", json={"samples": 2})).json()
    assert tried["counts"]["asked"] == 32
    assert tried["counts"]["suppressed"] == {"manual": 1, "duplicate": 1}
    assert [one["content"]["text"] for one in tried["samples"]]
    assert (await approver.post(f"{place}/approve", json={"hash": "x"})).status_code == 409
    assert (await author.post(f"{place}/submit")).status_code == 202
    found = await until(author, place, "awaiting_approval")
    assert found["counts"] == tried["counts"]
    assert sent(system) == []

    no = await approver.post(f"{place}/reject", json={"reason": "Not today."})
    assert no.json()["state"] == "rejected", no.text
    assert (await author.post(f"{place}/submit")).status_code == 202
    rejected, found = found, await until(author, place, "awaiting_approval")
    assert found["hash"] != rejected["hash"], "it is decided on anew"
    approval = {"hash": found["hash"], "reason": "Looks right."}
    assert (await author.post(f"{place}/approve", json=approval)).status_code == 403
    assert (await system.client.post(f"{place}/approve", json=approval)).status_code == 403
    stale = await approver.post(f"{place}/approve", json={"hash": "0" * 64})
    assert stale.status_code == 409
    given = await approver.post(f"{place}/approve", json=approval)
    assert given.status_code == 200, given.text
    done = await until(author, place, "completed")
    assert [one["decision"] for one in done["approvals"]] == ["reject", "approve"]

    ledger = (await author.get(f"{place}/ledger")).json()
    assert (ledger["asked"], ledger["sent"], ledger["suppressed"], ledger["balanced"]) == (
        32, 30, 2, True,
    )  # fmt: skip
    assert len(sent(system)) == ledger["sent"]
    asked = {one.recipients[0] for one in system.smtp.messages} - set(sent(system))
    assert asked == {"admin@example.com", "approver@example.com"}
    for one in system.smtp.messages:
        if one.recipients[0] in asked:
            continue
        assert b"From: News <news@example.com>" in one.content
        assert b"from Harbour News" in one.content
    shown = await author.get("/v1/notifications", params={"campaign": done["id"], "limit": 1})
    story = await author.get(f"/v1/notifications/{shown.json()['items'][0]['id']}")
    assert story.json()["content"]["email"]["from"] == "News <news@example.com>"
    behind = (await author.get(f"{place}/deliveries", params={"state": "suppressed"})).json()
    assert len(behind["items"]) == 2
    rows = (await author.get(f"{place}/deliveries.csv")).text.strip().splitlines()
    assert len(rows) == 33
    assert (await author.post(f"{place}/resend-missed")).status_code == 409
    refused = await author.patch(place, json={"name": "Other"})
    assert refused.status_code == 409


async def test_what_was_missed_is_sent_again_and_only_that(system: System) -> None:
    author, approver = await a_user(system, "author"), await a_user(system, "approver")
    place = await a_draft(author, listed(30), pace={"per_second": 5})
    await author.post(f"{place}/submit")
    found = await until(author, place, "awaiting_approval")
    await approver.post(f"{place}/approve", json={"hash": found["hash"]})
    await until(author, place, "sending")
    while len(sent(system)) < 3:
        await asyncio.sleep(0.05)
    assert (await author.post(f"{place}/abort")).status_code == 200
    assert (await author.post(f"{place}/abort")).status_code == 200
    ledger: dict[str, Any] = {"waiting": 1}
    while ledger["waiting"]:
        ledger = (await author.get(f"{place}/ledger")).json()
        await asyncio.sleep(0.1)
    assert ledger["cancelled"] > 0
    assert ledger["asked"] == 30 == ledger["sent"] + ledger["cancelled"]

    again = await author.post(f"{place}/resend-missed")
    assert again.status_code == 202, again.text
    assert again.json()["state"] == "awaiting_approval"
    assert again.json()["hash"] != found["hash"]
    await author.patch(place, json={"pace": None})
    old = await approver.post(f"{place}/approve", json={"hash": found["hash"]})
    assert old.status_code == 409
    new = await approver.post(f"{place}/approve", json={"hash": again.json()["hash"]})
    assert new.status_code == 200, new.text
    await until(author, place, "completed")
    ledger = (await author.get(f"{place}/ledger")).json()
    assert (ledger["asked"], ledger["sent"]) == (30, 30)
    assert sorted(sent(system)) == sorted(f"r{n}@example.com" for n in range(30))


async def test_every_example_runs_in_its_order(system: System) -> None:
    author, approver = await a_user(system, "author"), await a_user(system, "approver")
    bodies = {
        (path.rpartition("/")[2], number): body
        for path, found in _examples().items()
        for number, body in enumerate(found)
    }
    here = await a_draft(author, listed(3))
    audience = (await author.get(here)).json()["audience"]
    for number in (2, 1, 0):
        made = await author.post(
            "/v1/campaigns", json={**bodies["campaigns", number], "audience": audience}
        )
        assert made.status_code == 201, made.text
    place = f"/v1/campaigns/{made.json()['id']}"
    run = {"{id}"}
    answer = await author.patch(place, json=bodies["{id}", 0])
    assert answer.status_code == 200, answer.text
    for step in ("preview", "unknown"):
        answer = await author.post(f"{place}/{step}", json=bodies[step, 0])
        assert answer.status_code == 200, answer.text
        run.add(step)
    chosen = await system.client.post(f"{place}/winner", json=bodies["winner", 0])
    assert (chosen.status_code, "tests nothing" in chosen.text) == (409, True)
    run.add("winner")
    for step in ("reject", "approve"):
        mended = {"data": {"link": f"https://example.com/{step}"}}
        assert (await author.patch(place, json=mended)).status_code == 200
        submitted = await author.post(f"{place}/submit", json=bodies["submit", 0])
        assert submitted.status_code == 202, submitted.text
        found = await until(author, place, "awaiting_approval")
        assert found["approve_by"] == "2030-01-31T16:00:00.000Z"
        body = {**bodies[step, 0], **({"hash": found["hash"]} if step == "approve" else {})}
        answer = await approver.post(f"{place}/{step}", json=body)
        assert answer.status_code == 200, answer.text
        run |= {step, "submit"}
    assert {name for name, _ in bodies} == run | {"campaigns"}


def _examples() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for _, path, _, body in examples():
        if path.startswith("/v1/campaigns"):
            found.setdefault(path, []).append(body)
    return found
