"""The fakes that people start: told how to behave, asked what they took, made to send receipts."""

import asyncio
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from fakes.http_server import FakeHttp
from fakes.smtp import FakeSmtp
from fakes.smtp_mail import FakeMail
from fakes.twilio import FakeTwilio
from tests.contract.case import Case
from tests.contract.conftest import all_cases
from tests.fixtures.mail import a_mail, soon
from tests.fixtures.vendors import parts_for
from vendors.registry import KINDS

ATTEMPT = "att_00000000000000000000000001"
CASE: Case = next(case for case in all_cases() if case.vendor == "twilio")


@pytest.fixture
async def server() -> AsyncIterator[FakeHttp]:
    async with FakeHttp(FakeTwilio()) as running:
        yield running


@pytest.fixture
async def client(server: FakeHttp) -> AsyncIterator[httpx.AsyncClient]:
    base = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=base, trust_env=False) as opened:
        yield opened


async def send(server: FakeHttp, url: str) -> str:
    settings = {**CASE.settings, "base_url": server.url("twilio")}
    account = KINDS["twilio"].open(settings, parts_for())
    outcome = await account.send(CASE.message(callback_url=url), deadline=soon())
    await account.close()
    return str(outcome.kind)


async def test_it_behaves_as_told(server: FakeHttp, client: httpx.AsyncClient) -> None:
    told = await client.post("/_control/twilio", json={"script": ["unavailable", "throttle"]})
    assert told.status_code == 200
    url = "http://127.0.0.1:9/receipts?attempt=att_1"
    assert [await send(server, url) for _ in range(3)] == ["transient", "throttled", "accepted"]
    await client.post("/_control/twilio", json={"by_address": {CASE.address: "fail"}})
    assert await send(server, url) == "unknown"
    [taken] = (await client.get("/_control/twilio")).json()["taken"]
    assert (taken["address"], taken["tag"]) == (CASE.address, "att_1")


async def test_it_sends_receipts_as_often_as_told(
    server: FakeHttp, client: httpx.AsyncClient
) -> None:
    heard: list[str] = []

    async def hear(request: web.BaseRequest) -> web.Response:
        heard.append((await request.read()).decode())
        return web.Response(status=204)

    receiver = web.Server(hear)
    listening = await asyncio.get_running_loop().create_server(receiver, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    assert await send(server, f"http://127.0.0.1:{port}/?attempt=att_1") == "accepted"
    body = {"event": "delivered", "times": 3}
    answer = (await client.post("/_control/twilio/receipt", json=body)).json()
    listening.close()
    await receiver.shutdown()
    assert answer["answers"] == [204, 204, 204]
    assert len(heard) == 3
    assert all("MessageStatus=delivered" in one for one in heard)


async def test_what_it_cannot_do_is_said(client: httpx.AsyncClient) -> None:
    wrong = await client.post("/_control/twilio", json={"always": "dance"})
    assert wrong.status_code == 422
    assert "throttle" in wrong.json()["behaviours"]
    assert (await client.post("/_control/twilio/receipt", json={"event": "x"})).status_code == 404
    assert (await client.get("/_control/nobody")).status_code == 404


async def test_a_mail_server_behaves_as_told_and_reports_by_mail() -> None:
    mail = FakeMail()
    case = next(case for case in all_cases() if case.vendor == "smtp")
    async with FakeHttp(mail) as server, FakeSmtp(vendor=mail) as smtp, FakeSmtp() as listener:
        account = KINDS["smtp"].open(case.account(smtp.url(), user=""), parts_for())
        base = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
            told = {
                "script": ["throttle"],
                "by_address": {"nobody@example.org": "reject_recipient"},
            }
            assert (await client.post("/_control/smtp", json=told)).status_code == 200
            nobody = a_mail(attempt_id=ATTEMPT, rcpt_to="nobody@example.org")
            mails = [case.message(), case.message(), nobody]
            kinds = [(await account.send(one, deadline=soon())).kind for one in mails]
            assert kinds == ["throttled", "accepted", "rejected"]
            await account.close()
            report = {"event": "failed 5.1.1", "url": listener.url(), "times": 2}
            answer = (await client.post("/_control/smtp/receipt", json=report)).json()
            assert answer["answers"] == [250, 250]
            assert (await client.get("/_control/smtp")).json()["taken"][0]["tag"] == ATTEMPT
            assert (await client.get("/smtp/anything")).status_code == 404
    assert [one.mail_from for one in listener.messages] == ["", ""]
    assert {one.recipients[0] for one in listener.messages} == {smtp.messages[0].mail_from}
    assert b"Status: 5.1.1" in listener.messages[0].content


async def test_the_command_serves_every_fake() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fakes.vendors", "--port", "0", "--smtp-port", "0",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    wanted = {case.fake().name for case in all_cases()} | {"smtp"}
    told = [(await process.stdout.readline()).decode().split() for _ in wanted]
    process.terminate()
    await process.communicate()
    assert {words[0] for words in told} == wanted
