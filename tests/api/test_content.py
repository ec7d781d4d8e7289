"""POST /v1/notifications refuses words that cannot be sent, and shows how the others will be."""

from typing import Any

import pytest

from tests.api.test_templates import a_template, publish
from tests.fixtures.api import Client, problem_fields

EVERYWHERE = {
    "email": "sam@example.com", "phone": "+14155550100", "telegram": "42", "push": ["token"],
}  # fmt: skip


async def ask(client: Client, content: dict[str, Any] | None, **given: Any) -> Any:
    body = {"recipient": EVERYWHERE, "content": content, **given}
    return await client.post("/v1/notifications", json=body)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"sms": {"text": "{{ long }}"}}, "content.sms.text"),
        ({"sms": {"text": "{{ nothing }}"}}, "content.sms.text"),
        ({"push": {"title": "a", "body": "{{ long }}", "data": {"a": "{{ long }}"}}},
         "content.push.data"),
        ({"push": {"title": "a", "url": "javascript:alert(1)"}}, "content.push.url"),
        ({"push": {"title": "a", "image": "{{ nothing }}x.png"}}, "content.push.image"),
        ({"webpush": {"title": "a", "body": "{{ long }}"}}, "content.webpush.body"),
        ({"whatsapp": {"text": "{{ long }}"}}, "content.whatsapp.text"),
        ({"telegram": {"text": "{{ long }}"}}, "content.telegram.text"),
        ({"telegram": {"text": "Hi.", "parse_mode": "MarkdownV2"}}, "content.telegram.text"),
        ({"telegram": {"text": "<p>Hi</p>", "parse_mode": "HTML"}}, "content.telegram.text"),
        ({"telegram": {"text": "Hi", "buttons": [[{"text": "a", "url": "b"}]]}},
         "content.telegram.buttons[0][0].url"),
        ({"email": {"subject": "a", "text": "b", "from": "{{ nothing }}x"}}, "content.email.from"),
        ({"email": {"subject": "a", "html": "<mjml><mj-body><b></mj-body></mjml>"}},
         "content.email.html"),
    ],
)  # fmt: skip
async def test_words_that_cannot_be_sent_are_refused(
    client: Client, content: dict[str, Any], field: str
) -> None:
    data = {"long": "x" * 4200, "nothing": ""}
    answer = await ask(client, content, data=data)
    assert answer.status_code == 422, answer.text
    assert problem_fields(answer) == [field]


async def test_words_of_a_template_are_refused_alike(client: Client) -> None:
    await a_template(client, "long", {"content": {"sms": {"text": "{{ long }}"}}})
    await publish(client, "long")
    answer = await ask(client, None, template="long", data={"long": "x" * 1601})
    assert answer.status_code == 422
    assert problem_fields(answer) == ["content.sms.text"]
    good = await ask(client, None, template="long", data={"long": "x" * 1530})
    assert good.status_code == 202


async def test_a_change_is_refused_alike(client: Client) -> None:
    made = await ask(client, {"sms": {"text": "{{ n }}"}}, data={"n": 1})
    path = f"/v1/notifications/{made.json()['id']}"
    answer = await client.patch(path, json={"data": {"n": "x" * 1601}})
    assert problem_fields(answer) == ["content.sms.text"]


async def test_one_of_a_batch_is_refused_alone(client: Client) -> None:
    asked = [
        {"recipient": EVERYWHERE, "content": {"sms": {"text": text}}, "data": {"l": "x" * 1601}}
        for text in ("Hi", "{{ l }}")
    ]
    answer = await client.post("/v1/notifications/batch", json={"notifications": asked})
    good, bad = answer.json()["items"]
    assert "id" in good
    assert [one["field"] for one in bad["error"]["errors"]] == ["notifications[1].content.sms.text"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"sms": {"text": "Hi", "fold": "perhaps"}}, "content.sms.fold"),
        ({"push": {"title": "Hi", "badge": -1}}, "content.push.badge"),
        ({"push": {"title": "Hi", "ttl": 28 * 86_400 + 1}}, "content.push.ttl"),
        ({"push": {"title": "Hi", "collapse_key": "x" * 65}}, "content.push.collapse_key"),
        ({"inapp": {"title": "Hi", "badge": 1}}, "content.inapp.badge"),
        ({"telegram": {"text": "Hi", "buttons": [[]]}}, "content.telegram.buttons[0]"),
        (
            {"telegram": {"text": "Hi", "buttons": [[{"text": "a"}]]}},
            "content.telegram.buttons[0][0].url",
        ),
        ({"whatsapp": {"template": "a", "language": "x"}}, "content.whatsapp.language"),
    ],
)
async def test_fields_of_the_contract_are_checked(
    client: Client, content: dict[str, Any], field: str
) -> None:
    assert problem_fields(await ask(client, content)) == [field]


@pytest.mark.parametrize("phone", ["0100", "4155550100", "(415) 555-0100"])
async def test_a_phone_number_names_its_country(client: Client, phone: str) -> None:
    answer = await ask(client, {"sms": {"text": "Hi"}}, recipient={"phone": phone})
    assert problem_fields(answer) == ["recipient.phone"]
    [error] = answer.json()["errors"]
    assert error["message"] == "is not a phone number with its country, such as +14155550100"


async def test_a_notification_shows_what_is_handed_over(client: Client) -> None:
    content = {
        "sms": {"text": "“{{ n }}”", "fold": True},
        "email": {"subject": "Hi", "html": "<style>p{color:red}</style><p>{{ n }}</p>"},
        "telegram": {"text": "*{{ n }}*", "parse_mode": "MarkdownV2",
                     "buttons": [{"text": "See", "url": "https://example.com/{{ n }}"}]},
        "push": {"title": "{{ n }}", "badge": 3, "ttl": 60},
    }  # fmt: skip
    made = await ask(client, content, data={"n": "1.5"})
    assert made.status_code == 202, made.text
    shown = (await client.get(f"/v1/notifications/{made.json()['id']}")).json()["content"]
    assert shown["sms"] == {"text": '"1.5"', "encoding": "gsm7", "segments": 1}
    assert shown["email"]["html"] == '<style></style><p style="color: red;">1.5</p>'
    assert shown["email"]["text"] == "1.5\n"
    assert shown["telegram"] == {
        "text": "*1\\.5*", "parse_mode": "MarkdownV2",
        "buttons": [[{"text": "See", "url": "https://example.com/1.5"}]],
    }  # fmt: skip
    assert shown["push"] == {"title": "1.5", "body": "", "badge": 3, "ttl": 60}


async def test_a_template_of_mjml_is_checked_when_it_is_made(client: Client) -> None:
    words = {"content": {"email": {"subject": "a", "html": "<mjml>\n<mj-text {{ x }}/></mjml>"}}}
    answer = await client.post("/v1/templates", json={"key": "m", **words})
    assert problem_fields(answer) == ["content.email.html"]
    assert "line 2" in answer.json()["errors"][0]["message"]


async def test_given_words_are_kept_as_they_were_given(client: Client) -> None:
    words = {"sms": {"text": "Hi"}, "push": {"title": "Hi", "body": "there"}}
    made = await a_template(client, "kept", {"content": words})
    assert made["content"] == words
