"""Telegram: values never become markup, and texts are read as Telegram reads them."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import markdown, telegram_html
from channels.problems import INVALID, TOO_LARGE, Severity
from channels.rendering import render
from channels.telegram import problems, transform
from domain.vocabulary import Channel

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
MARKS = st.sampled_from(r"_*[]()~`>#+-=|{}.!\ ab" + "\n")
TEXT = st.text(MARKS | CHARACTERS, max_size=200)


def unescape(text: str) -> str:
    """Return what was escaped: a backslash before a character stands for it."""
    return re.sub(r"\\([\x01-\x7e])", r"\1", text)


def said(source: str, mode: str = "MarkdownV2", **data: Any) -> str:
    return str(render(Channel.TELEGRAM, {"text": source, "parse_mode": mode}, data)["text"])


def errors(text: str, mode: str | None = None, **content: Any) -> list[tuple[str, str]]:
    found = problems({"text": text, "parse_mode": mode, **content})
    assert all(one.severity is Severity.ERROR for one in found)
    return [(one.field.removeprefix("content.telegram."), one.reason) for one in found]


@given(TEXT)
def test_escaping_is_undone_by_unescaping(text: str) -> None:
    assert unescape(markdown.escape(text)) == text


@given(TEXT)
def test_a_reader_sees_what_was_escaped(text: str) -> None:
    assert markdown.read(markdown.escape(text)) == text
    assert markdown.read(f"*{markdown.escape(text)}*") == text
    assert markdown.read(f"`{markdown.escape(text)}`") == text


@given(TEXT)
def test_a_value_is_never_markup(text: str) -> None:
    assert markdown.read(said("*{{ x }}* ~{{ x }}~", x=text)) == f"{text} {text}"


@given(TEXT)
def test_html_values_are_never_markup(text: str) -> None:
    assert telegram_html.read(said("<b>{{ x }}</b>", "HTML", x=text)) == text


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("*{{ x }}*", r"*a\.b\_c*"),
        ("{{ 'a.b' }} {{ 1.5 }}", r"a\.b 1\.5"),
        ("{% macro b(v) %}*{{ v }}*{% endmacro %}{{ b(x) }}", r"*a\.b\_c*"),
        ("{% macro b(v) %}*{{ v }}*{% endmacro %}{{ x ~ b(x) }}", r"a\.b\_c*a\.b\_c*"),
        ("{% set q %}_{{ x }}_{% endset %}{{ q }}", r"_a\.b\_c_"),
        ("{% filter upper %}*{{ x }}*{% endfilter %}", r"*A\.B\_C*"),
        ("{{ [x, '!'] | join(', ') }}", r"a\.b\_c, \!"),
        ("{{ ['*a*' | safe, x] | join }}", r"*a*a\.b\_c"),
        ("{{ x | replace('.', '-') }}", r"a\-b\_c"),
        ("{{ x | e }}{{ x | escape | upper }}", r"a\.b\_cA\.B\_C"),
        ("{{ '*%s*' | safe | format(x) }}", r"*a\.b\_c*"),
        ("{{ '*x*' | safe }}", "*x*"),
        ("{{ {'a': x} | tojson }}", r'\{"a": "a\.b\_c"\}'),
        ("{{ 1234.5 | number }}", r"1,234\.5"),
        ("{% if x == 'a.b_c' %}same{% endif %}", "same"),
        ("{{ none }}|", "|"),
    ],
)
def test_values_are_escaped_on_every_way(source: str, rendered: str) -> None:
    assert said(source, x="a.b_c", none=None) == rendered


def test_without_a_mode_nothing_is_escaped() -> None:
    assert render(Channel.TELEGRAM, {"text": "{{ x }}"}, {"x": "a.b"})["text"] == "a.b"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (r"*bold \*text*", "bold *text"),
        (r"_italic \*text_", "italic *text"),
        ("__underline__", "underline"),
        ("||spoiler||", "spoiler"),
        ("*bold _italic ~gone ||all||~ __under___ bold*", "bold italic gone all under bold"),
        ("[link](http://www.example.com/a_b)", "link"),
        (r"[link](http://www.example.com/a\)b)", "link"),
        ("![👍](tg://emoji?id=5368324170671202286)", "👍"),
        ("`a.b-c*`", "a.b-c*"),
        ("```\ncode.\n```", "code.\n"),
        ("```python\ncode.\n```", "code.\n"),
        (">one\n>two\nthree", "one\ntwo\nthree"),
        ("**>one\n>two||\nthree", "one\ntwo\nthree"),
        ("a\\", "a\\"),
    ],
)
def test_markdown_is_read_as_documented(text: str, seen: str) -> None:
    assert markdown.read(text) == seen


@pytest.mark.parametrize(
    "text",
    ["a.b", "a-b", "1 > 2", "hi!", "a|b", "(a", "a]", "*a", "_a", "__a_", "~a", "||a", "`a",
     "```a``", "[a", "[a](b", "```a`b```", "*a _b* c_"],
)  # fmt: skip
def test_markdown_that_telegram_refuses(text: str) -> None:
    with pytest.raises(markdown.BadMarkdown):
        markdown.read(text)
    assert errors(text, "MarkdownV2") == [("text", INVALID)]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<b>a</b> &lt; &amp; &#39;", "a < & '"),
        ('<a href="https://example.com/?a=1&amp;b=2">x</a>', "x"),
        ('<pre><code class="language-python">x</code></pre>', "x"),
        ("a & b", "a & b"),
    ],
)
def test_html_is_read_as_documented(text: str, seen: str) -> None:
    assert telegram_html.read(text) == seen


@pytest.mark.parametrize(
    "text",
    ["<p>a</p>", "<b>a", "a</b>", "<b><i>a</b></i>", "1 < 2", "<!-- a -->", "<!DOCTYPE x>", "<?a?>",
     "<![foo a", "<script>a</script>", "<br>"],
)  # fmt: skip
def test_html_that_telegram_refuses(text: str) -> None:
    assert errors(text, "HTML") == [("text", INVALID)]


@pytest.mark.parametrize(
    ("fits", "mode"),
    [
        ("x" * 4096, None),
        (f"<b>{'x' * 4096}</b>", "HTML"),
        ("&amp;" * 3000, "HTML"),
        (f"*{'x' * 4096}*", "MarkdownV2"),
        (r"\." * 4096, "MarkdownV2"),
    ],
)
def test_marks_of_formatting_do_not_count(fits: str, mode: str | None) -> None:
    assert errors(fits, mode) == []


@pytest.mark.parametrize(
    ("text", "mode"),
    [("x" * 4097, None), ("&amp;" * 4097, "HTML"), (r"\." * 4097, "MarkdownV2")],
)
def test_a_long_text_is_too_large(text: str, mode: str | None) -> None:
    assert errors(text, mode) == [("text", TOO_LARGE)]


@pytest.mark.parametrize(("text", "mode"), [(" ", None), ("<b></b>", "HTML"), ("**", "MarkdownV2")])
def test_an_empty_text_is_refused(text: str, mode: str | None) -> None:
    assert errors(text, mode) == [("text", INVALID)]


def test_buttons_are_checked_one_by_one() -> None:
    good = {"text": "Pay", "url": "https://example.com/pay"}
    deep = {"text": "Chat", "url": "tg://user?id=1"}
    bad = {"text": " ", "url": "example.com"}
    assert errors("Hi", buttons=[[good, deep]]) == []
    assert errors("Hi", buttons=[[good], [deep, bad]]) == [
        ("buttons[1][1].text", INVALID),
        ("buttons[1][1].url", INVALID),
    ]


def test_only_what_is_there_is_handed_over() -> None:
    content: dict[str, Any] = {"text": "Hi", "parse_mode": None, "buttons": []}
    assert transform(content) == {"text": "Hi"}
    rows = [[{"text": "a", "url": "https://example.com"}]]
    whole = {"text": "Hi", "parse_mode": "HTML", "buttons": rows}
    assert transform(whole) == whole
