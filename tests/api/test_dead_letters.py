"""Dead letters are listed with the reason, and tried once more as the same rows."""

import asyncio
from typing import Any

import pytest

from fakes.smtp_faults import Fault
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.system import System


async def dead(system: System, **filters: Any) -> list[dict[str, Any]]:
    answer = await system.client.get("/v1/dead-letters", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def redrive(system: System, **body: Any) -> dict[str, Any]:
    answer = await system.client.post("/v1/dead-letters/redrive", json=body)
    assert answer.status_code == 202, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def summary(system: System) -> dict[str, int]:
    answer = await system.client.get("/v1/analytics/summary")
    totals: dict[str, int] = answer.json()["totals"]
    return totals


async def test_a_refused_mail_is_listed_and_sent_once_it_is_mended(system: System) -> None:
    system.smtp.script(Fault("dot", "reply", text="554 5.7.1 no such words here"))
    made = await system.ask()
    assert (await system.finished(made["id"]))["state"] == "failed"
    [letter] = await dead(system, reason="content_filtered", channel="email")
    assert (letter["notification"], letter["state"], letter["account"], letter["address"]) == (
        made["id"], "failed", "email", "s•••@example.com",
    )  # fmt: skip
    assert await redrive(system, deliveries=[letter["id"]]) == {
        "redriven": 1, "left": [], "more": False,
    }  # fmt: skip
    found = await system.finished(made["id"])
    assert (found["state"], len(system.smtp.messages)) == ("sent", 1)
    assert [one["number"] for one in found["deliveries"][0]["tries"]] == [1, 2]
    assert await dead(system) == []
    # A replica may answer this and not yet have what the leader has just told.
    while not (totals := await summary(system))["sent"]:
        await asyncio.sleep(0.05)
    assert (totals["asked"], totals["sent"]) == (1, 1), "nothing is asked anew"


async def test_what_may_have_arrived_is_sent_again_only_when_told_so(system: System) -> None:
    system.smtp.script(Fault("dot", "drop"))
    made = await system.ask(category="bulk")
    assert (await system.finished(made["id"]))["state"] == "unknown"
    done = await redrive(system, state=["unknown"])
    assert done["redriven"] == 0
    assert "may have been sent" in done["left"][0]["why"]
    assert (await redrive(system, state=["unknown"], include_unknown=True))["redriven"] == 1
    assert (await system.finished(made["id"]))["state"] == "sent"


async def test_an_otp_is_not_tried_later(system: System) -> None:
    system.smtp.script(Fault("rcpt", "reply", text="550 5.1.1 nobody"))
    made = await system.ask(category="otp")
    await system.finished(made["id"])
    done = await redrive(system, reason=["invalid_address"])
    assert (done["redriven"], "one-time" in done["left"][0]["why"]) == (0, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "deliveries"),
        ({"deliveries": ["dlv_00000000000000000000000001"], "state": ["failed"]}, "deliveries"),
        ({"deliveries": []}, "deliveries"),
        ({"deliveries": ["nonsense"]}, "deliveries[0]"),
        ({"state": ["sent"]}, "state"),
        ({"channel": ["pigeon"]}, "channel"),
        ({"what": 1}, "what"),
    ],
)
async def test_wrong_bodies_name_the_field(
    client: Client, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/dead-letters/redrive", json=body)
    assert answer.status_code == 422
    assert problem_fields(answer) == [field]


async def test_an_id_of_nobody_reopens_nothing(client: Client) -> None:
    body = {"deliveries": ["dlv_00000000000000000000000001"]}
    answer = await client.post("/v1/dead-letters/redrive", json=body)
    assert answer.json() == {"redriven": 0, "left": [], "more": False}


async def test_another_modules_dead_letters_are_not_seen(system: System, client: Client) -> None:
    system.smtp.script(Fault("rcpt", "reply", text="550 5.1.1 nobody"))
    made = await system.ask()
    await system.finished(made["id"])
    stranger = await client.with_key("notifications:read", "notifications:write", module="other")
    assert (await stranger.get("/v1/dead-letters")).json()["items"] == []
    [letter] = await dead(system)
    body = {"deliveries": [letter["id"]]}
    done = (await stranger.post("/v1/dead-letters/redrive", json=body)).json()
    assert done["redriven"] == 0


async def test_time_and_paging_narrow_the_list(client: Client) -> None:
    for wrong in ("yesterday", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00"):
        answer = await client.get("/v1/dead-letters", params={"created_after": wrong})
        assert answer.status_code == 422
        assert problem_fields(answer) == ["created_after"]
    answer = await client.get("/v1/dead-letters", params={"limit": 0})
    assert answer.status_code == 422
