"""Mails that come back, posted as a pipe posts them: settled like every vendor's receipts."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.ids import encode, new_id
from domain.vocabulary import State
from fakes.http_vendor import Forgery
from services.app import App
from tests.api.test_receipt_effects import suppressed
from tests.api.test_receipts import seen, stats
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.bounced import BOUNCES, SAM, a_mail_account, a_mail_sent, bounce, path_of
from tests.fixtures.heard import fetch, make, state_of


async def receipts_of(client: Client, row: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, reason) of the receipts of a notification's one delivery."""
    found = (await client.get(f"/v1/notifications/{encode('ntf', row['id'])}")).json()
    [delivery] = found["deliveries"]
    return [(one["kind"], one["reason"]) for one in delivery["receipts"]]


async def told(
    app: App, client: Client, event: str, account: UUID | None = None, **given: Any
) -> dict[str, Any]:
    """Send a mail, tell an event of it, and return the row of its notification."""
    account = account or await a_mail_account(app)
    row = await a_mail_sent(app, account, **given)
    answer = await make(client, bounce(app, account, row["attempt"], event))
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    return row


async def test_a_hard_bounce_suppresses_the_address(app: App, client: Client) -> None:
    row = await told(app, client, "failed 5.1.1 550 5.1.1 no such mailbox")
    assert await state_of(app, row) == "sent", "the balance keeps it, with its receipt"
    assert await suppressed(app) == [("email", SAM, None, True, "invalid_address")]
    assert await receipts_of(client, row) == [("bounced", "invalid_address")]


