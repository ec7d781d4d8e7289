"""Tracked links: found in the template, led over Tocsin, and nothing else of a mail changes."""

import re
from html import escape, unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.digest import Item, compose
from channels.link_marks import Spot, lift
from channels.rendering import render
from channels.tracked_html import LinkTracker
from domain.ids import new_id
from domain.tracking import Tracking
from domain.tracking_links import Click, Opening, TrackingRing
from domain.vocabulary import Channel

RING = TrackingRing(["secret"])
LINKS = LinkTracker(RING, "https://tocsin.example.com")
ATTEMPT = new_id()
BOTH, OPENS, CLICKS = Tracking(True, True), Tracking(opens=True), Tracking(clicks=True)
TOKEN = re.compile(r"https://tocsin\.example\.com/t/[co]/([\w-]+)")
ADDED = re.compile(
    r'<a href="([^"]*)" style="display:none"[^>]*></a>|<img src="([^"]*/t/o/[^"]*)"[^>]*>'
)


def html_of(source: str, data: dict[str, Any], *, marked: bool) -> str:
    content = {"subject": "Hello", "html": source}
    return str(render(Channel.EMAIL, content, data, marked=marked)["html"])


def tracked(source: str, tracking: Tracking = CLICKS, **data: Any) -> tuple[str, str, list[Click]]:
    """Return a mail as it is without tracking, with it, and where its links lead."""
    plain, spots = lift(html_of(source, data, marked=True))
    made = LINKS.track(plain, spots, tracking, ATTEMPT)
    found = [RING.read(token) for token in TOKEN.findall(made)]
    return plain, made, [one for one in found if isinstance(one, Click) and not one.is_trap]


def undone(html: str) -> str:
    """Return tracked html with its links led back, and without what was added."""

    def back(found: re.Match[str]) -> str:
        click = RING.read(found[1])
        return escape(click.url) if isinstance(click, Click) else found[0]

    return TOKEN.sub(back, ADDED.sub("", html))


def targets(source: str, **data: Any) -> list[tuple[int, str]]:
    plain, made, clicks = tracked(source, **data)
    assert plain == html_of(source, data, marked=False), "marks leave no trace"
    assert {click.of for click in clicks} <= {len(clicks)}
    assert unescape(undone(made)) == unescape(plain)
    return [(click.link, click.url) for click in clicks]


A, B = "https://example.com/a?x=1&y=2", "http://example.com/b"


def test_links_are_led_over_tocsin_to_where_they_went() -> None:
    source = (
        '<a class="b" href="https://example.com/a?x=1&amp;y=2">A</a> <A HREF=http://example.com/b>'
        "B</A> {% for one in many %}<a href='{{ one }}'>C</a>{% endfor %}"
    )
    assert targets(source, many=[f"{A}&z", B]) == [(1, A), (2, B), (3, f"{A}&z"), (3, B)]


def test_one_of_several_ways_is_as_it_is_taken() -> None:
    source = '<a {% if yes %}href="{{ url }}"{% else %}href="http://example.com/b"{% endif %}>A</a>'
    assert targets(source, yes=True, url=A) == [(1, A)]
    assert targets(source, yes=False, url=A) == [(2, B)]


@pytest.mark.parametrize(
    "address",
    ["mailto:a@example.com", "tel:+123", "#top", "", "javascript:alert(1)", "//example.com/a",
     "https://tocsin.example.com/u/token", "https://tocsin.example.com", "ftp://example.com",
     "{{ unsubscribe_url }}", f"https://example.com/{'a' * 2000}", "https://example.com/a b"],
)  # fmt: skip
def test_others_are_left_alone(address: str) -> None:
    source = f'<p>x</p><a href="{address}">A</a>'
    leaving = "https://tocsin.example.com/u/signed"
    assert targets(source, unsubscribe_url=leaving) == []
    _, made, _ = tracked(source, unsubscribe_url=leaving)
    assert "/t/c/" not in made, "there is no trap where no link is"


UNTOUCHED = [
    '<!-- <a href="http://example.com/b">A</a> -->',
    '<!--[if mso]><a href="http://example.com/b">A</a><![endif]-->',
    "<style>a[href='http://example.com/b'] { color: red }</style><p>x</p>",
    '<link href="http://example.com/b"><p>x</p>',
    '{% set x %}<a href="http://example.com/b">A</a>{% endset %}{{ x | upper }}',
    '{% filter upper %}<a href="http://example.com/b">A</a>{% endfilter %}',
    '{% macro m() %}<a href="http://example.com/b">A</a>{% endmacro %}{{ m() | length }}',
    '{% macro m() %}<a href="http://example.com/b">A</a>{% endmacro %}{% set x = m() %}{{ x[:9] }}',
    '{% macro m() %}<i>{{ caller() | upper }}</i>{% endmacro %}'
    '{% call m() %}<a href="http://example.com/b">A</a>{% endcall %}',
    "{{ '<a href=\"http://example.com/b\">A</a>' | safe }}",
    '{% for x in [[1, []]] recursive %}<a href="http://example.com/b">{{ loop(x[1]) | upper }}</a>'
    "{% endfor %}",
]  # fmt: skip


