"""An account over HTTP: tokens, clocks, batches and look-ups, of a vendor made up for it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from tests.fixtures.mail import a_mail, soon
from tests.fixtures.raw_http import Request, answer, listening, serving
from tests.fixtures.vendors import parts_for
from vendors.contract import Absent, BatchVendor, LookUpVendor, Sought
from vendors.http_api import Batch, HttpApi, HttpSettings, Login, LookUp, Moment, Unfit
from vendors.http_outcomes import accepted, outcome_of_status, read_json
from vendors.over_http import http_kind

LONGEST = 20
SKEW = timedelta(seconds=60)


class Settings(HttpSettings):
    """Pigeon Post's."""


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    return batch_request([message], settings, moment, "/send")


def batch_request(
    messages: Sequence[ContentMessage], settings: Settings, moment: Moment, path: str = "/batch"
) -> HttpRequest:
    for one in messages:
        if len(one.content["text"]) > LONGEST:
            raise Unfit("payload_too_large", f"{len(one.content['text'])} letters")
    headers = {"X-Token": moment.token, "X-Time": moment.now.isoformat()}
    body = json.dumps([{"id": one.attempt_id, **one.content} for one in messages])
    return HttpRequest("POST", settings.base_url + path, headers, body.encode())


def outcome(response: HttpResponse) -> Outcome:
    if response.status == 418:
        document = read_json(response)
        return Outcome(OutcomeKind.REJECTED, "invalid_address", Scope(document["scope"]))
    if response.status != 200:
        return outcome_of_status(response)
    return accepted(read_json(response)["ids"][0], response)


def outcomes(messages: Sequence[ContentMessage], response: HttpResponse) -> list[Outcome]:
    if response.status != 200:
        return [outcome(response) for _ in messages]
    return [accepted(one, response) for one in read_json(response)["ids"]]


def found(response: HttpResponse, sought: Sought) -> Report | Absent | None:
    if response.status == 404:
        return Absent()
    at = datetime.fromisoformat(read_json(response)["at"])
    return Report(ReceiptKind.SENT, sought.attempt_id, "1", at)


LOGIN = Login(
    lambda settings, moment: HttpRequest("POST", f"{settings.base_url}/token"),
    lambda response: (read_json(response)["token"], read_json(response)["seconds"]),
    lambda response: response.status == 401,
)
LOOK_UP = LookUp(
    lambda sought, settings, moment: HttpRequest("GET", f"{settings.base_url}/{sought.attempt_id}"),
    found,
)
PLAIN = HttpApi(request, outcome)
MANY = replace(PLAIN, batch=Batch(10, batch_request, outcomes, lambda one: one.name != "apart"))


