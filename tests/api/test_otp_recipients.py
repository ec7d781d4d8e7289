"""Codes tell nobody who is known: names that belong to nobody get the same answers and work."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from temporalio.client import Client as Temporal

from domain.delivery import Planned
from domain.ids import encode, new_id
from domain.vocabulary import Channel
from stores.ledger import plan
from tests.fixtures.otp import PHONE, OtpClient
from tests.fixtures.servers import UNSERVED

NOBODY = "prf_00000000000000000000000000"


def shape(answer: httpx.Response) -> Any:
    """What of an answer may not depend on who is known."""
    body = answer.json()
    told = {key: type(value).__name__ for key, value in body.items()}
    return answer.status_code, told, body.get("type"), sorted(answer.headers)


async def profile(otp: OtpClient, external_id: str, **fields: Any) -> str:
    given = {"external_id": external_id, "phone": PHONE, "email": "sam@example.com", **fields}
    answer = await otp.post("/v1/profiles", json=given)
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


async def by_name(otp: OtpClient, name: Any, **more: Any) -> httpx.Response:
    return await otp.post("/v1/otp", json={"recipient": name, **more})


async def test_nobody_gets_the_same_answer_and_nothing_is_sent(otp: OtpClient) -> None:
    known = await profile(otp, "ada")
    shop = await otp.with_key("profiles:write", module="shop")
    others = (await shop.post("/v1/profiles", json={"external_id": "eve"})).json()["id"]
    names: list[Any] = [
        known, {"external_id": "ada"}, NOBODY, others, {"external_id": "nobody"},
    ]  # fmt: skip
    answers = [await by_name(otp, name, ttl_seconds=60) for name in names]
    assert len({repr(shape(one)) for one in answers}) == 1, [one.text for one in answers]
    sent = [len(await otp.notifications(one.json()["id"])) for one in answers]
    assert sent == [1, 1, 0, 0, 0]
    for one in answers:
        id = one.json()["id"]
        assert shape(await otp.guess(id, "x"))[0] == 200
        assert shape(await otp.post(f"/v1/otp/{id}/resend")) == shape(one)
    sent = [len(await otp.notifications(one.json()["id"])) for one in answers]
    assert sent == [2, 2, 0, 0, 0]


async def test_nobodys_code_never_verifies_and_is_spent_like_others(otp: OtpClient) -> None:
    id = (await by_name(otp, NOBODY)).json()["id"]
    code = await otp.code(id)
    told = [(await otp.guess(id, code)).json() for _ in range(5)]
    assert told == [{"verified": False, "attempts_left": left} for left in (4, 3, 2, 1, 0)]
    assert (await otp.guess(id, code)).status_code == 429
    assert (await otp.row(id)).verified_at is None


async def test_as_much_work_is_started_for_nobody(otp: OtpClient) -> None:
    temporal = await Temporal.connect(otp.app.temporal.target, namespace=UNSERVED)
    id = (await by_name(otp, {"external_id": "nobody"})).json()["id"]
    [notification] = (await otp.row(id)).notification_ids
    described = await temporal.get_workflow_handle(encode("ntf", notification)).describe()
    assert described.id == encode("ntf", notification)
    assert await otp.count("notifications") == await otp.count("outbox") == 0


async def test_wrong_words_are_named_whoever_it_is_for(otp: OtpClient) -> None:
    await profile(otp, "ada")
    wrong = {"channels": ["smoke"], "data": {"code": "1"}}
    answers = [await by_name(otp, {"external_id": name}, **wrong) for name in ("ada", "nobody")]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == 422


async def test_a_profile_without_addresses_tells_nothing_either(otp: OtpClient) -> None:
    await profile(otp, "bare", phone=None, email=None)
    answers = [
        await by_name(otp, {"external_id": name}, channels=["sms"]) for name in ("bare", "nobody")
    ]
    assert shape(answers[0]) == shape(answers[1])


class TestLimits:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_recipient_per_hour": 3, "otp_address_per_hour": 4}

    async def test_of_a_name_hold_for_nobody_too(self, otp: OtpClient) -> None:
        await profile(otp, "ada")
        for name in ("ada", "nobody"):
            answers = await asyncio.gather(*(by_name(otp, {"external_id": name}) for _ in range(8)))
            assert Counter(one.status_code for one in answers) == {202: 3, 429: 5}

    async def test_of_the_address_are_kept_without_a_word(self, otp: OtpClient) -> None:
        await profile(otp, "ada")
        for _ in range(4):
            await otp.made()
        assert (await otp.ask()).status_code == 429
        answer = await by_name(otp, {"external_id": "ada"}, channels=["sms"])
        nobody = await by_name(otp, {"external_id": "nobody"}, channels=["sms"])
        assert shape(answer) == shape(nobody)
        id = answer.json()["id"]
        assert (await otp.row(id)).unsent == "rate-limited"
        assert await otp.notifications(id) == []
        assert (await otp.guess(id, await otp.code(id))).json()["verified"] is False

    async def test_of_a_name_are_the_same_by_its_id(self, otp: OtpClient) -> None:
        id = await profile(otp, "ada")
        for name in (id, {"external_id": "ada"}, id):
            assert (await by_name(otp, name)).status_code == 202
        assert (await by_name(otp, {"external_id": "ada"})).status_code == 429


class TestCountries:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_countries": {"*": ["FR"]}}

    async def test_a_profile_of_another_country_gets_nothing_without_a_word(
        self, otp: OtpClient
    ) -> None:
        await profile(otp, "ada")
        answer = await by_name(otp, {"external_id": "ada"}, channels=["sms"])
        assert shape(answer) == shape(await by_name(otp, NOBODY, channels=["sms"]))
        assert await otp.notifications(answer.json()["id"]) == []
        mail = await by_name(otp, {"external_id": "ada"}, channels=["email"])
        assert len(await otp.notifications(mail.json()["id"])) == 1


async def test_a_right_code_proves_the_one_address_it_went_to(otp: OtpClient) -> None:
    second = "+14155550199"
    beside = [{"channel": "sms", "address": second, "verified": True}]
    made = await otp.post("/v1/profiles", json={"phone": PHONE, "addresses": beside})
    whose = made.json()["id"]

    async def went_to(*addresses: str) -> list[bool]:
        """Let a code go to these addresses, verify it, and return what is known of both."""
        id = await otp.made(recipient=whose)
        [row] = await otp.notifications(id)
        async with otp.app.db.leader() as conn:
            [one] = await plan.find_unplanned(conn, [row.id], row.workflow_id)
            sent = [Planned(new_id(), one, Channel.SMS, address) for address in addresses]
            await plan.insert(conn, sent)
        sent_ones = "UPDATE deliveries SET state = 'sent' WHERE notification_id = :id"
        await otp.change(sent_ones, id=row.id)
        assert (await otp.guess(id, await otp.code(id))).json()["verified"]
        found = (await otp.get(f"/v1/profiles/{whose}")).json()["addresses"]
        return [one["verified"] for one in found]

    assert await went_to("+14155550111") == [False, True], "not an address of theirs"
    assert await went_to(PHONE, second) == [False, True], "either may have been read"
    assert await went_to(PHONE) == [True, True]
