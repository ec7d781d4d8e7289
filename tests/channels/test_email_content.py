"""Mail before assembly: sender, text, the way to unsubscribe, and header fields that stay one."""

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email import assemble
from channels.email_content import problems, transform, unsubscribing
from channels.mime_headers import encode_field
from channels.occasion import Occasion
from channels.plain_text import html_to_text
from channels.problems import INVALID, Severity
from domain.contract.base import WrongField

URL = "https://example.com/u/b3BhcXVl"
MAIL = {"subject": "Hi", "text": "Hello"}
ADDRESS = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), max_size=60)


def mail(content: dict[str, Any]) -> Any:
    made = assemble(
        content,
        to_address="sam@example.org",
        to_name="",
        attempt_id="att_01",
        notification_id="ntf_01",
        default_from="shop@example.com",
    )
    return message_from_bytes(made.mime, policy=default)


def test_a_missing_text_is_made_from_the_html() -> None:
    made = transform({"subject": "Hi", "html": "<p>Hello <b>you</b></p>"})
    assert made["text"] == "Hello you\n"
    assert transform({**MAIL, "html": "<p>other</p>"})["text"] == "Hello"


def test_the_hidden_line_of_lists_is_no_part_of_the_text() -> None:
    html = '<div style="font-size:1px;display: none;">Preview &gt;</div><div>Shown</div>'
    assert html_to_text(html) == "Shown\n"
    assert html_to_text('<div style="display:block">Shown</div>') == "Shown\n"


def test_the_default_sender_is_filled_in() -> None:
    assert transform(MAIL, Occasion(default_from="a@example.com"))["from"] == "a@example.com"
    own = {**MAIL, "from": "b@example.com"}
    assert transform(own, Occasion(default_from="a@example.com"))["from"] == "b@example.com"
    assert "from" not in transform(MAIL)


def test_what_is_empty_is_left_out() -> None:
    content: dict[str, Any] = {**MAIL, "html": None, "reply_to": "", "attachments": []}
    assert transform(content) == MAIL


def test_mail_can_be_unsubscribed_by_one_click() -> None:
    made = transform(MAIL, Occasion(unsubscribe_url=URL))
    assert made["headers"] == {
        "List-Unsubscribe": f"<{URL}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    found = mail(made)
    assert found["List-Unsubscribe"] == f"<{URL}>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_an_address_there_is_no_header() -> None:
    assert "headers" not in transform(MAIL)
    assert mail(transform(MAIL))["List-Unsubscribe"] is None


def test_one_click_needs_https() -> None:
    assert unsubscribing("http://127.0.0.1:8080/u/x") == {
        "List-Unsubscribe": "<http://127.0.0.1:8080/u/x>"
    }


def test_a_long_address_stays_whole() -> None:
    url = f"https://example.com/u/{'x' * 500}"
    lines = encode_field("List-Unsubscribe", f"<{url}>").split("\r\n")
    assert lines == [f"List-Unsubscribe: <{url}>"]
    assert mail(transform(MAIL, Occasion(unsubscribe_url=url)))["List-Unsubscribe"] == f"<{url}>"


@pytest.mark.parametrize(
    "url",
    ["mailto:u@example.com", "https://", "javascript:x", "https://exämple.com/", "https://a/ b",
     "https://a/\r\nBcc: b@example.com", "https://a/>,<https://b/", "https://[::1", ""],
)  # fmt: skip
def test_an_address_that_cannot_stand_in_a_header_is_refused(url: str) -> None:
    with pytest.raises(WrongField) as caught:
        unsubscribing(url)
    assert caught.value.field == "unsubscribe_url"


@given(ADDRESS)
def test_an_address_never_brings_another_header(rest: str) -> None:
    try:
        made = transform(MAIL, Occasion(unsubscribe_url=f"https://example.com/{rest}"))
    except WrongField:
        return
    found = mail(made)
    assert found["List-Unsubscribe"] == f"<https://example.com/{rest}>"
    assert found["Bcc"] is None
    assert found.get_content() == "Hello\r\n"


@given(st.text(max_size=30), st.text(max_size=300))
def test_a_header_never_brings_another(name: str, value: str) -> None:
    before = set(mail(MAIL).keys())
    try:
        found = mail({**MAIL, "headers": {name: value}})
    except WrongField:
        return
    assert set(found.keys()) - before <= {name}
    assert found.get_content() == "Hello\r\n"


@given(st.lists(st.text("ab;=<>", min_size=1, max_size=90), min_size=1, max_size=9).map(" ".join))
def test_a_header_is_folded_and_stays_the_same(value: str) -> None:
    encoded = encode_field("X-Campaign", value)
    assert encoded.replace("\r\n", "") == f"X-Campaign: {value}"
    assert all(len(line) <= 78 or line.count(" ") <= 1 for line in encoded.split("\r\n"))


@pytest.mark.parametrize(
    "name",
    ["", "Bcc", "from", "Content-Type", "MIME-Version", "Message-ID", "X-Tocsin-Attempt", "a b",
     "a:b", "a\r\nBcc", "é", "DKIM-Signature"],
)  # fmt: skip
def test_fields_that_are_ours_cannot_be_added(name: str) -> None:
    with pytest.raises(WrongField):
        encode_field(name, "x")


@pytest.mark.parametrize("value", ["", "a\r\nb", "a\nb", "é", " a", "a  b", "a\x00", "x" * 901])
def test_values_that_are_no_line_of_ascii_are_refused(value: str) -> None:
    with pytest.raises(WrongField):
        encode_field("X-Campaign", value)


@pytest.mark.parametrize("name", ["from", "reply_to"])
def test_a_sender_is_a_mailbox(name: str) -> None:
    [one] = problems({**MAIL, name: "nobody"})
    assert (one.severity, one.field, one.reason) == (
        Severity.ERROR, f"content.email.{name}", INVALID,
    )  # fmt: skip
    assert problems({**MAIL, name: "Shop <shop@example.com>"}) == []


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"html": "x" * 102_001}, "html"),
        ({"html": "ж" * 51_001}, "html"),
        ({"subject": " "}, "subject"),
    ],
)
def test_what_readers_will_miss_is_warned_of(content: dict[str, str], field: str) -> None:
    [one] = problems({**MAIL, **content})
    assert (one.severity, one.field) == (Severity.WARNING, f"content.email.{field}")


def test_a_mail_of_102_kb_is_whole() -> None:
    assert problems({**MAIL, "html": "ж" * 51_000}) == []
