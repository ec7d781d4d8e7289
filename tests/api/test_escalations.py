"""Escalations by the API: judged, by template or request, acknowledged in every way, and shown."""

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text

from activities.planning import plan_new
from activities.unsubscribe_links import UnsubscribeLinks
from domain.ids import decode, new_id
from services.app import App
from stores.ledger import lease
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.dashboard import Browser
from tests.fixtures.heard import fetch

WORDS = {
    "email": {"subject": "Disk full", "text": "Acknowledge: {{ ack_url }}"},
    "sms": {"text": "The disk is full."},
}
SAM = {"email": "sam@example.com", "phone": "+14155550100"}
STEPS: list[dict[str, Any]] = [
    {"channels": ["email"]},
    {"channels": ["sms"], "wait_seconds": 300, "stop_on": "acknowledged"},
    {"rota": "on-call", "wait_seconds": 600},
]


async def prepared(client: Client) -> str:
    """A profile that is on duty in the rota on-call; returns its id."""
    body = {"name": "Ann", "external_id": "ann", "email": "ann@example.com"}
    profile = (await client.post("/v1/profiles", json=body)).json()["id"]
    rota = {"name": "on-call", "members": [profile], "start": "2020-01-01"}
    assert (await client.post("/v1/rotas", json=rota)).status_code == 201
    return str(profile)


async def ask(client: Client, **given: Any) -> Any:
    body = {"recipient": SAM, "content": WORDS, "escalation": {"steps": STEPS}, **given}
    return await client.post("/v1/notifications", json=body)


async def planned(app: App, client: Client, **given: Any) -> dict[str, Any]:
    """A notification whose first step has begun."""
    answer = await ask(client, **given)
    assert answer.status_code == 202, answer.text
    id = answer.json()["id"]
    async with app.db.leader() as conn:
        await plan_new(conn, [decode("ntf", id)], id)
    return await get(client, id)


