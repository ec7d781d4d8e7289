"""Style sheets: inlined once for a template where that is the same, else for each mail."""

import threading

import pytest

from channels import style_sheets
from channels.html_templates import prepare
from channels.rendering import render
from domain.vocabulary import Channel

STYLE = "<style>p { color: red } .b { margin: 0 }</style>"
RED = 'style="color: red;"'


def html(source: str, data: dict[str, object] | None = None) -> str:
    return str(render(Channel.EMAIL, {"subject": "s", "html": source}, data or {})["html"])


def test_rules_stand_in_the_elements() -> None:
    assert html(f"{STYLE}<p>a</p>") == f"<style>.b {{ margin: 0; }}</style><p {RED}>a</p>"


def test_what_cannot_stand_in_an_element_is_kept() -> None:
    media = "@media (max-width:480px){p{color:blue}}"
    made = html(f"<style>{media} p{{color:red}} a:hover{{color:pink}}</style><p>a</p><a>b</a>")
    assert media in made
    assert "a:hover { color: pink; }" in made
    assert f"<p {RED}>" in made
    assert "<a>b</a>" in made


def test_a_sheet_for_some_media_is_not_inlined() -> None:
    limited = '<style media="only screen and (max-width:480px)">p{color:blue}</style>'
    made = html(f"{STYLE}{limited}<p>a</p>")
    assert "p{color:blue}" in made
    assert f"<p {RED}>a</p>" in made
    assert 'style="color: red;"' in html('<style media="all">p{color:red}</style><p>a</p>')


def test_nothing_is_fetched() -> None:
    link = '<link rel="stylesheet" href="http://127.0.0.1:9/a.css">'
    imported = '<style>@import url("http://127.0.0.1:9/b.css");</style>'
    made = html(f"{link}{imported}{STYLE}<p>a</p>")
    assert link in made
    assert "@import" in made


def test_comments_for_outlook_stay_what_they_are() -> None:
    comment = "<!--[if mso]><p>{{ x }}</p><![endif]-->"
    made = html(f"{STYLE}{comment}<p>é</p>", {"x": "<&>"})
    assert comment.replace("{{ x }}", "&lt;&amp;&gt;") in made


def test_html_without_styles_is_left_alone() -> None:
    odd = "<p>a<br/>&nbsp;<td>"
    assert html(odd) == odd
    assert prepare("<p>{{ x }}</p>").source == "<p>{{ x }}</p>"


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("<p>{{ x }}</p>", f"<p {RED}>&lt;1&gt;</p>"),
        ('<p title="{{ x | upper ~ \'\\"\' }}">a</p>', None),
        ("{% if yes %}<p>a</p>{% endif %}", f"<p {RED}>a</p>"),
        ("{% if no %}<p>a</p>{% endif %}b", "b"),
        (
            "<table>{% for n in list %}<tr><td><p>{{ n }}</p></td></tr>{% endfor %}</table>",
            f"<table><tbody><tr><td><p {RED}>1</p></td></tr><tr><td><p {RED}>2</p></td></tr>"
            "</tbody></table>",
        ),
        ("<a href='{{ x }}'>a</a>", '<a href="&lt;1&gt;">a</a>'),
        ("{% raw %}{{ x }}{% endraw %}<p>a</p>", f"{{{{ x }}}}<p {RED}>a</p>"),
    ],
)
def test_a_template_is_inlined_once(source: str, made: str | None) -> None:
    ready = prepare(STYLE + source)
    assert not ready.inline_each
    shown = html(STYLE + source, {"x": "<1>", "yes": True, "no": False, "list": [1, 2]})
    if made is not None:
        assert shown.partition("</style>")[2] == made


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ('<b class="{{ c }}">a</b>', '<b class="b" style="margin: 0;">a</b>'),
        ('<b {% if yes %}class="b"{% endif %}>a</b>', '<b class="b" style="margin: 0;">a</b>'),
        ("<p>a<p>{{ c }}", f"<p {RED}>a</p><p {RED}>b</p>"),
        ("{{ markup | safe }}", f"<p {RED}>m</p>"),
        ("{% macro m() %}<p>a</p>{% endmacro %}{{ m() }}", f"<p {RED}>a</p>"),
        ("{% set m %}<p>a</p>{% endset %}{{ m }}", f"<p {RED}>a</p>"),
        ("<p>{% if yes %}<ul></ul>{% endif %}</p>", f"<p {RED}></p><ul></ul><p {RED}></p>"),
        ('<p style="{{ css }}">a</p>', '<p style="color: red;margin: 1px">a</p>'),
    ],
)
def test_what_only_the_mail_can_tell_is_inlined_for_each(source: str, made: str) -> None:
    assert prepare(STYLE + source).inline_each
    shown = html(STYLE + source, {"c": "b", "yes": 1, "markup": "<p>m</p>", "css": "margin: 1px"})
    assert shown.partition("</style>")[2] == made


