"""Vendors' calls: believed by their signature, kept once, joined to the attempt they are of."""

import itertools
from typing import Any

import pytest
from sqlalchemy import text

from domain.ids import encode, new_id
from domain.vocabulary import State
from fakes.http_vendor import Forgery
from fakes.twilio import FakeTwilio
from services.app import App
from tests.fixtures import rows
from tests.fixtures.api import Client
from tests.fixtures.heard import (
    an_account,
    an_attempt,
    callback,
    fetch,
    make,
    state_of,
    url_of,
)
from workers.upkeep import Upkeep


async def seen(client: Client, **filters: Any) -> list[dict[str, Any]]:
    """What operators see of the calls, newest first."""
    answer = await client.get("/v1/receipts", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def stats(app: App) -> tuple[int, int]:
    """(receipts, forged) of all accounts."""
    [row] = await fetch(app, "SELECT coalesce(sum(receipts), 0) AS r, coalesce(sum(forged), 0) AS f"
                             " FROM account_stats")  # fmt: skip
    return row.r, row.f


async def test_a_receipt_heard_three_times_counts_once(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    call = callback(app, account, row["attempt"], "delivered")
    for _ in range(3):
        answer = await make(client, call)
        assert (answer.status_code, answer.content) == (200, b"")
    assert await state_of(app, row) == "delivered"
    assert len(await fetch(app, "SELECT 1 FROM receipts")) == 1
    assert await stats(app) == (1, 0)
    assert [one["verdict"] for one in await seen(client)] == ["repeated", "repeated", "heard"]
    found = (await client.get(f"/v1/notifications/{encode('ntf', row['id'])}")).json()
    told = [one for one in found["timeline"] if one["event"] == "receipt"]
    assert [one["kind"] for one in told] == ["delivered"]


ORDERS = list(itertools.permutations(["settle", "sent", "delivered"]))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_every_order_ends_the_same(app: App, client: Client, order: tuple[str, ...]) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account, None)
    for step in order:
        if step == "settle":
            async with app.db.leader() as conn:
                await rows.settled(conn, row["delivery"], row["attempt"], State.SENT)
        else:
            assert (
                await make(client, callback(app, account, row["attempt"], step))
            ).status_code == 200
    assert await state_of(app, row) == "delivered"


async def test_a_receipt_proves_that_an_unknown_one_was_sent(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account, State.UNKNOWN, class_="bulk")
    await make(client, callback(app, account, row["attempt"], "sent"))
    assert await state_of(app, row) == "sent"


async def test_a_note_changes_nothing_and_is_kept_in_the_call(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account, State.UNKNOWN, class_="bulk")
    assert (await make(client, callback(app, account, row["attempt"], "queued"))).status_code == 200
    assert await state_of(app, row) == "unknown"
    assert await fetch(app, "SELECT 1 FROM receipts") == []
    [call] = await seen(client)
    assert call["id"].startswith("rpt_")
    assert call["verdict"] == "heard"
    assert "MessageStatus=queued" in call["body"]
    assert call["reports"][0]["attempt"] == encode("att", row["attempt"])


@pytest.mark.parametrize("forgery", [Forgery.UNSIGNED, Forgery.WRONG_KEY, Forgery.CHANGED_BODY])
async def test_a_forged_call_is_refused_and_counted(
    app: App, client: Client, forgery: Forgery
) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account, State.UNKNOWN, class_="bulk")
    call = callback(app, account, row["attempt"], "delivered", forgery=forgery)
    answer = await make(client, call)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/forbidden"
    assert FakeTwilio.token not in answer.text
    assert await state_of(app, row) == "unknown"
    assert await stats(app) == (0, 1)
    [kept] = await seen(client, verdict="forged")
    assert "X-Twilio-Signature" in kept["detail"]
    assert (kept["body"], kept["query"], kept["bytes"]) == (None, None, len(call.body))
    assert "x-twilio-signature" not in kept["headers"]


async def test_a_flood_of_forged_calls_is_counted_but_not_stored(app: App, client: Client) -> None:
    account = await an_account(app)
    call = callback(app, account, new_id(), "delivered", forgery=Forgery.UNSIGNED)
    for _ in range(25):
        assert (await make(client, call)).status_code == 403
    assert await stats(app) == (0, 25)
    assert 5 <= len(await seen(client)) <= 15, "five for each ten seconds that it took"


async def test_noise_is_refused_and_never_a_fault_of_ours(app: App, client: Client) -> None:
    account = await an_account(app)
    path = f"/v1/receipts/{encode('acc', account)}"
    for body in (b"", b"\xff\xfe\x00", b"[" * 5_000, b"a=%00%ff", b'{"a": "\\ud800"}'):
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain;;", ""):
            answer = await client.post(path, content=body, headers={"Content-Type": kind})
            assert answer.status_code == 403, answer.text
    assert (await client.get(path + "?x=%00%ff")).status_code == 403


async def test_a_call_longer_than_a_mebibyte_is_refused(app: App, client: Client) -> None:
    account = await an_account(app)
    answer = await client.post(f"/v1/receipts/{encode('acc', account)}", content=b"a" * 1_048_577)
    assert answer.status_code == 413
    assert await seen(client) == []


