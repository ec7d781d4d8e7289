"""A recipient whom a vendor refuses for good is not tried again; a dead device is forgotten."""

from sqlalchemy import text

from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour
from fakes.smtp_faults import Fault
from fakes.twilio import FakeTwilio
from fakes.webpush import FakeWebPush
from tests.contract.conftest import all_cases
from tests.fixtures.system import System


async def test_an_address_refused_at_the_door_is_suppressed(system: System) -> None:
    system.smtp.script(Fault("rcpt", "reply", text="550 5.1.1 nobody"))
    first = await system.ask()
    assert (await system.finished(first["id"]))["state"] == "failed"
    second = await system.ask()
    found = await system.finished(second["id"])
    assert (found["state"], found["reason"]) == ("suppressed", "invalid_address")
    assert system.smtp.messages == []
    other = await system.ask(recipient={"email": "somebody.else@example.com"})
    assert (await system.finished(other["id"]))["state"] == "sent"


async def test_a_message_refused_for_its_words_suppresses_nobody(system: System) -> None:
    system.smtp.script(Fault("dot", "reply", text="554 5.7.1 no such words here"))
    first = await system.ask()
    assert (await system.finished(first["id"]))["state"] == "failed"
    assert (await system.finished((await system.ask())["id"]))["state"] == "sent"


async def test_a_refused_number_is_suppressed_on_its_channel_only(system: System) -> None:
    fake = FakeTwilio()
    async with FakeHttp(fake) as server:
        await system.remove_sandbox("sms")
        settings = {
            "base_url": server.url("twilio"), "account_sid": fake.account_sid,
            "auth_token": fake.token, "from": "+14155550199",
        }  # fmt: skip
        await system.add_account("texts", "sms", "twilio", settings)
        fake.script(Behaviour.REJECT_RECIPIENT)
        phone = {"phone": "+14155550100"}
        states = []
        for content in (
            {"sms": {"text": "Hi"}},
            {"sms": {"text": "Hi"}},
            {"whatsapp": {"text": "Hi"}},
        ):
            made = await system.ask(recipient=phone, content=content)
            states.append((await system.finished(made["id"]))["state"])
        assert states == ["failed", "suppressed", "sent"]


async def test_a_subscription_that_is_gone_is_forgotten(system: System) -> None:
    case = next(one for one in all_cases() if one.vendor == "webpush")
    fake = FakeWebPush()
    async with case.server(fake) as server:
        await system.remove_sandbox("webpush")
        await system.add_account(
            "browsers", "webpush", "webpush", {**server.settings, **case.settings}
        )
        made = await system.client.post("/v1/profiles", json={"name": "Sample Recipient"})
        profile = made.json()["id"]
        endpoint = case.address.replace("{base_url}", server.url(fake.name))
        async with system.app.db.leader() as conn:
            await conn.execute(
                text("""
                    INSERT INTO profile_devices (id, profile_id, channel, address, subscription)
                    SELECT gen_random_uuid(), id, 'webpush', :endpoint, CAST(:keys AS jsonb)
                    FROM profiles
                """),
                {"endpoint": endpoint, "keys": {"endpoint": endpoint, **case.target}},
            )
        content = {"webpush": {"title": "Hi", "body": "there"}}
        first = await system.ask(recipient=profile, content=content)
        assert (await system.finished(first["id"]))["state"] == "sent"
        fake.script(Behaviour.REJECT_RECIPIENT)
        second = await system.ask(recipient=profile, content=content)
        found = await system.finished(second["id"])
        assert (found["state"], found["reason"]) == ("failed", "unregistered")
        third = await system.ask(recipient=profile, content=content)
        assert (await system.finished(third["id"]))["reason"] == "no_address"


async def test_an_address_that_is_dead_gives_way_to_the_next_of_the_same_person(
    system: System,
) -> None:
    beside = [{"channel": "email", "address": "second@example.com", "verified": True}]
    person = {"email": "first@example.com", "addresses": beside}
    profile = (await system.client.post("/v1/profiles", json=person)).json()["id"]
    system.smtp.script(Fault("rcpt", "reply", text="550 5.1.1 nobody"))
    made = await system.ask(recipient=profile)
    ended = await system.finished(made["id"])
    assert ended["state"] == "sent"
    assert [(one["channel"], one["state"]) for one in ended["deliveries"]] == [
        ("email", "failed"), ("email", "sent"),
    ]  # fmt: skip
    assert ended["deliveries"][1]["decision"][0]["rule"] == "address"
    assert len(system.smtp.messages) == 1
    again = await system.ask(recipient=profile)
    assert (await system.finished(again["id"]))["state"] == "sent"
    system.smtp.script(Fault("rcpt", "reply", text="550 5.1.1 nobody"))
    for state in ("failed", "suppressed"):
        last = await system.finished((await system.ask(recipient=profile))["id"])
        assert (last["state"], len(last["deliveries"])) == (state, 1)
