"""What rules find in words, and what they add to them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules import Rule, RuleKind, binding, priority_of, too_many
from domain.rules_content import violations, with_footers
from domain.vocabulary import CategoryClass, Channel, Priority


def rule(kind: RuleKind, category: str | None = None, /, **settings: Any) -> Rule:
    return Rule(f"the-{kind.value}", kind, category, settings)


def found(one: Rule, words: dict[str, Any], channel: Channel = Channel.EMAIL) -> list[str]:
    broken = violations([one], channel, words)
    assert all(each.rule == one.name and one.name in each.told for each in broken)
    return [each.field for each in broken]


BANNED = rule(RuleKind.BANNED_WORDS, words=["risk free", "Guaranteed", "ß"])


@pytest.mark.parametrize(
    "text",
    [
        "GUARANTEED!",
        "it is Risk\n  free.",
        "guaranteed",
        "ＧＵＡＲＡＮＴＥＥＤ",
        "(risk free)",
        "SS",
    ],
)
def test_a_banned_word_is_found_however_it_is_written(text: str) -> None:
    assert found(BANNED, {"text": text}) == ["content.email.text"]


@pytest.mark.parametrize("text", ["unguaranteed", "risk freely", "", "riskfree"])
def test_other_words_are_left_alone(text: str) -> None:
    assert found(BANNED, {"text": text}) == []


def test_tags_and_entities_hide_nothing() -> None:
    for page in ("<p>guar<b>anteed</b></p>", "<p>ris&#107; free</p>"):
        assert found(BANNED, {"html": page}) == ["content.email.html"]
    assert found(BANNED, {"html": '<p class="guaranteed">Hello</p>'}) == []


def test_every_field_that_is_read_is_looked_at() -> None:
    words = dict.fromkeys(("subject", "text", "title", "body", "url"), "guaranteed")
    assert [one.rpartition(".")[2] for one in found(BANNED, words, Channel.PUSH)] == [
        "subject", "text", "title", "body",
    ]  # fmt: skip


FOOTER = rule(RuleKind.FOOTER, text="Example & Co, 1 High Street", action="append",
              channels=["email", "sms"])  # fmt: skip
texts = st.text(st.characters(exclude_characters="<>&"), max_size=60)


@given(texts, texts)
def test_an_appended_footer_is_there_once(text: str, page: str) -> None:
    words = {"email": {"subject": "Hi", "text": text, "html": f"<body><p>{page}</p></body>"},
             "sms": {"text": text}, "push": {"title": text}}  # fmt: skip
    once = with_footers([FOOTER], words)
    assert with_footers([FOOTER], once) == once
    assert once["push"] == words["push"]
    for channel in (Channel.EMAIL, Channel.SMS):
        assert found(FOOTER, once[channel], channel) == []
    assert once["sms"]["text"].startswith(text)
    assert once["email"]["html"].endswith("</p></body>")


def test_a_footer_that_is_demanded_is_missed() -> None:
    demanded = rule(RuleKind.FOOTER, text="Example Ltd", action="refuse", channels=["email"])
    words = {"email": {"text": "Hello", "html": "<p>Example&nbsp;Ltd</p>"}}
    assert with_footers([demanded], words) == words
    assert found(demanded, words["email"]) == ["content.email.text"]
    assert found(demanded, {"text": "Hello"}, Channel.SMS) == []


def test_a_footer_is_not_put_into_mjml() -> None:
    page = "<mjml><mj-body></mj-body></mjml>"
    words = with_footers([FOOTER], {"email": {"html": page}})
    assert words["email"]["html"] == page


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        (None, []),
        ("Shop <news@Example.com>", []),
        ("anyone@shop.example.com", []),
        ("news@other.example.com", ["content.email.from"]),
        ("Example.com <x@evil.example.net>", ["content.email.from"]),
        ("nobody", ["content.email.from"]),
    ],
)
def test_a_mail_comes_from_known_senders(sender: str | None, fields: list[str]) -> None:
    known = rule(RuleKind.SENDER, allowed=["news@example.com", "shop.example.com"])
    assert found(known, {"from": sender, "text": "Hi"}) == fields
    assert found(known, {"from": sender}, Channel.SMS) == []


def test_attachments_are_of_known_types_and_sizes() -> None:
    files = [
        {"filename": "a.pdf", "content_type": "application/pdf", "base64": "AAAA"},
        {"filename": "b.png", "content_type": "IMAGE/png", "base64": "AAA="},
    ]
    pictures = rule(RuleKind.ATTACHMENTS, types=["image/*"])
    assert found(pictures, {"attachments": files}) == ["content.email.attachments[0].content_type"]
    small = rule(RuleKind.ATTACHMENTS, types=["*/*"], most_bytes=4)
    assert found(small, {"attachments": files}) == ["content.email.attachments"]
    assert (
        found(rule(RuleKind.ATTACHMENTS, types=["*/*"], most_bytes=5), {"attachments": files}) == []
    )
    none = rule(RuleKind.ATTACHMENTS, types=[])
    assert found(none, {"attachments": files}) == ["content.email.attachments"]
    assert found(none, {"attachments": []}) == []


def test_a_rule_binds_its_category_and_codes_only_by_name() -> None:
    every = rule(RuleKind.BANNED_WORDS, words=["x"])
    codes = rule(RuleKind.BANNED_WORDS, "otp", words=["x"])
    news = rule(RuleKind.BANNED_WORDS, "news", words=["x"])
    rules = [every, codes, news]
    assert binding(rules, "news", CategoryClass.MARKETING) == [every, news]
    assert binding(rules, "otp", CategoryClass.OTP) == [codes]


def test_the_nearest_priority_and_the_smallest_audience_count() -> None:
    every = rule(RuleKind.PRIORITY, priority="low")
    near = rule(RuleKind.PRIORITY, "payments", priority="high")
    assert priority_of([every, near]) is Priority.HIGH
    assert priority_of([every]) is Priority.LOW
    assert priority_of([]) is None
    most = rule(RuleKind.AUDIENCE, most=100)
    assert too_many([every, most], 101) is most
    assert too_many([every, most], 100) is None
