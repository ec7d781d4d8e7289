"""What goes out for a code: channels in order, words, and nothing of it without Temporal."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.ids import encode
from services.app import App
from tests.fixtures.api import problem_fields
from tests.fixtures.otp import PHONE, OtpClient, an_otp_client

BOTH = {"phone": PHONE, "email": "sam@example.com"}


async def channels(otp: OtpClient, id: str) -> list[list[str]]:
    return [list(row.channels) for row in await otp.notifications(id)]


async def template(otp: OtpClient, key: str = "otp", **content: Any) -> None:
    made = await otp.post("/v1/templates", json={"key": key, **content})
    assert made.status_code == 201, made.text
    published = await otp.post(f"/v1/templates/{key}/publish", json={"version": 1})
    assert published.status_code == 200, published.text


async def test_a_code_goes_out_as_a_notification_of_its_own_class(otp: OtpClient) -> None:
    made = (await otp.ask(ttl_seconds=90, data={"app": "Shop"})).json()
    [row] = await otp.notifications(made["id"])
    assert (row.category, row._mapping["class"], row.priority) == ("otp", "otp", "high")
    assert row.channel_policy == "first_success"
    told = datetime.fromisoformat(made["expires_at"])
    assert timedelta() <= row.expires_at - told < timedelta(milliseconds=1)
    assert row.expires_at == (await otp.row(made["id"])).expires_at
    assert row.start_deadline - row.created_at == timedelta(seconds=30)


async def test_the_row_shows_bullets_and_so_does_everything_made_of_it(otp: OtpClient) -> None:
    id = await otp.made(length=8, data={"app": "Shop", "domain": "shop.example.com"})
    [row] = await otp.notifications(id)
    assert row.data == {
        "app": "Shop", "domain": "shop.example.com", "ttl_minutes": 5, "code": "•" * 8,
    }  # fmt: skip
    shown = (await otp.get(f"/v1/notifications/{row.workflow_id}")).json()
    assert shown["content"]["sms"]["text"] == (
        "•••••••• is your Shop code. It is valid for 5 minutes.\n\n@shop.example.com #••••••••"
    )
    assert await otp.code(id) not in repr(shown)


async def test_given_addresses_choose_the_channels(otp: OtpClient) -> None:
    id = await otp.made(recipient=BOTH, channels=None)
    assert await channels(otp, id) == [["email", "sms", "whatsapp"]]
    id = await otp.made(recipient={"telegram": "42"}, channels=None)
    assert await channels(otp, id) == [["telegram"]]
    id = await otp.made(recipient={"push": ["token"]}, channels=["sms", "push"])
    assert await channels(otp, id) == [["push"]]


async def test_a_resend_begins_with_the_next_channel(otp: OtpClient) -> None:
    id = await otp.made(recipient=BOTH, channels=["sms", "email"])
    for _ in range(3):
        assert (await otp.post(f"/v1/otp/{id}/resend", json={})).status_code == 202
    assert await channels(otp, id) == [
        ["sms", "email"], ["email", "sms"], ["sms", "email"], ["email", "sms"],
    ]  # fmt: skip


async def test_a_resend_without_a_body_goes_the_same_way(otp: OtpClient) -> None:
    made = (await otp.ask()).json()
    again = await otp.post(f"/v1/otp/{made['id']}/resend")
    assert (again.status_code, again.json()) == (202, made)
    first, second = await otp.notifications(made["id"])
    assert first.expires_at == second.expires_at
    assert first.data == second.data
    assert (second.resend_of, second.otp_id) == (first.id, first.otp_id)
    assert second.state == "accepted"
    assert second.workflow_id == encode("ntf", second.id) != first.workflow_id
    assert (await otp.row(made["id"])).notification_ids == [first.id, second.id]


async def test_a_resend_takes_another_channel_if_asked(otp: OtpClient) -> None:
    id = await otp.made(recipient=BOTH, channels=["sms"])
    for channel in ("email", "whatsapp"):
        answer = await otp.post(f"/v1/otp/{id}/resend", json={"channel": channel})
        assert answer.status_code == 202, answer.text
    assert await channels(otp, id) == [["sms"], ["email"], ["whatsapp"]]
    for channel in ("telegram", "inapp", "smoke"):
        answer = await otp.post(f"/v1/otp/{id}/resend", json={"channel": channel})
        assert (answer.status_code, problem_fields(answer)) == (422, ["channel"])


async def test_a_used_code_is_not_sent_again(otp: OtpClient) -> None:
    id = await otp.made()
    await otp.guess(id, await otp.code(id))
    assert (await otp.post(f"/v1/otp/{id}/resend")).status_code == 410


async def test_a_code_whose_message_was_deleted_is_not_sent_again(otp: OtpClient) -> None:
    id = await otp.made()
    [row] = await otp.notifications(id)
    await otp.post(f"/v1/notifications/{row.workflow_id}/cancel")
    assert (await otp.delete(f"/v1/notifications/{row.workflow_id}")).status_code == 204
    assert (await otp.post(f"/v1/otp/{id}/resend")).status_code == 410
    assert (await otp.guess(id, await otp.code(id))).json()["verified"] is True


async def test_resends_are_one_with_the_same_key(otp: OtpClient) -> None:
    id = await otp.made()
    for _ in range(3):
        answer = await otp.post(f"/v1/otp/{id}/resend", headers={"Idempotency-Key": "again"})
        assert answer.status_code == 202
    assert len(await otp.notifications(id)) == 2


async def test_the_modules_own_template_is_used_once_it_is_published(otp: OtpClient) -> None:
    words = {"sms": {"text": "{{ code }} for {{ shop }} ({{ ttl_minutes }} min) {{ domain }}"}}
    await otp.post("/v1/templates", json={"key": "draft", "content": words})
    await template(otp, content=words, category="marketing")
    id = await otp.made(data={"shop": "Ada's"})
    [row] = await otp.notifications(id)
    assert (row.template_key, row.template_version, row.category) == ("otp", 1, "otp")
    shown = (await otp.get(f"/v1/notifications/{row.workflow_id}")).json()
    assert shown["content"]["sms"]["text"] == "•••••• for Ada's (5 min) "
    missing = await otp.ask()
    assert (missing.status_code, problem_fields(missing)) == (422, ["data.shop"])
    without = await otp.ask(channels=["email"], recipient=BOTH, data={"shop": "x"})
    assert (without.status_code, problem_fields(without)) == (422, ["channels[0]"])
    draft = await otp.ask(template="draft")
    assert (draft.status_code, problem_fields(draft)) == (422, ["template"])


async def test_a_template_is_chosen_by_name(otp: OtpClient) -> None:
    await template(
        otp, "sign-in", content={"sms": {"text": "Sign in: {{ code[:3] }}-{{ code[3:] }}"}}
    )
    id = await otp.made(template="sign-in@1")
    [row] = await otp.notifications(id)
    shown = (await otp.get(f"/v1/notifications/{row.workflow_id}")).json()
    assert shown["content"]["sms"]["text"] == "Sign in: •••-•••"


async def test_a_template_that_does_not_show_the_code_is_refused(otp: OtpClient) -> None:
    await template(otp, content={"sms": {"text": "Your code was sent {{ code | reverse }}"}})
    answer = await otp.ask()
    assert (answer.status_code, problem_fields(answer)) == (422, ["content.sms"])
    assert await otp.count("otps") == 0


async def test_a_schema_sees_digits(otp: OtpClient) -> None:
    schema = {
        "type": "object", "required": ["code"],
        "properties": {"code": {"type": "string", "pattern": "^[0-9]{6}$"}},
    }  # fmt: skip
    await template(otp, content={"sms": {"text": "{{ code }}"}}, schema=schema)
    assert (await otp.ask()).status_code == 202
    wrong = await otp.ask(length=4)
    assert (wrong.status_code, problem_fields(wrong)) == (422, ["data.code"])


async def test_a_template_with_an_inbox_keeps_the_code_out_of_it(otp: OtpClient) -> None:
    words = {"sms": {"text": "{{ code }}"}, "inapp": {"title": "{{ code }}"}}
    await template(otp, content=words)
    id = await otp.made(channels=None)
    assert await channels(otp, id) == [["sms"]]


class TestTheDomainOfTheSetting:
    @pytest.fixture
    def otp_settings(self) -> dict[str, Any]:
        return {"otp_domain": "Example.com"}

    async def test_is_what_codes_by_sms_are_bound_to(self, otp: OtpClient) -> None:
        id = await otp.made()
        [row] = await otp.notifications(id)
        shown = (await otp.get(f"/v1/notifications/{row.workflow_id}")).json()
        assert shown["content"]["sms"]["text"].splitlines()[-1] == "@example.com #••••••"


@pytest.mark.parametrize("name", [{"phone": PHONE}, {"external_id": "nobody"}])
async def test_without_temporal_nothing_is_left_and_the_key_is_free(
    app: App, name: dict[str, str]
) -> None:
    async with an_otp_client(app) as client:
        headers = {"Idempotency-Key": "one"}
        answer = await client.post("/v1/otp", json={"recipient": name}, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert answer.headers["retry-after"] == "2"
        for table in ("otps", "otp_uses", "idempotency"):
            assert await client.count(table) == 0, table
        assert await client.count("notifications WHERE state <> 'failed'") == 0


async def test_a_resend_without_temporal_is_as_if_it_had_not_been(otp: OtpClient, app: App) -> None:
    id = await otp.made()
    before = await otp.row(id), await otp.count("otp_uses")
    otp.app.temporal = app.temporal
    answer = await otp.post(f"/v1/otp/{id}/resend", headers={"Idempotency-Key": "one"})
    assert answer.status_code == 503
    assert (await otp.row(id), await otp.count("otp_uses")) == before
    assert await otp.count("idempotency") == 0
    assert [row.state for row in await otp.notifications(id)] == ["accepted", "failed"]
