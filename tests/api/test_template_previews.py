"""POST /v1/templates/{key}/preview: what recipients would get, and what is wrong with it."""

from tests.api.test_templates import PLAIN, a_template
from tests.fixtures.api import Client, problem_fields


async def test_a_preview_renders_every_channel(client: Client) -> None:
    await a_template(client)
    answer = await client.post(
        "/v1/templates/order/preview", json={"data": {"name": "<Sample>", "order": 7}}
    )
    assert answer.status_code == 200
    channels = answer.json()["channels"]
    assert channels["email"]["subject"] == "Order 7"
    assert channels["email"]["html"] == "<p>&lt;Sample&gt;</p>"
    assert channels["sms"] == {
        "text": "Order 7", "segments": 1, "encoding": "gsm7", "characters": 7, "units": 7,
    }  # fmt: skip
    assert answer.json()["problems"] == []


async def test_a_preview_of_a_locale_a_channel_and_a_version(client: Client) -> None:
    await a_template(client)
    await client.post("/v1/templates/order/versions", json=PLAIN)
    asked = {"version": 1, "data": {"order": 7}, "locale": "fr-CA", "channel": "sms"}
    answer = (await client.post("/v1/templates/order/preview", json=asked)).json()
    assert answer["version"] == 1
    assert list(answer["channels"]) == ["sms"]
    assert answer["channels"]["sms"]["text"] == "Commande 7"
    newest = await client.post("/v1/templates/order/preview", json={"data": {"name": "x"}})
    assert newest.json()["channels"]["sms"]["text"] == "Hello x"


async def test_a_preview_names_what_is_wrong(client: Client) -> None:
    await a_template(client)
    asked = {"data": {"order": "seven"}}
    answer = (await client.post("/v1/templates/order/preview", json=asked)).json()
    assert list(answer["channels"]) == ["sms"]
    found = [(one["severity"], one["channel"], one["field"]) for one in answer["problems"]]
    assert found == [("error", None, "data.order"), ("error", "email", "data.name")]


async def test_a_preview_warns(client: Client) -> None:
    words = {
        "content": {
            "email": {"subject": "x" * 60, "html": "<p>x</p>"},
            "sms": {"text": "я" * 300},
            "push": {"title": "x" * 60},
        }
    }
    await a_template(client, words=words)
    asked = {"locale": "de", "device": "android"}
    answer = (await client.post("/v1/templates/order/preview", json=asked)).json()
    assert {(one["severity"], one["field"]) for one in answer["problems"]} == {
        ("warning", "locale"),
        ("warning", "content.email.text"),
        ("warning", "content.email.subject"),
        ("warning", "content.sms.text"),
        ("warning", "content.push.title"),
    }
    assert answer["channels"]["sms"]["segments"] == 5


async def test_a_preview_shows_what_would_be_refused(client: Client) -> None:
    words = {
        "content": {
            "sms": {"text": "{{ long }}"},
            "telegram": {"text": "Hi.", "parse_mode": "MarkdownV2"},
            "whatsapp": {"template": "order_shipped"},
        }
    }
    await a_template(client, words=words)
    asked = {"data": {"long": "x" * 1601}, "locale": "pt-BR"}
    answer = (await client.post("/v1/templates/order/preview", json=asked)).json()
    assert answer["channels"]["sms"]["segments"] == 11
    assert answer["channels"]["whatsapp"]["language"] == "pt_BR"
    found = [(one["severity"], one["channel"], one["field"]) for one in answer["problems"]]
    assert found == [
        ("warning", None, "locale"),
        ("error", "sms", "content.sms.text"),
        ("warning", "whatsapp", "content.whatsapp.language"),
        ("error", "telegram", "content.telegram.text"),
    ]


async def test_a_preview_names_the_characters_that_cost(client: Client) -> None:
    for key, fold in (("plain", False), ("folded", True)):
        await a_template(client, key, {"content": {"sms": {"text": "it’s “new”", "fold": fold}}})
    answer = (await client.post("/v1/templates/plain/preview", json={})).json()
    assert answer["channels"]["sms"]["encoding"] == "ucs2"
    [problem] = answer["problems"]
    assert problem["message"].endswith("because of ’ “ ”")
    answer = (await client.post("/v1/templates/folded/preview", json={})).json()
    assert (answer["channels"]["sms"]["text"], answer["problems"]) == ('it\'s "new"', [])


async def test_a_preview_needs_words_for_the_channel(client: Client) -> None:
    await a_template(client)
    answer = await client.post("/v1/templates/order/preview", json={"channel": "push"})
    assert problem_fields(answer) == ["channel"]
    answer = await client.post("/v1/templates/order/preview", json={"version": 9})
    assert answer.status_code == 404
