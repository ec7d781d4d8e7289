"""What recipients chose decides about what is sent to them, on the whole path."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import urlsplit

from fakes.smtp_faults import Fault
from tests.fixtures.dashboard import a_browser
from tests.fixtures.system import System


def quiet_now() -> dict[str, str]:
    """Quiet hours that began long ago and end long after the test, whatever time it is."""
    now = datetime.now(UTC)
    hours = timedelta(hours=6)
    return {"start": f"{now - hours:%H:%M}", "end": f"{now + hours:%H:%M}"}


async def a_profile(system: System, email: str = "ann@example.com", **chosen: Any) -> str:
    body = {"email": email, "phone": "+14155550100", "timezone": "Etc/UTC"}
    made = (await system.client.post("/v1/profiles", json=body)).json()
    answer = await system.client.put(f"/v1/profiles/{made['id']}/preferences", json=chosen)
    assert answer.status_code == 200, answer.text
    return str(made["id"])


def rules(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (rule["rule"], rule["effect"]) for one in found["deliveries"] for rule in one["decision"]
    ]


async def test_of_fifty_at_once_a_cap_of_three_lets_three_through(system: System) -> None:
    profile = await a_profile(system, frequency=[{"limit": 3, "per": "hour"}])
    made = await asyncio.gather(*(system.ask(recipient=profile) for _ in range(50)))
    ended = await asyncio.gather(*(system.finished(one["id"]) for one in made))
    assert Counter((one["state"], one["reason"]) for one in ended) == {
        ("sent", ""): 3, ("suppressed", "frequency_cap"): 47,
    }  # fmt: skip
    assert len(system.smtp.messages) == 3
    refused = next(one for one in ended if one["reason"])
    assert rules(refused) == [("frequency_cap", "suppresses")]
    found = await system.client.get(f"/v1/profiles/{profile}/explain?channel=email")
    assert (found.json()["would_send"], found.json()["reason"]) == (False, "frequency_cap")


async def test_a_batch_is_capped_within_one_chunk_and_falls_back_to_no_other_channel(
    system: System,
) -> None:
    profile = await a_profile(
        system, frequency=[{"category": "transactional", "limit": 2, "per": "day"}]
    )
    one = {
        "recipient": profile, "channels": ["email", "sms"],
        "content": {"email": {"subject": "Hi", "text": "Hello"}, "sms": {"text": "Hello"}},
    }  # fmt: skip
    answer = await system.client.post("/v1/notifications/batch", json={"notifications": [one] * 9})
    ended = [await system.finished(item["id"]) for item in answer.json()["items"]]
    assert Counter(one["state"] for one in ended) == {"sent": 2, "suppressed": 7}
    assert {len(one["deliveries"]) for one in ended} == {1}


async def test_only_what_may_have_been_sent_takes_a_place(system: System) -> None:
    one = {"limit": 1, "per": "week"}
    refused = await a_profile(system, "refused@example.com", frequency=[one])
    system.smtp.script(Fault("dot", "reply", text="554 5.7.1 no such words here"))
    first = await system.ask(recipient=refused)
    assert (await system.finished(first["id"]))["state"] == "failed"
    second = await system.ask(recipient=refused)
    assert (await system.finished(second["id"]))["state"] == "sent"

    doubtful = await a_profile(system, "doubtful@example.com", frequency=[one])
    system.smtp.script(Fault("dot", "drop"))
    first = await system.ask(recipient=doubtful, category="marketing")
    assert (await system.finished(first["id"]))["state"] == "unknown"
    second = await system.ask(recipient=doubtful)
    assert (await system.finished(second["id"]))["reason"] == "frequency_cap"


async def test_quiet_hours_hold_and_a_change_lets_go(system: System) -> None:
    quiet = quiet_now()
    profile = await a_profile(system, quiet_hours=quiet)
    made = await system.ask(recipient=profile)
    while (found := await system.get(made["id"]))["state"] != "held":
        await asyncio.sleep(0.05)
    assert found["reason"] == "quiet_hours"
    assert rules(found) == [("quiet_hours", "holds")]
    until = datetime.fromisoformat(found["deliveries"][0]["due_at"])
    assert f"{until:%H:%M:%S}" == f"{quiet['end']}:00"
    await system.client.put(f"/v1/profiles/{profile}/preferences", json={})
    assert (await system.finished(made["id"]))["state"] == "sent"


async def test_what_is_held_is_not_sent_to_somebody_who_left(system: System) -> None:
    profile = await a_profile(system, quiet_hours=quiet_now())
    named = await system.ask(recipient=profile)
    meant = await system.ask(recipient={"email": "Ann@example.com"})
    for made in (named, meant):
        while (found := await system.get(made["id"]))["state"] != "held":
            await asyncio.sleep(0.05)
        assert rules(found) == [("quiet_hours", "holds")]
    await system.client.post(f"/v1/profiles/{profile}/unsubscribe", json={"channel": "email"})
    for made in (named, meant):
        ended = await system.finished(made["id"])
        assert (ended["state"], ended["reason"]) == ("suppressed", "unsubscribed")


async def test_what_expires_before_quiet_hours_end_is_expired(system: System) -> None:
    profile = await a_profile(system, quiet_hours=quiet_now())
    soon = (datetime.now(UTC) + timedelta(seconds=50)).isoformat()
    made = await system.ask(recipient=profile, expires_at=soon)
    ended = await system.finished(made["id"])
    assert (ended["state"], ended["reason"]) == ("expired", "quiet_hours")
    assert rules(ended) == [("quiet_hours", "expires")]


async def test_a_channel_switched_off_gives_way_to_the_next(system: System) -> None:
    profile = await a_profile(system, categories={"transactional": {"email": False}})
    words = {"email": {"subject": "Hi", "text": "Hello"}, "sms": {"text": "Hello"}}
    ended = await system.finished((await system.ask(recipient=profile, content=words))["id"])
    assert [(one["channel"], one["state"], one["reason"]) for one in ended["deliveries"]] == [
        ("email", "suppressed", "preference"), ("sms", "sent", ""),
    ]  # fmt: skip


async def test_the_recipient_orders_the_channels(system: System) -> None:
    profile = await a_profile(system, channel_order=["sms"])
    words = {"email": {"subject": "Hi", "text": "Hello"}, "sms": {"text": "Hello"}}
    ended = await system.finished((await system.ask(recipient=profile, content=words))["id"])
    assert [one["channel"] for one in ended["deliveries"]] == ["sms"]


async def test_unsubscribing_bites_what_is_held(system: System) -> None:
    later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    profile = await a_profile(system)
    made = await system.ask(recipient=profile, send_at=later)
    answer = await system.client.post(f"/v1/profiles/{profile}/unsubscribe")
    assert answer.status_code == 200
    ended = await system.finished(made["id"])
    assert (ended["state"], ended["reason"]) == ("suppressed", "unsubscribed")


async def test_mandatory_ones_pass_everything(system: System) -> None:
    await system.client.post(
        "/v1/categories", json={"key": "security", "class": "transactional", "mandatory": True}
    )
    profile = await a_profile(
        system,
        quiet_hours=quiet_now(),
        frequency=[{"limit": 1, "per": "week"}],
        unsubscribed=["email", "sms"],
    )
    for _ in range(2):
        made = await system.ask(recipient=profile, category="security")
        ended = await system.finished(made["id"])
        assert (ended["state"], rules(ended)) == ("sent", [("mandatory", "exempts")])


async def test_words_are_given_links_of_their_recipient(system: System) -> None:
    profile = await a_profile(system)
    words = "{{ unsubscribe_url }} {{ preferences_url }}"
    content = {"email": {"subject": "News", "text": words, "html": f"<p>{words}</p>"}}
    asked = {"category": "marketing", "content": content}
    refused = await system.client.post(
        "/v1/notifications", json={**asked, "recipient": profile, "data": {"preferences_url": "x"}}
    )
    assert [one["field"] for one in refused.json()["errors"]] == ["data.preferences_url"]
    async with a_browser(system.app) as visitor:
        for recipient, opens in ((profile, "/p/"), ({"email": "bob@example.com"}, "/u/")):
            made = await system.ask(recipient=recipient, **asked)
            assert (await system.finished(made["id"]))["state"] == "sent"
            mail = message_from_bytes(system.smtp.messages[-1].content, policy=default)
            text, html = (part.get_content() for part in mail.iter_parts())
            leaving, choosing = (urlsplit(one).path for one in text.split())
            assert f"{leaving} " in html
            assert choosing.startswith(opens)
            assert (await visitor.get(choosing)).status_code == 200
            left = await visitor.post(leaving, data={"List-Unsubscribe": "One-Click"})
            assert left.status_code == 200
            said = (await system.get(made["id"]))["content"]["email"]["text"]
            assert leaving not in said
            assert choosing not in said
            made = await system.ask(recipient=recipient, **asked)
            assert (await system.finished(made["id"]))["state"] == "suppressed"


async def test_a_mail_that_cannot_be_refused_offers_no_leaving(system: System) -> None:
    await system.client.post(
        "/v1/categories", json={"key": "recall", "class": "bulk", "mandatory": True}
    )
    made = await system.ask(recipient={"email": "bob@example.com"}, category="recall")
    assert (await system.finished(made["id"]))["state"] == "sent"
    assert message_from_bytes(system.smtp.messages[-1].content)["List-Unsubscribe"] is None


async def test_a_marketing_mail_says_how_to_unsubscribe(system: System) -> None:
    profile = await a_profile(system)
    client = system.client
    for recipient in (profile, {"email": "bob@example.com"}):
        made = await system.ask(recipient=recipient, category="marketing")
        assert (await system.finished(made["id"]))["state"] == "sent"
        mail = message_from_bytes(system.smtp.messages[-1].content)
        link = str(mail["List-Unsubscribe"]).strip("<>")
        async with a_browser(system.app) as visitor:
            answer = await visitor.post(urlsplit(link).path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
        made = await system.ask(recipient=recipient, category="marketing")
        assert (await system.finished(made["id"]))["state"] == "suppressed"
        made = await system.ask(recipient=recipient)
        assert (await system.finished(made["id"]))["state"] == "sent"
        assert message_from_bytes(system.smtp.messages[-1].content)["List-Unsubscribe"] is None
    found = await client.get(f"/v1/profiles/{profile}/preferences")
    assert found.json()["categories"] == {"marketing": {"email": False}}
