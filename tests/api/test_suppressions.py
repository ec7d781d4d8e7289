"""/v1/suppressions: entered, found, changed, lifted; and honoured by what is sent afterwards."""

from typing import Any

import pytest
from sqlalchemy import text

from activities.planning import plan_new
from domain.ids import encode, new_id
from services.app import App
from tests.fixtures import rows
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.heard import default_module

MAIL = {"channel": "email", "address": "sam@example.com"}
TEXT = {"channel": "sms", "address": "+1 415 555 0100"}


async def made(client: Any, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/suppressions", json={**MAIL, **given})
    assert answer.status_code in (200, 201), answer.text
    body: dict[str, Any] = answer.json()
    return body


async def listed(client: Any, **asked: Any) -> list[str]:
    answer = await client.get("/v1/suppressions", params=asked)
    assert answer.status_code == 200, answer.text
    return [one["address"] for one in answer.json()["items"]]


async def planned(app: App, email: str, category: str = "transactional") -> tuple[str, str]:
    """The state and reason of the next delivery to an address."""
    async with app.db.leader() as conn:
        row = await rows.accepted(
            conn, module_id=await default_module(app), recipient={"email": email},
            category=category,
        )  # fmt: skip
        await plan_new(conn, [row["id"]], row["workflow_id"])
        found = await conn.execute(
            text("SELECT state, reason FROM deliveries WHERE notification_id = :id"),
            {"id": row["id"]},
        )
        one = found.one()
    return one.state, one.reason


async def test_an_address_is_suppressed_as_sending_writes_it(client: Client) -> None:
    answer = await client.post("/v1/suppressions", json=TEXT)
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["location"] == f"/v1/suppressions/{body['id']}"
    assert body["id"].startswith("sup_")
    assert body["address"] == "+14155550100"
    assert (body["reason"], body["cause"], body["scope"]) == ("manual", "manual", "module")
    assert (body["module"], body["source"], body["active"]) == ("default", "api", True)
    assert (await client.get(f"/v1/suppressions/{body['id']}")).json() == body


async def test_mail_is_suppressed_without_regard_to_case(client: Client) -> None:
    await made(client, address="Sam@EXAMPLE.com", reason="unsubscribe")
    assert await planned(client.app, "SAM@example.com") == ("suppressed", "unsubscribed")
    assert await planned(client.app, "sam@example.com") == ("suppressed", "unsubscribed")
    assert (await planned(client.app, "sam2@example.com"))[0] == "accepted"


async def test_a_mark_looks_without_regard_to_case(client: Client) -> None:
    app = client.app
    async with app.db.leader() as conn:
        row = await rows.planned(conn, module_id=await default_module(app))
        await conn.execute(text("UPDATE deliveries SET address = 'Sam@example.com'"))
    await made(client)
    async with app.db.leader() as conn:
        found, token = await rows.leased(conn, row)
        assert len(found) == 1
        assert await rows.marked(conn, found, token) == {}


async def test_a_category_and_a_module_bound_it(client: Client) -> None:
    await made(client, category="marketing", reason="unsubscribe")
    assert (await planned(client.app, "sam@example.com"))[0] == "accepted"
    assert (await planned(client.app, "sam@example.com", "marketing"))[0] == "suppressed"
    other = await client.with_key("suppressions:write", module="other")
    await made(other)
    assert (await planned(client.app, "sam@example.com"))[0] == "accepted"


async def test_one_that_has_ended_binds_nobody_and_begins_anew(client: Client) -> None:
    first = await made(client, reason="complaint", expires_at="2040-01-31T09:00:00Z")
    async with client.app.db.leader() as conn:
        await conn.execute(text("UPDATE suppressions SET expires_at = now() - interval '1 day'"))
    assert (await planned(client.app, "sam@example.com"))[0] == "accepted"
    assert (await client.get(f"/v1/suppressions/{first['id']}")).json()["active"] is False
    again = await made(client, reason="manual")
    assert (again["id"], again["reason"], again["expires_at"]) == (first["id"], "manual", None)


@pytest.mark.parametrize(
    ("before", "given", "stays"),
    [
        ("hard_bounce", "unsubscribe", "unsubscribe"),
        ("unsubscribe", "hard_bounce", "unsubscribe"),
        ("unsubscribe", "manual", "manual"),
        ("complaint", "manual", "complaint"),
        ("manual", "complaint", "complaint"),
        ("manual", "manual", "manual"),
    ],
)
async def test_a_repeat_keeps_the_stronger_reason(
    client: Client, before: str, given: str, stays: str
) -> None:
    first = await made(client, reason=before, expires_at="2040-01-31T09:00:00Z", note="first")
    answer = await client.post("/v1/suppressions", json={**MAIL, "reason": given})
    assert answer.status_code == 200
    again = answer.json()
    assert (again["id"], again["reason"]) == (first["id"], stays)
    assert (again["expires_at"], again["note"]) == (None, "first"), "the later end stays"


async def test_a_receipts_reason_is_one_of_the_four(client: Client) -> None:
    async with client.app.db.leader() as conn:
        for number, cause in enumerate(("opted_out", "complained", "landline", "hard_bounce")):
            await conn.execute(
                text("""
                    INSERT INTO suppressions (id, channel, address, reason, source)
                    VALUES (:id, 'sms', :address, :cause, 'receipt')
                """),
                {"id": new_id(), "address": f"+1415555010{number}", "cause": cause},
            )
    for reason, causes in (
        ("unsubscribe", ["opted_out"]), ("complaint", ["complained"]), ("manual", []),
        ("hard_bounce", ["hard_bounce", "landline"]),
    ):  # fmt: skip
        answer = await client.get("/v1/suppressions", params={"reason": reason})
        assert sorted(one["cause"] for one in answer.json()["items"]) == causes
        assert {one["reason"] for one in answer.json()["items"]} <= {reason}


async def test_a_list_is_narrowed_and_paged(client: Client) -> None:
    await made(client, note="lost 50% of them")
    await made(client, **TEXT, reason="complaint")
    await made(client, address="ann@example.com", category="marketing", reason="unsubscribe")
    assert await listed(client) == ["ann@example.com", "+14155550100", "sam@example.com"]
    assert await listed(client, channel="sms") == ["+14155550100"]
    assert await listed(client, address="+1 (415) 555-0100") == ["+14155550100"]
    assert await listed(client, address=["ANN@example.com", "sam@example.com"]) == [
        "ann@example.com", "sam@example.com",
    ]  # fmt: skip
    assert await listed(client, category="marketing") == ["ann@example.com"]
    assert await listed(client, reason=["complaint", "manual"]) == [
        "+14155550100", "sam@example.com",
    ]  # fmt: skip
    assert await listed(client, q="50%") == ["sam@example.com"]
    assert await listed(client, source="receipt") == []
    assert await listed(client, scope="all") == []
    assert await listed(client, created_after="2040-01-01T00:00:00Z") == []
    assert len(await listed(client, created_before="2040-01-01T00:00:00Z")) == 3
    page = (await client.get("/v1/suppressions", params={"limit": 2})).json()
    rest = await listed(client, limit=2, cursor=page["next_cursor"])
    assert rest == ["sam@example.com"]


async def test_an_end_and_a_note_are_changed(client: Client) -> None:
    one = await made(client, expires_at="2040-01-31T09:00:00Z", note="a")
    path = f"/v1/suppressions/{one['id']}"
    answer = await client.patch(path, json={"expires_at": None}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert (answer.json()["expires_at"], answer.json()["note"]) == (None, "a")
    assert answer.headers["etag"] == '"2"'
    stale = await client.patch(path, json={"note": "b"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    past = await client.patch(path, json={"expires_at": "2001-01-31T09:00:00Z"})
    assert (past.status_code, problem_fields(past)) == (422, ["expires_at"])
    other = await client.patch(path, json={"address": "x@example.com"})
    assert (other.status_code, problem_fields(other)) == (422, ["address"])


async def test_lifting_leaves_a_line_in_the_audit(client: Client) -> None:
    one = await made(client)
    assert (await client.delete(f"/v1/suppressions/{one['id']}")).status_code == 204
    assert (await client.get(f"/v1/suppressions/{one['id']}")).status_code == 404
    assert (await client.delete(f"/v1/suppressions/{one['id']}")).status_code == 404
    assert (await planned(client.app, "sam@example.com"))[0] == "accepted"
    async with client.app.db.leader() as conn:
        found = await conn.execute(
            text("SELECT action, detail FROM audit WHERE subject = :id ORDER BY id"),
            {"id": one["id"]},
        )
        lines = found.all()
    assert [line.action for line in lines] == ["suppression.created", "suppression.removed"]
    assert "sam@example.com" not in str([line.detail for line in lines])


async def test_a_complaint_is_lifted_only_with_a_reason(client: Client) -> None:
    one = await made(client, reason="complaint")
    refused = await client.delete(f"/v1/suppressions/{one['id']}")
    assert (refused.status_code, problem_fields(refused)) == (422, ["reason"])
    lifted = await client.delete(
        f"/v1/suppressions/{one['id']}", params={"reason": "written consent of 31 January"}
    )
    assert lifted.status_code == 204


async def test_only_who_may_do_all_acts_for_all_modules(client: Client) -> None:
    narrow = await client.with_key("suppressions:write", "suppressions:read")
    refused = await narrow.post("/v1/suppressions", json={**MAIL, "scope": "all"})
    assert refused.status_code == 403
    one = await made(client, scope="all", reason="hard_bounce")
    assert (one["scope"], one["module"]) == ("all", None)
    path = f"/v1/suppressions/{one['id']}"
    assert (await narrow.get(path)).status_code == 200
    assert (await narrow.delete(path)).status_code == 403
    assert (await narrow.patch(path, json={"note": "x"})).status_code == 403
    assert await listed(narrow) == [], "addresses of other modules are not told"
    assert await listed(narrow, address="sam@example.com") == ["sam@example.com"]
    assert await listed(client) == ["sam@example.com"]


async def test_another_modules_are_not_there(client: Client) -> None:
    one = await made(client)
    other = await client.with_key("suppressions:write", "suppressions:read", module="other")
    for method in ("GET", "DELETE"):
        answer = await other.request(method, f"/v1/suppressions/{one['id']}")
        assert answer.status_code == 404
    assert await listed(other, address="sam@example.com") == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"channel": "fax"}, "channel"),
        ({"address": "nobody"}, "address"),
        ({"channel": "sms", "address": "0171"}, "address"),
        ({"channel": "inapp"}, "address"),
        ({"address": ""}, "address"),
        ({"category": "nothing"}, "category"),
        ({"reason": "mood"}, "reason"),
        ({"scope": "planet"}, "scope"),
        ({"expires_at": "2001-01-31T09:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"note": "two\nlines"}, "note"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, given: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/suppressions", json={**MAIL, **given})
    assert answer.status_code == 422
    assert problem_fields(answer) == [field]
    assert await listed(client) == []


async def test_a_profile_is_suppressed_in_the_app(client: Client) -> None:
    id = encode("prf", new_id())
    one = await made(client, channel="inapp", address=id)
    assert one["address"] == id
    assert await listed(client, address=id) == [id]