async def test_a_soft_bounce_does_not(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    for event, reason in {
        "failed 5.2.2": "mailbox_full",
        "failed 5.7.1 550 5.7.1 spam": "content_filtered",
        "failed 4.4.7": "unreachable",
    }.items():
        row = await told(app, client, event, account)
        assert await receipts_of(client, row) == [("bounced", reason)]
    assert await suppressed(app) == []


async def test_a_complaint_suppresses_the_address(app: App, client: Client) -> None:
    await told(app, client, "complaint abuse")
    assert [one[4] for one in await suppressed(app)] == ["complained"]


async def test_what_is_no_bounce_changes_nothing(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    for event in ("delayed 4.4.1", "answer", "letter", "complaint not-spam"):
        row = await told(app, client, event, account, state=State.UNKNOWN, class_="bulk")
        assert await state_of(app, row) == "unknown"
        [call, *_] = await seen(client)
        assert call["verdict"] == "heard"
        assert call["reports"][0]["attempt"] == encode("att", row["attempt"])
    assert await suppressed(app) == []
    assert await fetch(app, "SELECT 1 FROM receipts") == []


async def test_good_news_raises_the_state(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    news = {"delivered 2.1.5": "delivered", "expanded 2.1.5": "delivered", "relayed 2.1.9": "sent"}
    for event, state in news.items():
        row = await told(app, client, event, account, state=State.UNKNOWN, class_="bulk")
        assert await state_of(app, row) == state


async def test_a_bounce_proves_that_an_unknown_one_was_sent(app: App, client: Client) -> None:
    row = await told(app, client, "failed 5.2.2", state=State.UNKNOWN, class_="bulk")
    assert await state_of(app, row) == "sent"


async def test_a_repeated_mail_changes_nothing(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    call = bounce(app, account, row["attempt"])
    piped = replace(call, body=b"Received: from elsewhere\r\n" + call.body)
    for one in (call, call, piped):
        assert (await make(client, one)).status_code == 200
    assert len(await fetch(app, "SELECT 1 FROM receipts")) == 1
    assert len(await suppressed(app)) == 1
    assert await stats(app) == (1, 0)
    assert [one["verdict"] for one in await seen(client)] == ["repeated", "repeated", "heard"]


async def test_a_mail_that_comes_before_the_server_answered_waits(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account, None)
    await make(client, bounce(app, account, row["attempt"], "delivered 2.1.5"))
    assert await state_of(app, row) == "sending"
    assert len(await fetch(app, "SELECT 1 FROM receipts")) == 1


async def test_a_forged_mail_is_refused_and_counted(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account, State.UNKNOWN, class_="bulk")
    forgeries = (Forgery.UNSIGNED, Forgery.WRONG_KEY, Forgery.CHANGED_BODY)
    for number, forgery in enumerate(forgeries, start=1):
        call = bounce(app, account, row["attempt"], forgery=forgery)
        answer = await make(client, call)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
        assert path_of(app, row["attempt"])[7:49] not in answer.text
        assert await stats(app) == (0, number)
        [kept, *_] = await seen(client, verdict="forged")
        assert (kept["body"], kept["query"], kept["bytes"]) == (None, None, len(call.body))
    assert await state_of(app, row) == "unknown"
    assert await suppressed(app) == []


async def test_one_account_cannot_tell_of_anothers_mail(app: App, client: Client) -> None:
    mine = await a_mail_account(app, "mine")
    theirs = await a_mail_account(app, "theirs")
    row = await a_mail_sent(app, mine, State.UNKNOWN, class_="bulk")
    assert (await make(client, bounce(app, theirs, row["attempt"]))).status_code == 200
    assert await state_of(app, row) == "unknown"
    assert [one["verdict"] for one in await seen(client)] == ["foreign"]


async def test_the_header_of_a_mail_server_is_enough(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    call = bounce(app, account, row["attempt"], "failed-bare 5.1.1")
    head = f"X-Original-To: {path_of(app, row['attempt'])}\n".encode()
    piped = replace(call, url=call.url.partition("?")[0], body=head + call.body)
    assert (await make(client, piped)).status_code == 200
    assert await receipts_of(client, row) == [("bounced", "invalid_address")]


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "no part of type message/delivery-status": ("broken", {}),
    "no header": ("failed 5.1.1", {"body": b""}),
    "message/rfc822": ("failed 5.1.1", {"headers": {"Content-Type": "text/plain"}}),
    "must be message/rfc822": ("failed 5.1.1", {"method": "GET", "headers": {}, "body": b""}),
}


async def test_what_cannot_be_read_says_why(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    for words, (event, change) in BROKEN.items():
        call = replace(bounce(app, account, row["attempt"], event), **change)
        answer = await make(client, call)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
        assert words in answer.json()["detail"]
        [kept, *_] = await seen(client, verdict="unreadable")
        assert words in kept["detail"]
    assert await fetch(app, "SELECT 1 FROM receipts") == []


async def test_no_mail_that_could_not_be_read_is_kept(app: App, client: Client) -> None:
    """What it returns may be a one-time password, whose attempt it need not name."""
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account, class_="otp")
    await make(client, bounce(app, account, row["attempt"], "broken"))
    assert b"Secret words" not in b"".join(
        bytes(one.body or b"") for one in await fetch(app, "SELECT body FROM webhook_calls")
    )


async def test_of_a_one_time_password_only_named_fields_are_stored(
    app: App, client: Client
) -> None:
    await told(app, client, "failed 5.1.1", class_="otp")
    [call] = await seen(client)
    assert (call["verdict"], call["body"], call["query"]) == ("heard", None, None)
    [kept] = await fetch(app, "SELECT raw FROM receipts")
    assert set(kept.raw) == {"reason", "code", "hard", "unsubscribes", "machine"}


async def test_a_long_mail_is_taken_up_to_a_limit(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    call = bounce(app, account, row["attempt"])
    long = replace(call, body=call.body + b"a" * 2_000_000)
    assert (await make(client, long)).status_code == 200
    assert await receipts_of(client, row) == [("bounced", "invalid_address")]
    [kept] = await fetch(app, "SELECT bytes, octet_length(body) AS stored FROM webhook_calls")
    assert (kept.bytes, kept.stored) == (len(long.body), 1_048_576)
    longer = replace(call, body=b"a" * 10_485_761)
    assert (await make(client, longer)).status_code == 413


async def test_noise_is_refused_and_never_a_fault_of_ours(app: App, client: Client) -> None:
    account = await a_mail_account(app)
    path = f"/v1/receipts/{encode('acc', account)}"
    good = f"?recipient={path_of(app, new_id())}"
    for body in (b"", b"\xff\xfe\x00", b"From x\n\n", b": \n\n", b"Content-Type: multipart/report"):
        for query in ("", "?recipient=", "?recipient=%ff%00", f"?recipient={BOUNCES}", good):
            answer = await client.post(
                path + query, content=body, headers={"Content-Type": "message/rfc822"}
            )
            assert answer.status_code in (200, 403, 422), answer.text
            assert query != good or answer.status_code != 403


async def test_wrong_bounce_addresses_are_named(client: Client) -> None:
    body: dict[str, Any] = {"name": "m", "channel": "email", "vendor": "smtp"}
    body["settings"] = {"host": "mail.example.com", "bounces": "b" * 22 + "@example.com"}
    answer = await client.post("/v1/accounts", json=body)
    assert answer.status_code == 422
    assert problem_fields(answer) == ["settings.bounces"]
    assert "22 characters" in answer.json()["errors"][0]["message"]
    body["settings"] = {"host": "mail.example.com", "bounces": BOUNCES}
    answer = await client.post("/v1/accounts", json=body)
    assert answer.status_code == 201
    assert answer.json()["settings"]["bounces"] == BOUNCES