async def test_one_account_cannot_tell_of_anothers_attempt(app: App, client: Client) -> None:
    mine = await an_account(app, "mine")
    theirs = await an_account(app, "theirs", auth_token="their-token")
    row = await an_attempt(app, mine, State.UNKNOWN, class_="bulk")
    fake = type("Theirs", (FakeTwilio,), {"token": "their-token"})()
    call = callback(app, theirs, row["attempt"], "delivered", fake=fake)
    assert (await make(client, call)).status_code == 200
    await Upkeep(app).sweep()
    assert await state_of(app, row) == "unknown"
    [kept] = await seen(client, verdict="foreign", account=encode("acc", theirs))
    assert kept["reports"] == [
        {"attempt": encode("att", row["attempt"]), "kind": "delivered", "verdict": "foreign",
         "reason": "", "code": "", "hard": False, "unsubscribes": False, "machine": False}
    ]  # fmt: skip
    assert kept["body"] is None, "it may be of anything"
    assert await seen(client, account=encode("acc", mine)) == []


async def test_a_receipt_of_an_unknown_attempt_waits_for_it(app: App, client: Client) -> None:
    account, attempt = await an_account(app), new_id()
    assert (await make(client, callback(app, account, attempt, "delivered"))).status_code == 200
    await Upkeep(app).sweep()
    [waiting] = await seen(client, verdict="unmatched")
    assert waiting["body"] is None
    row = await an_attempt(app, account, attempt_id=attempt)
    await Upkeep(app).sweep()
    assert await state_of(app, row) == "delivered"
    assert await seen(client, verdict="unmatched") == []
    assert [one["id"] for one in await seen(client, verdict="heard")] == [waiting["id"]]


async def test_what_waits_is_not_joined_to_an_attempt_of_another_account(
    app: App, client: Client
) -> None:
    mine, theirs, attempt = await an_account(app, "a"), await an_account(app, "b"), new_id()
    await make(client, callback(app, theirs, attempt, "delivered"))
    row = await an_attempt(app, mine, State.UNKNOWN, attempt_id=attempt, class_="bulk")
    await Upkeep(app).sweep()
    assert await state_of(app, row) == "unknown"
    assert len(await seen(client, verdict="unmatched")) == 1


async def test_of_a_one_time_password_only_named_fields_are_stored(
    app: App, client: Client
) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account, class_="otp")
    fake = FakeTwilio()
    fake.error = "30005"
    await make(client, callback(app, account, row["attempt"], "undelivered", fake=fake))
    [call] = await seen(client)
    assert (call["verdict"], call["body"], call["query"]) == ("heard", None, None)
    assert (call["reports"][0]["reason"], call["reports"][0]["code"]) == (
        "invalid_address", "30005",
    )  # fmt: skip
    [kept] = await fetch(app, "SELECT raw FROM receipts")
    assert set(kept.raw) == {"reason", "code", "hard", "unsubscribes", "machine"}
    assert "+14155550100" not in str(await fetch(app, "SELECT * FROM webhook_calls"))


async def test_signed_but_unreadable_is_kept(app: App, client: Client) -> None:
    account = await an_account(app)
    call = FakeTwilio()._call(url_of(app, account), {"Nothing": "known"}, None)
    answer = await make(client, call)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid"
    [kept] = await seen(client, verdict="unreadable")
    assert kept["body"] == "Nothing=known"


async def test_an_unreadable_call_that_names_a_one_time_password_is_kept_without_its_words(
    app: App, client: Client
) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account, class_="otp")
    call = FakeTwilio()._call(url_of(app, account, row["attempt"]), {"Body": "0"}, None)
    assert (await make(client, call)).status_code == 422
    [kept] = await seen(client, verdict="unreadable")
    assert (kept["body"], kept["query"]) == (None, None)


async def test_what_was_not_stored_is_answered_with_a_503(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    async with app.db.leader() as conn:
        await conn.execute(text("UPDATE accounts SET settings = 'x' WHERE name = 'texts'"))
    answer = await make(client, callback(app, account, row["attempt"], "delivered"))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


async def test_a_probe_says_whether_somebody_listens(app: App, client: Client) -> None:
    account = await an_account(app)
    path = f"/v1/receipts/{encode('acc', account)}"
    assert (await client.head(path)).status_code == 200
    [one, *_] = await fetch(app, "SELECT id FROM accounts WHERE vendor = 'sandbox'")
    assert (await client.head(f"/v1/receipts/{encode('acc', one.id)}")).status_code == 404
    assert await seen(client) == []


async def test_bodies_are_for_those_who_may_change_accounts(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    await make(client, callback(app, account, row["attempt"], "delivered"))
    weak = await client.with_key("accounts:read")
    [call] = (await weak.get("/v1/receipts")).json()["items"]
    assert "body" not in call
    assert "query" not in call


async def test_wrong_filters_are_named(client: Client) -> None:
    answer = await client.get("/v1/receipts", params={"verdict": ["heard", "wrong"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "verdict[1]"
    assert (await client.get("/v1/receipts", params={"account": "x"})).status_code == 422


async def test_the_list_is_paged(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    for sid in ("SM1", "SM2", "SM3"):
        await make(client, callback(app, account, row["attempt"], "delivered", sid=sid))
    first = (await client.get("/v1/receipts", params={"limit": 2})).json()
    assert len(first["items"]) == 2
    rest = await client.get("/v1/receipts", params={"cursor": first["next_cursor"]})
    assert len(rest.json()["items"]) == 1
    assert rest.json()["next_cursor"] is None


async def test_old_calls_are_forgotten(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    await make(client, callback(app, account, row["attempt"], "delivered"))
    await Upkeep(app).tidy()
    assert len(await seen(client)) == 1
    old = "0190a000-0000-7000-8000-000000000000"
    async with app.db.leader() as conn:
        await conn.execute(text("UPDATE webhook_calls SET id = :id"), {"id": old})
    await Upkeep(app).tidy()
    assert await seen(client) == []
    assert len(await fetch(app, "SELECT 1 FROM receipts")) == 1