async def get(client: Client, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/notifications/{id}")).json()
    return found


async def test_what_is_wrong_with_steps_is_said(client: Client) -> None:
    await prepared(client)
    second = STEPS[1]
    for steps, field in (
        ([STEPS[0]], "escalation.steps"),
        ([{"channels": ["email"]}] + [second] * 10, "escalation.steps"),
        ([second, second], "escalation.steps[0].wait_seconds"),
        ([STEPS[0], {"channels": ["sms"]}], "escalation.steps[1].wait_seconds"),
        ([STEPS[0], {**second, "wait_seconds": 0}], "escalation.steps[1].wait_seconds"),
        ([STEPS[0], {**second, "wait_seconds": 86_401}], "escalation.steps[1].wait_seconds"),
        ([STEPS[0]] + [{**second, "wait_seconds": 86_400}] * 8, "escalation.steps"),
        ([STEPS[0], {**second, "stop_on": "opened"}], "escalation.steps[1].stop_on"),
        ([STEPS[0], {**second, "channels": ["push"]}], "escalation.steps[1].channels[0]"),
        ([STEPS[0], {**second, "channels": ["sms", "sms"]}], "escalation.steps[1].channels"),
        ([STEPS[0], {**second, "rota": "nights"}], "escalation.steps[1].rota"),
        ([STEPS[0], {**second, "recipient": {"external_id": "zoe"}}],
         "escalation.steps[1].recipient"),
        ([STEPS[0], {**second, "recipient": {"external_id": "ann"}, "rota": "on-call"}],
         "escalation.steps[1].rota"),
        ([STEPS[0], {**second, "after": 5}], "escalation.steps[1].after"),
    ):  # fmt: skip
        answer = await ask(client, escalation={"steps": steps})
        assert (answer.status_code, problem_fields(answer)) == (422, [field]), answer.text
    both = await ask(client, digest={"key": "k", "window_seconds": 60})
    assert problem_fields(both) == ["escalation"]
    assert problem_fields(await ask(client, category="otp")) == ["escalation"]
    given = await ask(client, data={"ack_url": "https://example.com"})
    assert problem_fields(given) == ["data.ack_url"]


async def test_a_version_of_a_template_says_how_its_messages_escalate(
    app: App, client: Client
) -> None:
    ann = await prepared(client)
    wrong = {"steps": [STEPS[0], {**STEPS[1], "rota": "nights"}]}
    body = {"key": "disk", "content": WORDS, "escalation": wrong}
    refused = await client.post("/v1/templates", json=body)
    assert problem_fields(refused) == ["escalation.steps[1].rota"]
    made = await client.post("/v1/templates", json={**body, "escalation": {"steps": STEPS}})
    assert made.status_code == 201, made.text
    assert made.json()["escalation"] == {"steps": STEPS}
    plain = await client.post("/v1/templates/disk/versions", json={"content": WORDS})
    assert plain.json()["escalation"] is None
    for number in (2, 1):
        await client.post("/v1/templates/disk/publish", json={"version": number})
    usual: Any = {"content": None, "template": "disk"}
    request = {"recipient": SAM, "template": "disk"}
    answer = await client.post("/v1/notifications", json=request)
    found = await get(client, answer.json()["id"])
    assert [one["channels"] for one in found["escalation"]["steps"]] == [
        ["email"], ["sms"], ["email", "sms"],
    ]  # fmt: skip
    assert found["escalation"]["steps"][2]["rota"]["name"] == "on-call"
    own = await planned(app, client, **usual, escalation={"steps": STEPS[:2]})
    assert len(own["escalation"]["steps"]) == 2
    none = await planned(app, client, **usual, escalation=None)
    assert none["escalation"] is None
    earlier = await client.post("/v1/notifications", json={**request, "template": "disk@2"})
    assert (await get(client, earlier.json()["id"]))["escalation"] is None
    # A campaign's messages are not acknowledged.
    audience = {"name": "all", "kind": "profiles", "profiles": [ann]}
    kept = await client.post("/v1/audiences", json=audience)
    body = {"name": "c", "audience": kept.json()["id"], "template": "disk"}
    assert problem_fields(await client.post("/v1/campaigns", json=body)) == ["template"]


async def test_it_is_shown_acknowledged_and_asked_for_anew(
    app: App, client: Client, browser_client: Browser
) -> None:
    ann = await prepared(client)
    early = (await ask(client)).json()["id"]
    path = f"/v1/notifications/{early}"
    assert (await client.post(f"{path}/acknowledge")).status_code == 409
    found = await planned(app, client)
    shown = found["escalation"]
    assert (shown["state"], shown["stopped"]) == ("waiting", None)
    assert [(one["state"], bool(one["due_at"])) for one in shown["steps"]] == [
        ("done", False), ("waiting", True), ("later", False),
    ]  # fmt: skip
    assert shown["steps"][0]["deliveries"] == [found["deliveries"][0]["id"]]
    page = (await browser_client.get(f"/notifications/{found['id']}")).text
    assert "5 min after the step before, unless acknowledged" in page
    assert "rota on-call" in page
    told = await client.post(f"/v1/notifications/{found['id']}/acknowledge")
    assert told.status_code == 200, told.text
    again = await client.post(f"/v1/notifications/{found['id']}/acknowledge")
    assert again.json()["acknowledged"] == told.json()["acknowledged"]
    assert again.json()["acknowledged"]["by"].startswith("key:")
    assert (again.json()["state"], again.json()["escalation"]["state"]) == ("cancelled", "stopped")
    stopped = again.json()["escalation"]["stopped"]
    assert (stopped["because"], stopped["left"]) == ("acknowledged", 2)
    assert [one["state"] for one in again.json()["escalation"]["steps"]] == [
        "done", "not_sent", "not_sent",
    ]  # fmt: skip
    assert {"acknowledged", "stopped"} <= {one["event"] for one in again.json()["timeline"]}
    page = (await browser_client.get(f"/notifications/{found['id']}")).text
    assert "Escalation stopped, acknowledged: 2 steps not sent" in page
    resent = await client.post(f"/v1/notifications/{found['id']}/resend")
    assert resent.status_code == 202, resent.text
    anew = await get(client, resent.json()["id"])
    assert [one["wait_seconds"] for one in anew["escalation"]["steps"]] == [0, 300, 600]
    logged = await fetch(app, "SELECT action FROM audit WHERE action LIKE 'notification.ack%'")
    assert len(logged) == 1
    # On its page, and by whoever may only look: not.
    other = await planned(app, client, recipient=ann, escalation={"steps": STEPS[::2]})
    await browser_client.submit(f"/notifications/{other['id']}/acknowledge")
    found = await get(client, other["id"])
    assert found["acknowledged"]["by"] == "user:admin@example.com"
    reader = await client.with_key("notifications:read")
    refused = await reader.post(f"/v1/notifications/{other['id']}/acknowledge")
    assert refused.status_code == 403


async def test_a_link_acknowledges_by_its_button_alone(
    app: App, client: Client, visitor: Browser
) -> None:
    ann = await prepared(client)
    found = await planned(app, client, recipient=ann, escalation={"steps": STEPS[::2]})
    async with app.db.leader() as conn:
        [leased] = await lease.lease(
            conn, [decode("ntf", found["id"])], workflow_id=found["id"], token=new_id(),
            seconds=30, most=1,
        )  # fmt: skip
    supplied = UnsubscribeLinks(app.links, app.settings.base_url).supplied(
        leased, {"text": "{{ ack_url }} {{ unsubscribe_url }}"}
    )
    link = urlsplit(supplied["ack_url"]).path
    for method in ("GET", "HEAD"):
        await visitor.request(method, link)
    page = await visitor.get(link)
    assert page.status_code == 200
    assert "wants to know that you have taken notice" in page.text
    assert (await get(client, found["id"]))["acknowledged"] is None
    assert "pris connaissance" in (await visitor.get(f"{link}?lang=fr")).text
    done = await visitor.post(link)
    assert "Thank you." in done.text
    shown = await get(client, found["id"])
    assert shown["acknowledged"]["by"] == ann
    assert shown["escalation"]["stopped"]["because"] == "acknowledged"
    assert "already" in (await visitor.get(link)).text
    assert (await visitor.post(link)).status_code == 200
    for wrong in ("/a/x", link[:-3], link.replace("/a/", "/u/"), link.replace("/a/", "/p/")):
        assert (await visitor.get(wrong)).status_code == 404
    leaving = urlsplit(supplied["unsubscribe_url"]).path.replace("/u/", "/a/")
    assert (await visitor.post(leaving)).status_code == 404


async def test_whoever_is_erased_is_taken_out_of_others_steps(app: App, client: Client) -> None:
    ann = await prepared(client)
    first = {"recipient": ann, "channels": ["email"]}
    found = await planned(app, client, escalation={"steps": [first, STEPS[1]]})
    assert found["deliveries"][0]["address"].endswith("example.com")
    assert (await client.delete(f"/v1/profiles/{ann}")).status_code == 204
    left = await get(client, found["id"])
    assert (left["deliveries"][0]["address"], left["deliveries"][0]["state"]) == ("", "cancelled")
    assert left["escalation"]["state"] == "waiting"  # its own recipient is still there
    async with app.db.leader() as conn:
        planned_now, _ = await plan_new(conn, [decode("ntf", found["id"])], found["id"])
        said = await conn.execute(text("SELECT d::text FROM deliveries d"))
        assert not [one for one in said.scalars() if "ann@" in one]
    assert planned_now == 1  # who was erased reached nobody: the next step begins at once