class Post:
    """Pigeon Post: gives what is in `script` first, then takes whatever bears its last token."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.script: list[bytes] = []
        self.logins: list[bytes] = []
        self.tokens: list[str] = []
        self.life: float = 3600
        self.log_in_slowly = asyncio.Event()
        self.log_in_slowly.set()
        self.clock = datetime.now(UTC)

    async def reply(self, request: Request) -> bytes:
        self.asked.append(request)
        path = request.line.split()[1]
        if path == "/token":
            await self.log_in_slowly.wait()
            if self.logins:
                return self.logins.pop(0)
            self.tokens.append(f"token-{len(self.tokens) + 1}")
            return answer(json.dumps({"token": self.tokens[-1], "seconds": self.life}).encode())
        if self.script:
            return self.script.pop(0)
        if self.tokens and request.headers["x-token"] != self.tokens[-1]:
            return answer(b"{}", "401 Unauthorized")
        ids = [one["id"] for one in json.loads(request.body)]
        return answer(json.dumps({"ids": ids}).encode())

    def count(self, path: str) -> int:
        return sum(one.line.split()[1] == path for one in self.asked)


@asynccontextmanager
async def opened(api: HttpApi, **settings: Any) -> AsyncIterator[tuple[Post, Any]]:
    post = Post()
    kind = http_kind(
        name="pigeon", title="Pigeon Post", channels=[Channel.SMS], settings=Settings, api=api
    )
    async with listening(serving(post.reply)) as port:
        account = kind.open({"base_url": f"http://127.0.0.1:{port}", **settings}, parts_for())
        try:
            yield post, account
        finally:
            await account.close()


def a_message(number: int = 1, text: str = "hello", name: str = "") -> ContentMessage:
    return ContentMessage(
        f"att_{number}", "ntf_1", Channel.SMS, "+14155550100", {"text": text}, name=name
    )


def told(outcome: Outcome) -> tuple[Any, ...]:
    return outcome.kind, outcome.scope, outcome.reason


TAKEN = (OutcomeKind.ACCEPTED, Scope.MESSAGE, "")


async def test_a_message_is_sent_once_whatever_comes_back() -> None:
    async with opened(PLAIN) as (post, account):
        for given in (b"", answer(b"{}", "500 Error"), answer(b"[]"), answer(b"{}", "429 Slow")):
            post.script.append(given)
            assert (await account.send(a_message(), deadline=soon())).kind != "accepted"
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN
    assert len(post.asked) == 5


async def test_an_answer_of_the_wrong_shape_is_judged_by_its_status() -> None:
    async with opened(PLAIN) as (post, account):
        for body in (b"{}", b"[]", b'{"ids": {}}', b'{"ids": []}', b'{"ids": [7]}', b'{"ids": 7}'):
            post.script.append(answer(body))
            outcome = await account.send(a_message(), deadline=soon())
            assert told(outcome) == (
                OutcomeKind.UNKNOWN, Scope.MESSAGE, "malformed_response",
            )  # fmt: skip


async def test_what_is_unfit_is_not_sent() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        outcome = await account.send(a_message(text="x" * 21), deadline=soon())
        assert told(outcome) == (OutcomeKind.REJECTED, Scope.MESSAGE, "payload_too_large")
        assert (outcome.phase, outcome.detail) == ("check", "21 letters")
    assert post.count("/send") == 0


async def test_assembled_mail_is_a_bug() -> None:
    async with opened(PLAIN) as (_, account):
        with pytest.raises(TypeError):
            await account.send(a_mail(), deadline=soon())


async def test_a_refused_network_is_the_accounts_affair_or_the_endpoints() -> None:
    url = "http://10.255.255.1"
    async with opened(PLAIN, base_url=url) as (_, account):
        outcome = await account.send(a_message(), deadline=soon())
        assert told(outcome) == (OutcomeKind.REJECTED, Scope.ACCOUNT, "address_not_allowed")
    async with opened(replace(PLAIN, endpoint=True), base_url=url) as (_, account):
        outcome = await account.send(a_message(), deadline=soon())
        assert told(outcome) == (OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address")


async def test_one_login_serves_all_who_send_at_once() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.log_in_slowly.clear()
        sending = [
            asyncio.create_task(account.send(a_message(n), deadline=soon())) for n in range(20)
        ]
        while post.count("/token") == 0:
            await asyncio.sleep(0.01)
        post.log_in_slowly.set()
        assert {told(one) for one in await asyncio.gather(*sending)} == {TAKEN}
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN
    assert post.count("/token") == 1
    assert {one.headers["x-token"] for one in post.asked if "/send" in one.line} == {"token-1"}


async def test_a_token_is_renewed_before_it_ends() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.life = 0
        await account.send(a_message(), deadline=soon())
        await asyncio.sleep(1.1)
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN
    assert post.count("/token") == 2
    assert post.count("/send") == 2


async def test_a_token_that_was_used_up_is_renewed_once_for_all() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        await account.send(a_message(), deadline=soon())
        post.tokens.append("token of somebody else")
        sending = (account.send(a_message(n), deadline=soon()) for n in range(20))
        assert {told(one) for one in await asyncio.gather(*sending)} == {TAKEN}
        assert post.count("/token") == 2


async def test_a_token_that_is_refused_again_is_not_renewed_again() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.script += [answer(b"{}", "401 Unauthorized")] * 2
        outcome = await account.send(a_message(), deadline=soon())
        assert told(outcome) == (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed")
        assert (post.count("/token"), post.count("/send")) == (2, 2)
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"", (OutcomeKind.TRANSIENT, "connect_failed")),
        (answer(b'{"error": "x"}', "400 Bad"), (OutcomeKind.REJECTED, "auth_failed")),
        (answer(b"{}", "401 Unauthorized"), (OutcomeKind.REJECTED, "auth_failed")),
        (answer(b"{}", "404 Not Found"), (OutcomeKind.REJECTED, "config_missing")),
        (answer(b"", "302 Found"), (OutcomeKind.REJECTED, "config_missing")),
        (answer(b"{}", "429 Slow"), (OutcomeKind.TRANSIENT, "vendor_unavailable")),
        (answer(b"{}", "500 Error"), (OutcomeKind.TRANSIENT, "vendor_unavailable")),
        (answer(b"{}", "503 Error"), (OutcomeKind.TRANSIENT, "vendor_unavailable")),
        (answer(b"\xff"), (OutcomeKind.TRANSIENT, "vendor_unavailable")),
        (answer(b"{}"), (OutcomeKind.TRANSIENT, "vendor_unavailable")),
        (answer(b'{"token": 7, "seconds": 7}'), (OutcomeKind.TRANSIENT, "vendor_unavailable")),
    ],
)
async def test_a_login_that_fails_sends_nothing(given: bytes, expected: tuple[Any, str]) -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.logins.append(given)
        outcome = await account.send(a_message(), deadline=soon())
        assert told(outcome) == (expected[0], Scope.ACCOUNT, expected[1])
        assert outcome.phase == "login"
        assert post.count("/send") == 0
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN


async def test_a_throttled_login_says_how_long_to_wait() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.logins.append(answer(b"{}", "429 Slow", Retry_After="9"))
        assert (await account.send(a_message(), deadline=soon())).retry_after == 9


async def test_a_token_never_stands_in_an_outcome() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.logins.append(answer(b'{"token": "secret", "expires": 7}'))
        outcome = await account.send(a_message(), deadline=soon())
    assert "secret" not in repr(outcome)


async def test_a_login_that_hangs_keeps_nobody_beyond_the_deadline() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.log_in_slowly.clear()
        began = time.monotonic()
        sending = (account.send(a_message(n), deadline=began + 0.3) for n in range(20))
        found = await asyncio.wait_for(asyncio.gather(*sending), 5)
        assert {told(one) for one in found} == {
            (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "connect_failed")
        }
        assert (post.count("/token"), post.count("/send")) == (1, 0)
        post.log_in_slowly.set()
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN


async def test_who_is_cancelled_does_not_end_the_login_of_the_others() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.log_in_slowly.clear()
        first, second = (
            asyncio.create_task(account.send(a_message(n), deadline=soon())) for n in range(2)
        )
        while post.count("/token") == 0:
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        post.log_in_slowly.set()
        assert told(await second) == TAKEN
    assert (post.count("/token"), post.count("/send")) == (1, 1)


async def test_an_account_can_be_closed_while_it_signs_in() -> None:
    async with opened(replace(PLAIN, login=LOGIN)) as (post, account):
        post.log_in_slowly.clear()
        outcome = await account.send(a_message(), deadline=soon(0.2))
        assert outcome.kind is OutcomeKind.TRANSIENT


def skewed(response: HttpResponse) -> bool:
    return response.status == 403


async def test_a_wrong_clock_is_set_by_the_vendors_once() -> None:
    theirs = datetime.now(UTC) - timedelta(hours=5)
    dated = answer(b"{}", "403 Forbidden", Date=format_datetime(theirs))
    async with opened(replace(PLAIN, skewed=skewed)) as (post, account):
        post.script.append(dated)
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN
        assert told(await account.send(a_message(), deadline=soon())) == TAKEN
        first, second, third = (datetime.fromisoformat(one.headers["x-time"]) for one in post.asked)
        assert abs(first - datetime.now(UTC)) < SKEW
        assert abs(second - theirs) < SKEW
        assert abs(third - theirs) < SKEW

        post.script += [dated, dated]
        outcome = await account.send(a_message(), deadline=soon())
        assert told(outcome) == (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden")
    assert len(post.asked) == 5


@pytest.mark.parametrize("date", ["", "yesterday", "Wed, 25 Nov 2026 10:00:00 -0000"])
async def test_without_a_date_the_clock_is_left_alone(date: str) -> None:
    async with opened(replace(PLAIN, skewed=skewed)) as (post, account):
        post.script.append(answer(b"{}", "403 Forbidden", Date=date))
        outcome = await account.send(a_message(), deadline=soon())
    assert told(outcome) == (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden")
    assert len(post.asked) == 1


async def test_a_vendor_of_single_messages_takes_no_batch() -> None:
    async with opened(PLAIN) as (_, account):
        assert not isinstance(account, BatchVendor)


async def test_a_batch_is_one_call_in_order() -> None:
    async with opened(MANY) as (post, account):
        assert account.batch == 10
        found = await account.send_batch([a_message(n) for n in range(10)], deadline=soon())
    assert [one.vendor_id for one in found] == [f"att_{n}" for n in range(10)]
    assert [one.line for one in post.asked] == ["POST /batch HTTP/1.1"]


async def test_those_that_do_not_fit_go_beside_the_batch() -> None:
    messages = [a_message(n, name="apart" if n % 3 == 0 else "") for n in range(7)]
    async with opened(MANY) as (post, account):
        found = await account.send_batch(messages, deadline=soon())
    assert [one.vendor_id for one in found] == [f"att_{n}" for n in range(7)]
    assert (post.count("/batch"), post.count("/send")) == (1, 3)


@pytest.mark.parametrize("names", [[], [""], ["apart"], ["apart", "apart"], ["", "apart"]])
async def test_no_batch_is_made_of_less_than_two(names: list[str]) -> None:
    messages = [a_message(n, name=name) for n, name in enumerate(names)]
    async with opened(MANY) as (post, account):
        found = await account.send_batch(messages, deadline=soon())
    assert [one.vendor_id for one in found] == [one.attempt_id for one in messages]
    assert (post.count("/batch"), post.count("/send")) == (0, len(names))


async def test_one_unfit_member_does_no_harm_to_the_others() -> None:
    messages = [a_message(n, text="x" * 21 if n == 1 else "hello") for n in range(3)]
    async with opened(MANY) as (post, account):
        found = await account.send_batch(messages, deadline=soon())
    assert [told(one) for one in found] == [
        TAKEN, (OutcomeKind.REJECTED, Scope.MESSAGE, "payload_too_large"), TAKEN,
    ]  # fmt: skip
    assert (post.count("/batch"), post.count("/send")) == (0, 2)


@pytest.mark.parametrize(
    "given",
    [
        answer(b"{}", "400 Bad Request"),
        answer(b"{}", "413 Too Large"),
        answer(b'{"scope": "recipient"}', "418 Teapot"),
    ],
)
async def test_a_batch_that_is_refused_for_one_of_them_is_sent_one_by_one(given: bytes) -> None:
    async with opened(MANY) as (post, account):
        post.script += [given, answer(b"{}", "400 Bad Request")]
        found = await account.send_batch([a_message(n) for n in range(3)], deadline=soon())
    kinds = sorted(one.kind for one in found)
    assert kinds == [OutcomeKind.ACCEPTED, OutcomeKind.ACCEPTED, OutcomeKind.REJECTED]
    assert (post.count("/batch"), post.count("/send")) == (1, 3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"", (OutcomeKind.UNKNOWN, Scope.MESSAGE, "connection_lost_after_body")),
        (answer(b'{"ids": ["1"]}'), (OutcomeKind.UNKNOWN, Scope.MESSAGE, "malformed_response")),
        (answer(b'{"ids": "123"}', "500 E"), (
            OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body")),
        (answer(b"[]"), (OutcomeKind.UNKNOWN, Scope.MESSAGE, "malformed_response")),
        (answer(b"{}", "401 No"), (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed")),
        (answer(b"{}", "403 No"), (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden")),
        (answer(b'{"scope": "account"}', "418 Teapot"), (
            OutcomeKind.REJECTED, Scope.ACCOUNT, "invalid_address")),
        (answer(b"{}", "429 Slow"), (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account")),
        (answer(b"{}", "503 Gone"), (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable")),
    ],
)  # fmt: skip
async def test_a_batch_that_fails_as_a_whole_is_not_repeated(
    given: bytes, expected: tuple[Any, ...]
) -> None:
    async with opened(MANY) as (post, account):
        post.script.append(given)
        found = await account.send_batch([a_message(n) for n in range(3)], deadline=soon())
    assert [told(one) for one in found] == [expected] * 3
    assert len(post.asked) == 1


SOUGHT = Sought("att_1", "", Channel.SMS, "+14155550100", datetime.now(UTC))


async def test_a_look_up_says_what_was_found() -> None:
    async with opened(replace(PLAIN, look_up=LOOK_UP)) as (post, account):
        assert isinstance(account, LookUpVendor)
        post.script.append(answer(b'{"at": "2026-11-25T10:00:00+00:00"}'))
        report = await account.look_up(SOUGHT, deadline=soon())
        assert isinstance(report, Report)
        assert report.attempt_id == "att_1"
        post.script.append(answer(b"{}", "404 Not Found"))
        assert await account.look_up(SOUGHT, deadline=soon()) == Absent()
    assert [one.line for one in post.asked] == ["GET /att_1 HTTP/1.1"] * 2


async def test_a_look_up_that_fails_says_nothing() -> None:
    async with opened(replace(PLAIN, look_up=LOOK_UP)) as (post, account):
        for given in (answer(b"{}"), answer(b"[]"), answer(b'{"at": 7}'), answer(b"\xff")):
            post.script.append(given)
            assert await account.look_up(SOUGHT, deadline=soon()) is None
        assert await account.look_up(SOUGHT, deadline=soon(-1)) is None
    async with opened(PLAIN) as (post, account):
        assert await account.look_up(SOUGHT, deadline=soon()) is None
    assert post.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com", "ftp://api.example.com", "https://", "https:///x", "https://a b",
        "https://api.example.com:0", "https://api.example.com:99999", "https://[::1",
        "https://user:word@api.example.com", "https://api.example.com?key=1",
        "https://api.example.com#x",
    ],
)  # fmt: skip
def test_a_base_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must"):
        Settings(base_url=url)


def test_a_base_url_has_no_slash_at_its_end() -> None:
    assert Settings(base_url="https://api.example.com/v3/").base_url == "https://api.example.com/v3"
