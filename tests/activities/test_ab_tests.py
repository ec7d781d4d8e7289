"""Templates are tested on some, and the others get the winner: measured, or chosen by hand."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from domain.campaign import Step
from domain.campaign_waves import Wave
from domain.ids import decode, encode
from domain.orders import Stage
from tests.activities.test_campaign_delivery import Bench, bench
from tests.activities.test_campaign_resolving import resolve
from tests.fixtures.campaigns import Campaign, listed

__all__ = ["bench"]


async def a_test(bench: Bench, number: int, **given: Any) -> Campaign:
    """Return an approved campaign that tests two templates on 40 % of its recipients."""
    for key in ("plain", "bold"):
        words = f"{key} {{{{ who }}}} {{{{ unsubscribe_url }}}}"
        made = await bench.client.post("/v1/templates", json={
            "key": key, "name": key, "category": "bulk", "locale": "en",
            "content": {"email": {"subject": key, "text": words}},
        })  # fmt: skip
        assert made.status_code == 201, made.text
        published = await bench.client.post(f"/v1/templates/{key}/publish", json={"version": 1})
        assert published.status_code == 200, published.text
    audience = await bench.client.post("/v1/audiences", json={"name": "x", **listed(number)})
    usual = {
        "variants": [{"template": key, "share": 0.2} for key in ("plain", "bold")],
        "decide_after_seconds": 600, "measure": "clicked", "at_least": 5,
    }  # fmt: skip
    asked = {"name": "Spring", "audience": audience.json()["id"], "data": {"who": "you"}}
    draft = await bench.client.post(
        "/v1/campaigns", json={**asked, "ab_test": {**usual, **given}}
    )  # fmt: skip
    assert draft.status_code == 201, draft.text
    campaign = Campaign(bench.app, decode("cmp", draft.json()["id"]))
    tried = (await bench.client.post(f"{place(campaign)}/preview", json={})).json()
    assert {one["variant"] for one in tried["samples"]} == {"a", "b"}
    submitted = await bench.client.post(f"{place(campaign)}/submit")
    assert submitted.status_code == 202, submitted.text
    await resolve(campaign)
    await campaign.take(Step.APPROVE)
    return campaign


def place(campaign: Campaign) -> str:
    return f"/v1/campaigns/{encode('cmp', campaign.id)}"


async def send(bench: Bench, campaign: Campaign) -> list[int]:
    """Send what may be sent now, and return its shards."""
    shards = (await bench.look(campaign)).shards
    for shard in shards:
        await bench.deliver(campaign, shard)
    return shards


async def test_the_variant_that_people_click_goes_to_the_others(bench: Bench) -> None:
    campaign = await a_test(bench, 50)
    assert await send(bench, campaign) == [Wave.TEST.first_shard]
    rows = await campaign.deliveries()
    dealt = {one.id: one.variant for one in rows if one.variant is not None}
    assert Counter(dealt.values()) == {0: 10, 1: 10}
    assert {one.state for one in rows if one.id in dealt} == {"sent"}
    assert {one.state for one in rows if one.id not in dealt} == {"accepted"}
    outlook = await bench.look(campaign)
    assert outlook.stage == Stage.WAIT
    assert "the test is decided" in outlook.why

    async with bench.app.db.leader() as conn:
        await conn.execute(
            text("""
            INSERT INTO engagements (delivery_id, kind, machine, notification_id, campaign_id,
                module_id, occurred_at, last_at)
            SELECT id, 'clicked', variant = 0, notification_id, campaign_id, module_id, now(), now()
            FROM (SELECT *, row_number() OVER (PARTITION BY variant ORDER BY id) AS place
                FROM deliveries) d WHERE variant IS NOT NULL AND (variant = 0 OR place <= 4)
        """)
        )
    told = (await bench.client.get(place(campaign))).json()["ab_test"]
    assert [(one["sent"], one["hits"]) for one in told["variants"]] == [(10, 0), (10, 4)]
    await _is_due(bench)
    assert await send(bench, campaign) == [0]
    assert await campaign.balance() == {"sent": 50}
    told = (await bench.client.get(place(campaign))).json()["ab_test"]
    assert (told["state"], told["winner"], told["decided_by"]) == ("decided", "b", "measure")
    said = Counter(one.content.split(b"Subject: ")[1].split()[0] for one in bench.smtp.messages)
    assert said == {b"plain": 10, b"bold": 40}
    ledger = (await bench.client.get(f"{place(campaign)}/ledger")).json()
    assert {name: one["sent"] for name, one in ledger["variants"].items()} == {"a": 10, "b": 40}
    first = next(one for one in rows if one.variant == 0)
    shown = await bench.client.get(f"/v1/notifications/{encode('ntf', first.notification_id)}")
    assert shown.json()["template"] == "plain"
    assert shown.json()["content"]["email"]["subject"] == "plain"
    late = await bench.client.post(f"{place(campaign)}/winner", json={"variant": "a"})
    assert late.status_code == 409, late.text


async def test_events_are_counted_once_and_an_administrator_may_choose(bench: Bench) -> None:
    campaign = await a_test(bench, 30, measure="event", event_type="shop.order", at_least=1)
    await send(bench, campaign)
    tested = [one for one in await campaign.deliveries() if one.variant == 0]
    bodies = [
        {"recipient": {"email": tested[0].address.upper()}},
        {"notification": encode("ntf", tested[0].notification_id)},
        {"notification": encode("ntf", tested[1].notification_id),
         "campaign": encode("cmp", campaign.id)},
        {"notification": encode("ntf", tested[2].notification_id), "campaign": "cmp_other"},
        {"recipient": {"email": "stranger@example.com"}},
        {"campaign": encode("cmp", campaign.id)},
    ]  # fmt: skip
    for number, data in enumerate(bodies):
        event = {"specversion": "1.0", "id": str(number), "source": "shop", "type": "shop.order",
                 "data": data}  # fmt: skip
        posted = await bench.client.post("/v1/events", json=event)
        assert posted.status_code == 202, posted.text
    told = (await bench.client.get(place(campaign))).json()["ab_test"]
    assert [one["hits"] for one in told["variants"]] == [2, 0]
    wrong = await bench.client.post(f"{place(campaign)}/winner", json={"variant": "c"})
    assert [one["field"] for one in wrong.json()["errors"]] == ["variant"]
    chosen = await bench.client.post(
        f"{place(campaign)}/winner", json={"variant": "b", "reason": "It reads better."}
    )
    assert chosen.status_code == 200, chosen.text
    assert await send(bench, campaign) == [0]
    assert {one.variant for one in await campaign.deliveries() if one.shard == 0} == {1}
    lines = (await bench.client.get("/v1/audit", params={"action": "campaign"})).json()["items"]
    assert lines[0]["detail"] == {"variant": "b", "by": "hand", "reason": "It reads better."}


async def _is_due(bench: Bench) -> None:
    """Let the time have passed after which a test is decided."""
    async with bench.app.db.leader() as conn:
        await conn.execute(
            text("UPDATE campaigns SET ab_test = ab_test || CAST(:due AS jsonb)"),
            {"due": {"decide_at": datetime.now(UTC).isoformat()}},
        )
