"""The bounce listener over real SMTP: what it takes, refuses, and puts off."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from domain.vocabulary import State
from fakes.http_vendor import Call, Forgery
from fakes.smtp_mail import hand_over
from services.app import App
from stores.database import Database
from tests.api.test_receipt_effects import suppressed
from tests.api.test_receipts import stats
from tests.fixtures.bounced import (
    BOUNCES,
    NOBODY,
    SAM,
    a_mail_account,
    a_mail_sent,
    bounce,
    path_of,
)
from tests.fixtures.heard import fetch, state_of
from tests.fixtures.system import System
from workers.bounces import Listener
from workers.smtp_serving import listen

Hand = Callable[[Call], Coroutine[Any, Any, int]]


@asynccontextmanager
async def listening(app: App) -> AsyncIterator[str]:
    """Give the URL of a listener of this process."""
    server = await listen(Listener(app), host="127.0.0.1", port=0, most_octets=1_000_000)
    async with server:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def url(app: App) -> AsyncIterator[str]:
    async with listening(app) as running:
        yield running


async def handed(call: Call) -> int:
    """Hand a mail over by SMTP and return the code of the reply that ended it."""
    return await asyncio.to_thread(hand_over, call)


def reply_to(url: str, recipient: str, content: bytes = b"") -> str:
    """Return the reply to RCPT, or to the content where RCPT was taken."""
    with smtplib.SMTP(url.removeprefix("smtp://"), timeout=20) as client:
        client.ehlo()
        client.mail("")
        code, text = client.rcpt(recipient)
        if code == 250:
            code, text = client.data(content)
    return f"{code} {text.decode()}"


async def test_a_mail_server_hands_a_bounce_over(app: App, url: str) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    call = bounce(app, account, row["attempt"], url=url)
    assert call.headers["from"] == "", "a report has no sender"
    assert [await handed(call) for _ in range(3)] == [250, 250, 250]
    assert await suppressed(app) == [("email", SAM, None, True, "invalid_address")]
    assert len(await fetch(app, "SELECT 1 FROM receipts")) == 1
    calls = await fetch(app, "SELECT account_id, verdict, headers FROM webhook_calls ORDER BY id")
    assert [(one.account_id, one.verdict) for one in calls] == [
        (account, "heard"), (account, "repeated"), (account, "repeated"),
    ]  # fmt: skip
    delivered = bounce(app, account, row["attempt"], "delivered 2.1.5", url=url)
    assert await handed(delivered) == 250
    assert await state_of(app, row) == "delivered"
    answer = bounce(app, account, row["attempt"], "letter", url=url)
    assert answer.headers["from"] == SAM, "people have one"
    assert await handed(answer) == 250


async def test_a_complaint_comes_to_the_plain_address(app: App, url: str) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    assert await handed(bounce(app, account, row["attempt"], "complaint abuse", url=url)) == 250
    assert [one[4] for one in await suppressed(app)] == ["complained"]
    spam = await asyncio.to_thread(reply_to, url, BOUNCES, b"Subject: Buy\r\n\r\nnow")
    assert spam.startswith("550 5.7.1"), "without a return path in it nothing is believed"
    assert await stats(app) == (1, 1)


async def test_what_is_refused_is_refused_before_it_is_sent(app: App, url: str) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    forged = bounce(app, account, row["attempt"], url=url, forgery=Forgery.WRONG_KEY)
    for number, call in enumerate([forged, replace(forged, body=b"x" * 900_000)], start=1):
        assert await handed(call) == 550
        assert await stats(app) == (0, number)
    for unknown in ("postmaster@mail.example.com", "bounce+x@mail.example.com", "", "a@b\x00c"):
        reply = await asyncio.to_thread(reply_to, url, unknown)
        assert reply.startswith(("550 5.1.1", "501", "553")), reply
    assert await stats(app) == (0, 2)
    assert await suppressed(app) == []


async def test_what_cannot_be_read_is_refused(app: App, url: str) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    broken = bounce(app, account, row["attempt"], "broken", url=url)
    reply = await asyncio.to_thread(reply_to, url, broken.headers["to"], broken.body)
    assert reply.startswith("550 5.6.0")
    long = replace(broken, body=b"Subject: x\r\n\r\n" + b"x\r\n" * 400_000)
    assert await handed(long) == 552
    assert await fetch(app, "SELECT 1 FROM receipts") == []


async def test_accounts_may_share_a_bounce_address(app: App, url: str) -> None:
    first, second = await a_mail_account(app, "first"), await a_mail_account(app, "second")
    for account in (first, second):
        row = await a_mail_sent(app, account, State.UNKNOWN, class_="bulk")
        assert await handed(bounce(app, account, row["attempt"], "delivered 2.1.5", url=url)) == 250
        assert await state_of(app, row) == "delivered"


async def test_an_account_that_cannot_be_opened_is_in_nobodys_way(app: App, url: str) -> None:
    await a_mail_account(app, "broken")
    await fetch(app, "UPDATE accounts SET settings = 'x' WHERE name = 'broken' RETURNING id")
    account = await a_mail_account(app, "sound", bounces="bounces.example.com")
    row = await a_mail_sent(app, account)
    call = bounce(app, account, row["attempt"], url=url, bounces="bounces.example.com")
    assert await handed(call) == 250
    assert await asyncio.to_thread(reply_to, url, path_of(app, row["attempt"])) == (
        "550 5.1.1 no such mailbox"
    )


async def test_a_lost_database_puts_mail_off(app: App) -> None:
    account = await a_mail_account(app)
    row = await a_mail_sent(app, account)
    gone = replace(app, db=Database("postgresql://tocsin@127.0.0.1:9/tocsin", []))
    async with listening(gone) as url:
        call = bounce(app, account, row["attempt"], url=url)
        assert await handed(call) == 451
    await gone.db.close()
    async with listening(app) as url:
        assert await handed(replace(call, url=url)) == 250, "the next try is heard"
    assert len(await suppressed(app)) == 1


async def test_from_the_request_to_the_bounce(system: System) -> None:
    """The return path that a real server was given leads back to the notification."""
    app = system.app
    await fetch(app, "UPDATE accounts SET enabled = false WHERE name = 'email' RETURNING id")
    settings = {"url": f"{system.smtp.url()}?starttls=never&bounces={BOUNCES}"}
    await system.add_account("mail", "email", "smtp", settings)
    made = await system.ask()
    assert (await system.finished(made["id"]))["state"] == "sent"
    [taken] = system.smtp.vendor.taken
    async with listening(app) as url:
        assert await handed(system.smtp.vendor.receipt(taken, NOBODY, url=url)) == 250
    found = await system.get(made["id"])
    [delivery] = found["deliveries"]
    assert [one["kind"] for one in delivery["receipts"]] == ["bounced"]
    again = await system.finished((await system.ask())["id"])
    assert (again["state"], again["deliveries"][0]["reason"]) == ("suppressed", "invalid_address")
