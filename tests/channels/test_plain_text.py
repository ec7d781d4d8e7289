"""Html as plain text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import plain_text
from channels.plain_text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain words", "plain words"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div>\n  <div>Two</div>", "One\nTwo"),
        ("One<br>Two<br/>Three<BR>\n<br>Four", "One\nTwo\nThree\n\nFour"),
        ("<p>so  much\n\t space </p>", "so much space"),
        ("a<b>b</b>c <i> d</i>", "abc d"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("&lt;b&gt; &amp; caf&eacute; &#8364;&nbsp;5", "<b> & café € 5"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol>", "1. a\n\n- b\n\n2. c"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc"),
        ("x<hr>y", "x\n\n-----\n\ny"),
        ("<pre>  a\n    b</pre>", "a\n    b"),
        (
            '<a href="https://example.com/a?b=1&amp;c">here</a>.',
            "here <https://example.com/a?b=1&c>.",
        ),
        ("<a href=https://example.com/>https://example.com/</a>", "https://example.com/"),
        ("<a href='mailto:help@example.com'>help@example.com</a>", "help@example.com"),
        ("<a href='mailto:help@example.com'>us</a>", "us <help@example.com>"),
        ("<a href='tel:+14155550100'>call</a>", "call <+14155550100>"),
        ("<a href='#top'>up</a> <a href='javascript:x()'>go</a> <a name=x>y</a>", "up go y"),
        ("<a title='a href=https://x' href='https://y.example'>z</a>", "z <https://y.example>"),
        ("<img src=x alt='Our &quot;logo&quot;'><img src=y>", 'Our "logo"'),
        ("<head><title>T</title><style>p{}</style></head><body>B", "B"),
        ("<script>if (a < b) alert('<p>')</script>x", "x"),
        ("a<!-- <p>hidden</p> -->b<!DOCTYPE html>c<?xml ?>d", "abcd"),
        ("3 < 5 > 4, <3", "3 < 5 > 4, <3"),
        ('<p title="a > b">x</p>', "x"),
        ("x<a href='never closed", "x"),
        ("x<!-- never closed", "x"),
        ("x<style>never closed", "x"),
        ("</p></ul></a></pre>x", "x"),
    ],
)
def test_what_a_reader_sees(html: str, text: str) -> None:
    assert html_to_text(html) == text + "\n"


@given(st.text(st.sampled_from("abc <>/\"'=!-&;#\npi")) | st.text())
def test_any_text_has_a_plain_form(html: str) -> None:
    text = html_to_text(html)
    assert text.endswith("\n")
    assert text == text.strip() + "\n"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_words_come_back(words: str) -> None:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    shown = html_to_text(f"<p>{escaped}</p>")
    assert re.sub(r"\s+", "", shown) == re.sub(r"\s+", "", words)


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        '<a x=">" ',
        "<!--",
        "<",
        "<script>",
        '<a href="',
        "<a href=' '",
        "&#",
        "</a>",
        "<p>a ",
    ],
)
def test_hostile_html_takes_linear_time(piece: str) -> None:
    """Half a million characters: any worse than linear would run into the test's time limit."""
    html_to_text(piece * (500_000 // len(piece)))


PIECES = st.sampled_from([
    "<p>", "</p>", "<br>", "<ul><li>", "</li></ul>", "<ol><li>", "</ol>", "<pre>", "</pre>",
    "<b>", "</b>", "{}", "{}", " {} ", "&nbsp;{}", "word ", " two words", "<td>", "<hr>",
    '<a href="https://example.com/{}">', '<a href="{}">', "</a>", "https://example.com/",
    '<img alt="{}">', '<img src="{}" alt="A">', '<span style="display:none">{}</span>', "<!--{}-->",
])  # fmt: skip
VALUES = st.sampled_from([
    "Sam", "", " ", " x", "x ", "a  b", "caf\u00e9", "&amp;", "&#32;", "1", "mailto:a@example.com",
    "https://example.com/1", "example.com/1", "<i>y</i>", "\xa0", "&lt;b&gt;", "tel:+331",
])  # fmt: skip


@given(st.lists(PIECES, max_size=14), st.lists(st.lists(VALUES, min_size=14, max_size=14),
       min_size=2, max_size=4))  # fmt: skip
def test_a_page_reads_the_same_along_another(pieces: list[str], mails: list[list[str]]) -> None:
    """What is known of the pages before must not change how one reads."""
    pages = [
        "".join(piece.replace("{}", value) for piece, value in zip(pieces, values, strict=False))
        for values in mails
    ]
    plain_text._outlines.clear()
    along = [html_to_text(page) for page in pages]
    alone = []
    for page in pages:
        plain_text._outlines.clear()
        alone.append(html_to_text(page))
    assert along == alone


def test_a_campaign_is_read_along_its_first_mail() -> None:
    page = '<p>Dear {0},</p><p>See <a href="https://example.com/{0}">this</a> <img src="{0}"></p>'
    plain_text._outlines.clear()
    html_to_text(page.format("Sam"))
    [outline] = plain_text._outlines.values()
    assert html_to_text(page.format("Kim")) == "Dear Kim,\n\nSee this <https://example.com/Kim>\n"
    assert list(plain_text._outlines.values()) == [outline], "it was not read anew"
