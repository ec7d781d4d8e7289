"""Limits of codes: exact under races, each with the time at which to come back."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from domain.ids import new_id
from tests.fixtures.otp import PHONE, OtpClient

MAIL = {"recipient": {"email": "sam@example.com"}, "channels": ["email"]}


def refused(answer: httpx.Response, slug: str = "rate-limited") -> int:
    """Check that an answer is a refusal with a time, and return its seconds."""
    assert (answer.status_code, answer.json()["type"]) == (429, f"/problems/{slug}"), answer.text
    return int(answer.headers["retry-after"])


def number(line: int, range_: int = 0) -> dict[str, Any]:
    return {"recipient": {"phone": f"+1415{556 + range_}{line:04}"}}


async def age(otp: OtpClient, seconds: float) -> None:
    """Make everything that was counted so much older."""
    for table, column in (("otp_uses", "at"), ("otps", "created_at")):
        await otp.change(
            f"UPDATE {table} SET {column} = {column} - make_interval(secs => :seconds)",
            seconds=seconds,
        )


class TestAnAddress:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_address_per_hour": 3, "otp_address_failures_per_day": 7}

    async def test_gets_so_many_codes_in_an_hour(self, otp: OtpClient) -> None:
        for _ in range(3):
            await otp.made()
        assert 3_500 < refused(await otp.ask()) <= 3_600
        assert (await otp.ask(**number(1))).status_code == 202
        await age(otp, 3_000)
        assert 500 < refused(await otp.ask()) <= 600
        await age(otp, 700)
        assert (await otp.ask()).status_code == 202

    async def test_is_one_address_on_every_channel_and_however_it_is_written(
        self, otp: OtpClient
    ) -> None:
        await otp.made(recipient={"phone": "+1 415 555 0100"})
        await otp.made(recipient={"whatsapp": PHONE}, channels=["whatsapp"])
        await otp.made(channels=["whatsapp"])
        refused(await otp.ask())
        for address in ("Sam@Example.com", "sam@example.com", "SAM@EXAMPLE.COM"):
            await otp.made(**{**MAIL, "recipient": {"email": address}})
        refused(await otp.ask(**MAIL))

    async def test_is_counted_over_all_modules(self, otp: OtpClient) -> None:
        shop = await otp.with_key("otp:write", module="shop")
        for _ in range(3):
            await otp.made()
        refused(await shop.post("/v1/otp", json={"recipient": {"phone": PHONE}}))

    async def test_is_counted_exactly_when_many_ask_at_once(self, otp: OtpClient) -> None:
        answers = await asyncio.gather(*(otp.ask() for _ in range(30)))
        assert Counter(one.status_code for one in answers) == {202: 3, 429: 27}
        assert await otp.count("otps") == await otp.count("notifications") == 3

    async def test_is_counted_for_resends_too(self, otp: OtpClient) -> None:
        id = await otp.made()
        answers = await asyncio.gather(*(otp.post(f"/v1/otp/{id}/resend") for _ in range(10)))
        assert Counter(one.status_code for one in answers) == {202: 2, 429: 8}
        refused(await otp.ask())
        assert len(await otp.notifications(id)) == 3

    async def test_a_refused_request_counts_for_nothing(self, otp: OtpClient) -> None:
        for _ in range(3):
            await otp.made()
        before = await otp.count("otp_uses")
        refused(await otp.ask())
        assert await otp.count("otp_uses") == before
        assert await otp.count("otps") == 3

    async def test_stands_so_many_wrong_guesses_over_all_its_codes(self, otp: OtpClient) -> None:
        good = await otp.made()
        assert (await otp.guess(good, await otp.code(good))).json()["verified"]
        for wrong in (5, 2):
            id = await otp.made()
            for guess in range(wrong):
                await otp.guess(id, await otp.wrong(id, guess + 1))
        await age(otp, 3_700)
        assert 82_000 < refused(await otp.ask()) <= 86_400 - 3_700
        assert (await otp.ask(**number(1))).status_code == 202
        await age(otp, 86_400)
        assert (await otp.ask()).status_code == 202

    async def test_is_not_stored_where_it_is_counted(self, otp: OtpClient) -> None:
        await otp.made()
        await otp.made(**MAIL)
        async with otp.app.db.leader() as conn:
            for table in ("otps", "otp_uses"):
                rows = (await conn.exec_driver_sql(f"SELECT t::text FROM {table} t")).scalars()
                shown = " ".join(rows.all())
                assert shown
                assert not any(one in shown for one in ("4155550100", "sam@", "5550100", "US"))


class TestAModule:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_module_per_minute": 4}

    async def test_sends_so_many_codes_in_a_minute(self, otp: OtpClient) -> None:
        answers = await asyncio.gather(*(otp.ask(**number(line)) for line in range(12)))
        assert Counter(one.status_code for one in answers) == {202: 4, 429: 8}
        assert 1 <= refused(await otp.ask()) <= 60
        shop = await otp.with_key("otp:write", module="shop")
        other = await shop.post("/v1/otp", json={"recipient": {"phone": PHONE}})
        assert other.status_code == 202
        await age(otp, 61)
        assert (await otp.ask()).status_code == 202


class TestNumbers:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_range_per_hour": 3, "otp_country_per_hour": 5}

    async def test_of_one_range_get_so_many(self, otp: OtpClient) -> None:
        answers = await asyncio.gather(*(otp.ask(**number(line)) for line in range(8)))
        assert Counter(one.status_code for one in answers) == {202: 3, 429: 5}
        refused(await otp.ask(**number(99)))

    async def test_of_one_country_get_so_many(self, otp: OtpClient) -> None:
        answers = await asyncio.gather(*(otp.ask(**number(1, range_)) for range_ in range(9)))
        assert Counter(one.status_code for one in answers) == {202: 5, 429: 4}
        assert (await otp.ask(recipient={"phone": "+33612345678"})).status_code == 202

    async def test_do_not_count_where_they_are_not_used(self, otp: OtpClient) -> None:
        both = {"phone": PHONE, "email": "sam@example.com"}
        for _ in range(4):
            assert (await otp.ask(recipient=both, channels=["email"])).status_code == 202
        assert (await otp.ask()).status_code == 202


class TestCountries:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_countries": {"*": ["US", "FR"], "shop": ["DE"]}}

    async def test_only_the_modules_own_get_codes(self, otp: OtpClient) -> None:
        shop = await otp.with_key("otp:write", module="shop")
        us, de = {"recipient": {"phone": PHONE}}, {"recipient": {"phone": "+491701234567"}}
        assert (await otp.post("/v1/otp", json=us)).status_code == 202
        assert (await shop.post("/v1/otp", json=de)).status_code == 202
        for client, body in ((otp, de), (shop, us)):
            answer = await client.post("/v1/otp", json=body)
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["field"] == "recipient.phone"
        assert (await otp.ask(**MAIL)).status_code == 202


class TestTheGuard:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_guard_least": 4, "otp_guard_share": 0.5}

    async def test_stops_a_range_whose_codes_nobody_uses(self, otp: OtpClient) -> None:
        ids = [await otp.made(**number(line)) for line in range(4)]
        assert 3_500 < refused(await otp.ask(**number(9)), "otp-guard") <= 3_600
        assert refused(await otp.post(f"/v1/otp/{ids[0]}/resend"), "otp-guard")
        assert (await otp.ask(**number(9, 1))).status_code == 202
        for id in ids[:2]:
            assert (await otp.guess(id, await otp.code(id))).json()["verified"]
        assert (await otp.ask(**number(9))).status_code == 202
        refused(await otp.ask(**number(10)), "otp-guard")
        await age(otp, 3_601)
        assert (await otp.ask(**number(10))).status_code == 202

    async def test_is_for_phone_numbers_only(self, otp: OtpClient) -> None:
        for one in range(6):
            mail = {**MAIL, "recipient": {"email": f"{one}@example.com"}}
            assert (await otp.ask(**mail)).status_code == 202


class TestCost:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_cost_per_day": 1.0}

    @pytest.fixture(autouse=True)
    async def prices(self, otp: OtpClient) -> None:
        await otp.change("UPDATE accounts SET cost = 0.3 WHERE channel = 'sms'")

    async def test_of_codes_on_their_way_counts_before_they_are_sent(self, otp: OtpClient) -> None:
        answers = await asyncio.gather(*(otp.ask(**number(line)) for line in range(9)))
        assert Counter(one.status_code for one in answers) == {202: 3, 429: 6}
        assert 1 <= refused(await otp.ask()) <= 86_400
        assert (await otp.ask(**MAIL)).status_code == 202
        shop = await otp.with_key("otp:write", module="shop")
        other = await shop.post("/v1/otp", json={"recipient": {"phone": PHONE}})
        assert other.status_code == 202

    async def test_of_every_attempt_counts_and_is_final_after_expiry(self, otp: OtpClient) -> None:
        id = await otp.made()
        [sent] = await otp.notifications(id)
        await self._attempts(otp, sent, 2)
        assert (await otp.row(id)).cost is None
        await otp.made(**number(1))
        refused(await otp.ask(**number(2)))
        await otp.change("UPDATE otps SET expires_at = clock_timestamp()")
        assert (await otp.ask(**number(2))).status_code == 202, "what was never tried is free"
        assert (await otp.row(id)).cost == pytest.approx(0.6)
        refused(await otp.ask(**number(3)))
        await otp.change("UPDATE accounts SET cost = 0.1")
        assert (await otp.row(id)).cost == pytest.approx(0.6)
        assert (await otp.ask(**number(3))).status_code == 202

    async def test_of_yesterday_is_forgotten(self, otp: OtpClient) -> None:
        for line in range(3):
            await otp.made(**number(line))
        refused(await otp.ask())
        await age(otp, 86_400)
        assert (await otp.ask()).status_code == 202

    async def _attempts(self, otp: OtpClient, sent: Any, attempts: int) -> None:
        """Write a delivery of a notification that was tried so often, by the sms account."""
        where = {"id": new_id(), "sent": sent.id, "module": sent.module_id, "n": attempts}
        await otp.change(
            """
            INSERT INTO deliveries (id, notification_id, module_id, category, class, priority,
                channel, address, state, created_at, expires_at, attempts, account_id)
            SELECT :id, :sent, :module, 'otp', 'otp', 'high', 'sms', 'x', 'sent', now(), now(), :n,
                id FROM accounts WHERE channel = 'sms'
            """,
            **where,
        )
        for number_ in range(1, attempts):
            await otp.change(
                """
                INSERT INTO attempts (id, delivery_id, number, account_id, attempted_at)
                SELECT :attempt, :id, :number, id, now() FROM accounts WHERE channel = 'sms'
                """,
                attempt=new_id(), id=where["id"], number=number_,
            )  # fmt: skip


class TestResends:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_resends": 2}

    async def test_are_so_many_for_one_code(self, otp: OtpClient) -> None:
        id = await otp.made(ttl_seconds=200)
        answers = await asyncio.gather(*(otp.post(f"/v1/otp/{id}/resend") for _ in range(9)))
        assert Counter(one.status_code for one in answers) == {202: 2, 429: 7}
        assert refused(await otp.post(f"/v1/otp/{id}/resend")) <= 200


class TestWithoutLimits:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {
            "otp_address_per_hour": 0, "otp_address_failures_per_day": 0, "otp_range_per_hour": 0,
            "otp_country_per_hour": 0, "otp_module_per_minute": 0, "otp_guard_share": 0,
            "otp_guard_least": 1,
        }  # fmt: skip

    async def test_everything_is_allowed(self, otp: OtpClient) -> None:
        answers = await asyncio.gather(*(otp.ask() for _ in range(20)))
        assert {one.status_code for one in answers} == {202}