@pytest.mark.parametrize(
    "css",
    ["p+p{color:red}", "p:first-child{color:red}", "tr:nth-child(odd) p{color:red}", "p~p{a:b}"],
)
def test_selectors_by_place_are_decided_by_each_mail(css: str) -> None:
    source = f"<style>{css}</style>{{% if yes %}}<p>a</p>{{% endif %}}<p>b</p>"
    assert prepare(source).inline_each
    assert not prepare(f"<style>{css}</style><p>a</p><p>{{{{ b }}}}</p>").inline_each


def test_selectors_by_an_attribute_that_changes_are_decided_by_each_mail() -> None:
    source = "<style>a[href^='http:']{color:red}</style><a href='{{ url }}'>a</a>"
    assert prepare(source).inline_each
    assert html(source, {"url": "http://example.com"}).count('style="color: red;"') == 1
    assert html(source, {"url": "https://example.com"}).count('style="color: red;"') == 0


def test_conditions_in_a_sheet_are_decided_by_each_mail() -> None:
    source = "<style>{% if dark %}p{color:white}{% else %}p{color:red}{% endif %}</style><p>a</p>"
    assert prepare(source).inline_each
    assert "color: white" in html(source, {"dark": True})
    assert "color: red" in html(source, {"dark": False})


def test_a_value_in_a_sheet_comes_into_the_elements() -> None:
    source = "<style>p{color:{{ brand }}}</style><p>a</p>"
    assert not prepare(source).inline_each
    assert '<p style="color: #c00;">' in html(source, {"brand": "#c00"})


def test_a_whole_page_stays_one_and_a_part_a_part() -> None:
    page = f"<!DOCTYPE html><html><head>{STYLE}</head><body><p>a</p></body></html>"
    made = html(page)
    assert made.startswith("<!DOCTYPE html><html><head><style>")
    assert made.endswith("</body></html>")
    assert "<body" not in html(f"{STYLE}<p>a</p>")
    assert "<body" not in html(f"{STYLE}<p>{{{{ x }}}}</p>", {"x": 1})


@pytest.mark.parametrize(
    "source",
    [
        STYLE + "<b>" * 100_000,
        STYLE + "<div>" * 40_000 + "</div>" * 40_000,
        STYLE + "<![CDATA[>" + "<b>" * 100_000 + "]]>",
        STYLE + "<style><!-- </style>" + "<b>" * 100_000,
        f"<style>{'.a .b{c:d}' * 3_000}</style>" + "<p>a</p>" * 1_999,
        STYLE + "x" * 500_000,
    ],
    ids=["open", "nested", "cdata", "comment", "rules", "long"],
)
def test_what_would_be_too_much_is_left_as_it_is(source: str) -> None:
    assert style_sheets.inline(source) == source
    assert html(source) == source
    assert html(source + "{{ x }}", {"x": 1}) == source + "1"


def test_two_thousand_levels_are_survived() -> None:
    made = style_sheets.inline(f"{STYLE}{'<div>' * 1_999}<p>a")
    assert made.count("<div>") == 1_999


def test_several_threads_may_inline() -> None:
    made: list[str] = []

    def work() -> None:
        made.append(style_sheets.inline(f"{STYLE}<p>a</p>"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(made) == 8
    assert set(made) == {style_sheets.inline(f"{STYLE}<p>a</p>")}
