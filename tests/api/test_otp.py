"""/v1/otp: every answer, and that races have one winner."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.contract.otp import OtpVerifyRequest
from domain.errors import RateLimited
from domain.one_time_codes import CodeRing, KeyGone
from services import otp as use
from services.access import operator
from tests.fixtures.api import a_client, problem_fields
from tests.fixtures.otp import PHONE, OtpClient


async def test_a_code_is_made_with_its_expiry(otp: OtpClient) -> None:
    before = datetime.now(UTC)
    answer = await otp.ask(ttl_seconds=120)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert set(body) == {"id", "expires_at"}
    assert body["id"].startswith("otp_")
    left = datetime.fromisoformat(body["expires_at"]) - before
    assert timedelta(seconds=119) < left < timedelta(seconds=125)


@pytest.mark.parametrize("length", [4, 5, 6, 7, 8])
async def test_the_right_code_verifies_once(otp: OtpClient, length: int) -> None:
    id = await otp.made(length=length)
    code = await otp.code(id)
    assert len(code) == length
    first = await otp.guess(id, code)
    assert (first.status_code, first.json()) == (200, {"verified": True, "attempts_left": 4})
    again = await otp.guess(id, code)
    assert (again.status_code, again.json()["type"]) == (410, "/problems/gone")


async def test_five_wrong_guesses_spend_it_and_the_right_one_comes_too_late(
    otp: OtpClient,
) -> None:
    id = await otp.made()
    for left in (4, 3, 2, 1, 0):
        answer = await otp.guess(id, await otp.wrong(id, left + 1))
        assert (answer.status_code, answer.json()) == (
            200, {"verified": False, "attempts_left": left},
        )  # fmt: skip
    late = await otp.guess(id, await otp.code(id))
    assert (late.status_code, late.json()["type"]) == (429, "/problems/rate-limited")
    assert 1 <= int(late.headers["retry-after"]) <= 300
    assert (await otp.row(id)).attempts == 5
    assert (await otp.post(f"/v1/otp/{id}/resend")).status_code == 429


async def test_the_last_attempt_may_be_the_right_one(otp: OtpClient) -> None:
    id = await otp.made()
    for number in range(4):
        await otp.guess(id, await otp.wrong(id, number + 1))
    assert (await otp.guess(id, await otp.code(id))).json() == {
        "verified": True, "attempts_left": 0,
    }  # fmt: skip


async def test_an_expired_code_is_gone_even_when_it_is_right(otp: OtpClient) -> None:
    id = await otp.made(ttl_seconds=1)
    code = await otp.code(id)
    await otp.change("UPDATE otps SET expires_at = clock_timestamp()")
    for answer in (await otp.guess(id, code), await otp.post(f"/v1/otp/{id}/resend")):
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/gone")
    assert (await otp.row(id)).attempts == 0


@pytest.mark.parametrize("guess", ["", "1" * 65, 123456, None, "12\n3456", "1\x002345"])
async def test_what_is_no_guess_at_all_spends_nothing(otp: OtpClient, guess: Any) -> None:
    id = await otp.made()
    answer = await otp.post(f"/v1/otp/{id}/verify", json={"code": guess})
    assert answer.status_code == 422
    assert problem_fields(answer) == ["code"]
    assert (await otp.row(id)).attempts == 0


@pytest.mark.parametrize("guess", ["abcdef", "12", "123456789", "१२३४५६", " 123456"])
async def test_a_guess_of_another_form_is_a_wrong_one(otp: OtpClient, guess: str) -> None:
    id = await otp.made()
    answer = await otp.guess(id, guess)
    assert answer.json() == {"verified": False, "attempts_left": 4}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"length": 3}, "length"),
    ({"length": 9}, "length"),
    ({"ttl_seconds": 0}, "ttl_seconds"),
    ({"ttl_seconds": 901}, "ttl_seconds"),
    ({"channels": []}, "channels"),
    ({"channels": ["sms", "sms"]}, "channels"),
    ({"channels": ["inapp"]}, "channels[0]"),
    ({"channels": ["smoke"]}, "channels[0]"),
    ({"channels": ["email"]}, "recipient"),
    ({"recipient": {"phone": "0100"}}, "recipient.phone"),
    ({"recipient": None}, "recipient"),
    ({"template": "nowhere"}, "template"),
    ({"data": {"code": "123456"}}, "data.code"),
    ({"data": {"ttl_minutes": 9}}, "data.ttl_minutes"),
    ({"data": {"domain": "no domain #1"}}, "data.domain"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
async def test_each_mistake_is_named_and_nothing_is_stored(
    otp: OtpClient, change: dict[str, Any], field: str
) -> None:
    answer = await otp.ask(**change)
    assert answer.status_code == 422, answer.text
    assert problem_fields(answer) == [field]
    assert [await otp.count(one) for one in ("otps", "otp_uses", "notifications")] == [0, 0, 0]


async def test_unknown_and_others_codes_are_not_found(otp: OtpClient) -> None:
    id = await otp.made()
    other = await otp.with_key("otp:write", module="shop")
    ids = ("otp_00000000000000000000000000", "otp_x", "ntf_" + id[4:], "x", "otp_" + "z" * 26)
    for client, one in ((other, id), *((otp, one) for one in ids)):
        for action, body in (("verify", {"code": await otp.code(id)}), ("resend", {})):
            answer = await client.post(f"/v1/otp/{one}/{action}", json=body)
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found"), one
    assert (await otp.row(id)).attempts == 0


async def test_a_key_needs_the_scope_of_codes(otp: OtpClient) -> None:
    id = await otp.made()
    weak = await otp.with_key("notifications:write", "otp:read")
    for path, body in (
        ("/v1/otp", {"recipient": {"phone": PHONE}}),
        (f"/v1/otp/{id}/verify", {"code": await otp.code(id)}),
        (f"/v1/otp/{id}/resend", {}),
    ):
        assert (await weak.post(path, json=body)).status_code == 403
        async with a_client(otp.app, None) as nobody:
            assert (await nobody.post(path, json=body)).status_code == 401
    assert (await otp.with_key("otp:write")).headers["authorization"]


async def test_a_hundred_wrong_guesses_at_once_spend_exactly_five(otp: OtpClient) -> None:
    id = await otp.made()
    wrong = [await otp.wrong(id, number + 1) for number in range(100)]
    answers = await asyncio.gather(*(otp.guess(id, one) for one in wrong))
    assert Counter(one.status_code for one in answers) == {200: 5, 429: 95}
    told = [one.json()["attempts_left"] for one in answers if one.status_code == 200]
    assert sorted(told) == [0, 1, 2, 3, 4]
    assert (await otp.row(id)).attempts == 5


async def test_a_hundred_right_guesses_at_once_verify_exactly_once(otp: OtpClient) -> None:
    id = await otp.made()
    code = await otp.code(id)
    answers = await asyncio.gather(*(otp.guess(id, code) for _ in range(100)))
    good = [one for one in answers if one.status_code == 200]
    assert [one.json()["verified"] for one in good] == [True]
    assert {one.status_code for one in answers} <= {200, 410, 429}


async def test_no_code_is_ever_verified_twice_among_wrong_and_right_ones(otp: OtpClient) -> None:
    id = await otp.made()
    code, wrong = await otp.code(id), await otp.wrong(id)
    answers = await asyncio.gather(
        *(otp.guess(id, code if number % 2 else wrong) for number in range(60))
    )
    verified = [one for one in answers if one.status_code == 200 and one.json()["verified"]]
    assert len(verified) <= 1
    row = await otp.row(id)
    assert row.attempts <= 5
    assert (row.verified_at is not None) == (len(verified) == 1)


@pytest.mark.timeout(600)
async def test_ten_thousand_guesses_verify_nothing(otp: OtpClient) -> None:
    id = await otp.made(length=4)
    code, actor = await otp.code(id), await operator(otp.app)
    told: Counter[str] = Counter()

    async def guess(one: str) -> None:
        try:
            found = await use.verify(otp.app, actor, id, OtpVerifyRequest(code=one))
            told["verified" if found["verified"] else "wrong"] += 1
        except RateLimited:
            told["refused"] += 1

    guesses = [one for one in (f"{number:04}" for number in range(10_000)) if one != code]
    for first in range(0, len(guesses), 50):
        await asyncio.gather(*(guess(one) for one in guesses[first : first + 50]))
    assert told == {"wrong": 5, "refused": len(guesses) - 5}
    assert (await otp.guess(id, code)).status_code == 429
    assert (await otp.row(id)).verified_at is None


async def test_the_same_key_makes_one_code(otp: OtpClient) -> None:
    body = {"recipient": {"phone": PHONE}, "channels": ["sms"]}
    answers = [
        await otp.post("/v1/otp", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replay"] == "true"
    assert await otp.count("otps") == await otp.count("notifications") == 1


async def test_a_rotated_key_still_verifies_and_makes_new_codes(otp: OtpClient) -> None:
    old = await otp.made()
    code = await otp.code(old)
    otp.app.codes = CodeRing(["a new key", "0" * 64])
    new = await otp.made()
    assert (await otp.row(new)).key_id != (await otp.row(old)).key_id
    assert (await otp.guess(old, code)).json()["verified"] is True
    assert (await otp.guess(new, await otp.code(new))).json()["verified"] is True
    third = await otp.made()
    otp.app.codes = CodeRing(["quite another"])
    assert (await otp.guess(third, "123456")).status_code == 410
    with pytest.raises(KeyGone):
        await otp.code(third)


async def test_generic_calls_cannot_change_or_repeat_what_carries_a_code(otp: OtpClient) -> None:
    id = await otp.made()
    [row] = await otp.notifications(id)
    path = f"/v1/notifications/{row.workflow_id}"
    for answer in (
        await otp.patch(path, json={"expires_at": "2040-01-01T00:00:00Z"}),
        await otp.patch(path, json={"data": {"code": "1"}}),
        await otp.post(f"{path}/resend"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert id in (await otp.post(f"{path}/resend")).json()["detail"]
    assert (await otp.get(path)).json()["otp"] == id
    assert (await otp.post(f"{path}/cancel")).json()["state"] == "cancelled"