@pytest.mark.parametrize("source", UNTOUCHED)
def test_what_may_be_taken_apart_is_left_alone(source: str) -> None:
    assert targets(source) == []


def test_a_macro_that_is_only_written_is_tracked() -> None:
    source = (
        '{% macro button(url, words) %}<a href="{{ url }}">{{ words }}</a>{% endmacro %}'
        '<td>{{ button("http://example.com/b", "B") }}</td>{% set x = 1 %}<a href="{{ url }}">A</a>'
    )
    assert targets(source, url=A) == [(1, B), (2, A)]


def test_mjml_and_style_sheets_are_tracked_as_they_come_out() -> None:
    mjml = (
        "<mjml><mj-body><mj-section><mj-column>"
        '<mj-button href="{{ url }}">Go</mj-button></mj-column></mj-section></mj-body></mjml>'
    )
    assert targets(mjml, url=A) == [(1, A)]
    styled = '<style>a { color: red }</style>{{ x }}<a href="{{ url }}">A</a>'
    assert targets(styled, url=A, x="y") == [(1, A)]


def test_the_layout_of_a_digest_is_tracked() -> None:
    page = '{% for one in items %}<a href="{{ one.data.url }}">A</a>{% endfor %}'
    layout = {"subject": "{{ count }}", "html": page}
    items = [Item({"subject": "x", "text": "x"}, {"url": url}, layout, 1) for url in (A, B)]
    html, spots = lift(compose(Channel.EMAIL, items, marked=True).content["html"])
    made = LINKS.track(html, spots, CLICKS, ATTEMPT)
    clicks = [RING.read(token) for token in TOKEN.findall(made)]
    assert [one.url for one in clicks if isinstance(one, Click)] == [A, B, ""]
    assert html == compose(Channel.EMAIL, items).content["html"]


def test_opens_add_a_picture_and_nothing_else() -> None:
    source = '<html><body><a href="http://example.com/b">B</a></body></html>'
    plain, made, _ = tracked(source, OPENS)
    assert undone(made) == plain
    [token] = TOKEN.findall(made)
    assert RING.read(token) == Opening(ATTEMPT)
    assert made.index("<img") == plain.index("</body>")
    _, both, _ = tracked(source, BOTH)
    assert [type(RING.read(token)) for token in TOKEN.findall(both)] == [Click, Click, Opening]
    assert tracked("<p>x", OPENS)[1].startswith("<p>x<img ")


_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<>&\"'{}%#\r\0"), max_size=8)
_ADDRESSES = st.one_of(
    _WORDS.map(lambda one: f"https://example.com/{one.strip()}"),
    st.sampled_from(["mailto:a@b.c", "#x", "https://tocsin.example.com/p/x", B, "{{ url }}"]),
)
_PIECES = st.one_of(
    _WORDS,
    _ADDRESSES.map(lambda one: f'<a href="{one}">go</a>'),
    _ADDRESSES.map(lambda one: f"<A\n title=x href = '{one}' id=y>go</A>"),
    st.sampled_from([
        "<p>", "</p>", "<br/>", "{{ word }}", "{% if yes %}", "{% else %}x{% endif %}", "</body>",
        "<!-- a -->", "<td title='{{ word }}'>", "<style>b{}</style>", "{# a #}", "{{- word -}}",
        "{%- raw %}{{{% endraw %}",
    ]),
)  # fmt: skip


@given(st.lists(_PIECES, max_size=12), _WORDS, st.booleans())
def test_a_tracked_mail_is_the_same_but_for_its_links(
    pieces: list[str], word: str, yes: bool
) -> None:
    source = "".join(pieces)
    source += "{% endif %}" * (source.count("{% if") - source.count("{% endif %}"))
    data = {"word": word, "url": A, "yes": yes}
    try:
        before = html_of(source, data, marked=False)
    except Exception:  # no template at all
        return
    plain, spots = lift(html_of(source, data, marked=True))
    assert plain == before
    assert all(isinstance(one, Spot) and one.start <= one.end for one in spots)
    made = LINKS.track(plain, spots, BOTH, ATTEMPT)
    assert unescape(undone(made)) == unescape(plain)
