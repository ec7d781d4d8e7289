"""Several messages as one: layouts, the list where there is none, and what fits."""

from typing import Any

import pytest

from channels.digest import Item, compose
from channels.rendering import check, render, variables
from channels.sms import MOST_CHARACTERS
from channels.transforms import check_sendable, transform
from domain.vocabulary import Channel

LAYOUT = {
    "subject": "{{ count }} orders",
    "html": "<ul>{% for one in items %}<li>{{ one.data.order }}</li>{% endfor %}</ul>",
}


def mails(*subjects: str, **given: Any) -> list[Item]:
    return [
        Item({"subject": one, "text": f"About {one}", "from": "a@example.com"}, {"order": one},
             **given)
        for one in subjects
    ]  # fmt: skip


def test_without_a_layout_mails_are_listed_with_what_they_say() -> None:
    found = compose(Channel.EMAIL, mails("A & B", "<C>")).content
    assert found["subject"] == "2 messages: A & B, <C>"
    assert "A & B\n\nAbout A & B" in found["text"]
    assert "<h2>A &amp; B</h2>" in found["html"]
    assert "<C>" not in found["html"]
    assert found["from"] == "a@example.com"


def test_the_words_are_those_of_the_locale() -> None:
    texts = [Item({"text": "a"}, {}), Item({"text": "b\nc"}, {})]
    assert compose(Channel.SMS, texts, locale="es-MX").content["text"] == (
        "2 mensajes:\n- a\n- b c"
    )
    assert compose(Channel.SMS, texts, locale="tlh").content["text"].startswith("2 messages:")


def test_a_layout_sees_items_and_their_number_and_escapes_them() -> None:
    found = compose(Channel.EMAIL, mails("A", "<B>", layout=LAYOUT, origin=1))
    assert (found.content["subject"], found.fault) == ("2 orders", "")
    assert "<li>&lt;B&gt;</li>" in found.content["html"]


@pytest.mark.parametrize(
    "layout",
    [
        {"subject": "{{ nothing }}", "text": "x"},
        {"subject": "x", "text": "{{ ''.__class__ }}"},
        {"subject": "x", "text": "{% for a in range(99999) %}{% for b in range(99999) %}x"
                                 "{% endfor %}{% endfor %}"},
    ],
)  # fmt: skip
def test_a_layout_that_fails_gives_way_to_the_list(layout: dict[str, str]) -> None:
    found = compose(Channel.EMAIL, mails("A", "B", layout=layout))
    assert found.content["subject"] == "2 messages: A, B"
    assert found.fault


def test_a_layout_is_used_only_where_all_come_from_the_same_words() -> None:
    [first] = mails("A", layout=LAYOUT, origin=1)
    [second] = mails("B", layout=LAYOUT, origin=2)
    assert compose(Channel.EMAIL, [first, second]).content["subject"] == "2 messages: A, B"


@pytest.mark.parametrize("channel", [one for one in Channel if one is not Channel.EMAIL])
def test_a_hundred_long_ones_fit_on_every_channel(channel: Channel) -> None:
    said = {"title": "Ünusual ☂ " * 40, "body": "x" * 3_000}
    if channel in (Channel.SMS, Channel.TELEGRAM, Channel.WHATSAPP):
        said = {"text": "Ünusual ☂ " * 140}
    found = compose(channel, [Item(said, {})] * 100, locale="fr").content
    check_sendable(channel, found)
    told = transform(channel, found)
    words = told.get("text") or told["body"]
    assert len(words) <= MOST_CHARACTERS or channel is not Channel.SMS
    assert "de plus" in words


def test_a_mail_of_a_hundred_huge_ones_is_bounded() -> None:
    items = [Item({"subject": "A", "text": "x" * 900_000}, {})] * 100
    found = compose(Channel.EMAIL, items).content
    assert len(found["text"]) < 500_000
    assert "more" in found["text"]


def test_a_layout_is_no_part_of_a_message_alone_and_its_syntax_is_checked() -> None:
    words = {"subject": "Hi {{ name }}", "text": "x", "digest": {"subject": "{{ count }}",
             "text": "{% for one in items %}"}}  # fmt: skip
    assert render(Channel.EMAIL, words, {"name": "Sam"}) == {"subject": "Hi Sam", "text": "x"}
    assert variables({"email": words}) == {"name"}
    [fault] = check({"email": words})
    assert fault.field == "content.email.digest.text"
