"""What is found in a mail's page before it is published."""

import pytest

from channels.html_review import offers_unsubscribing, review
from channels.problems import Severity


def told(html: str) -> list[tuple[str, str]]:
    return [(one.severity.value, one.message) for one in review(html)]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://example.com/?a=1&amp;b=2">x</a>',
        "<a href=mailto:sam@example.com>x</a>",
        '<a href="tel:+14155550100">x</a>',
        '<a href="#top">x</a>',
        '<a name="top">x</a>',
        '<img alt="" src="https://example.com/a.png">',
        '<img alt="Logo" src="cid:logo">',
        '<!-- <a href="javascript:x">x</a> -->',
        '<style>a > b { content: "<a href=javascript:x>" }</style>',
    ],
)
def test_what_is_well_is_not_told(html: str) -> None:
    assert told(html) == []


@pytest.mark.parametrize(
    ("html", "severity", "words"),
    [
        ("<A HREF=' javascript:alert(1)'>x</A>", Severity.ERROR, "javascript:"),
        ('<a href="java&#115;cript:x">x</a>', Severity.ERROR, "javascript:"),
        ('<a href="data:text/html,x">x</a>', Severity.ERROR, "data:"),
        ('<a href="//example.com">x</a>', Severity.ERROR, "must begin with"),
        ('<a href="https://[x">x</a>', Severity.ERROR, "RFC 3986"),
        ('<a href="">x</a>', Severity.WARNING, "nowhere"),
        ("<a href='http://example.com'>x</a>", Severity.WARNING, "TLS"),
        ('<img src="https://example.com/a.png">', Severity.WARNING, "alternative"),
        ('<img alt="x" src="data:image/png;base64,x">', Severity.WARNING, "Gmail"),
        ('<img alt="x">', Severity.ERROR, "whose address"),
        ("<body onload=go()>", Severity.ERROR, "script"),
        ("<script>x</script>", Severity.WARNING, "take away"),
        ("<a href='javascript:x'", Severity.ERROR, "javascript:"),
        ('<a href="https://example.com" href="javascript:x">x</a>', None, ""),
        ('<a href="javascript:x" href="https://example.com">x</a>', Severity.ERROR, "javascript:"),
    ],
)
def test_what_is_wrong_is_told_once(html: str, severity: Severity | None, words: str) -> None:
    found = told(html * 3)
    if severity is None:
        assert found == []
    else:
        ((kind, message),) = found
        assert kind == severity
        assert words in message


def test_a_page_with_much_wrong_is_not_told_to_the_end() -> None:
    assert len(review("".join(f'<a href="/{n}">x</a>' for n in range(500)))) == 50


@pytest.mark.parametrize(
    ("html", "text", "leads_out"),
    [
        ('<a href="https://example.com/unsubscribe?u=1">x</a>', "", True),
        ('<a href="https://example.com/email-preferences">x</a>', "", True),
        ("", "Leave: https://example.com/opt-out", True),
        ("<p>unsubscribe</p>", "unsubscribe", False),
        ("<!-- <a href='https://example.com/unsubscribe'> -->", "", False),
    ],
)
def test_a_way_out_is_a_link(html: str, text: str, leads_out: bool) -> None:
    assert offers_unsubscribing(html, text) is leads_out


@pytest.mark.parametrize("piece", ["<!--", "<", "<a ", "<![CDATA[", "<a href='", "<script>", "</"])
def test_hostile_html_is_read_to_the_end(piece: str) -> None:
    assert len(review(piece * 100_000)) <= 1
