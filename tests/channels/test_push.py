"""Notices on phones and in browsers: their shape, their links and their weight."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import inapp, push, webpush
from channels.problems import INVALID, TOO_LARGE, ContentProblem, Severity
from domain.vocabulary import Channel

FULL: dict[str, Any] = {
    "title": "Order A-1", "body": "It left our house.", "url": "shop://orders/1",
    "image": "https://example.com/a.png", "badge": 0, "sound": "ping.caf",
    "collapse_key": "order-1", "ttl": 0, "data": {"order": 1},
}  # fmt: skip


def errors(content: dict[str, Any]) -> list[tuple[str, str]]:
    found = push.problems({"title": "Hi", **content})
    assert all(one.severity is Severity.ERROR for one in found)
    return [(one.field.removeprefix("content.push."), one.reason) for one in found]


def test_a_whole_notice_keeps_everything() -> None:
    assert push.transform(FULL) == FULL
    assert push.problems(FULL) == webpush.problems(FULL) == []


def test_what_is_not_said_is_left_out() -> None:
    content: dict[str, Any] = {"title": "Hi", "url": "", "data": {}, "image": None}
    assert push.transform(content) == {"title": "Hi", "body": ""}


def test_zero_is_said() -> None:
    made = push.transform({"title": "Hi", "badge": 0, "ttl": 0})
    assert (made["badge"], made["ttl"]) == (0, 0)


@pytest.mark.parametrize(
    "url", ["https://example.com/a?b=c#d", "shop://orders/1", "/orders/1", "mailto:a@example.com"]
)
def test_a_link_leads_somewhere(url: str) -> None:
    assert errors({"url": url}) == []


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd",
     "https://example.com/a b", "java\tscript:x", "https://[::1"],
)  # fmt: skip
def test_a_link_that_runs_or_reads_is_refused(url: str) -> None:
    assert errors({"url": url}) == [("url", INVALID)]


@pytest.mark.parametrize("image", ["a.png", "http:///a.png", "ftp://example.com/a.png", "data:,x"])
def test_an_image_is_on_the_web(image: str) -> None:
    assert errors({"image": image}) == [("image", INVALID)]


def test_a_collapse_key_is_measured_in_bytes() -> None:
    assert errors({"collapse_key": "é" * 32}) == []
    assert errors({"collapse_key": "é" * 33}) == [("collapse_key", INVALID)]


def test_an_empty_title_is_refused() -> None:
    assert errors({"title": " "}) == [("title", INVALID)]


@pytest.mark.parametrize(
    ("channel", "problems", "most"),
    [(Channel.PUSH, push.problems, 4096), (Channel.WEBPUSH, webpush.problems, 3993)],
)
def test_a_payload_that_just_fits(channel: Channel, problems: Any, most: int) -> None:
    notice = {"title": "Hi", "body": ""}
    room = most - push.weigh(notice)
    assert problems({**notice, "body": "x" * room}) == []
    [one] = problems({**notice, "body": "x" * (room + 1)})
    assert isinstance(one, ContentProblem)
    assert (one.channel, one.field, one.reason) == (
        channel, f"content.{channel.value}.body", TOO_LARGE,
    )  # fmt: skip
    assert f"{most + 1:,}" in one.message
    assert f"{most:,}" in one.message


def test_the_heaviest_field_is_named() -> None:
    assert errors({"body": "x" * 100, "data": {"a": "x" * 4096}}) == [("data", TOO_LARGE)]


@given(st.text(max_size=200), st.text(max_size=200), st.dictionaries(st.text(), st.text()))
def test_a_notice_weighs_no_less_than_its_words(title: str, body: str, data: Any) -> None:
    notice = push.transform({"title": title, "body": body, "data": data})
    words = json.dumps([title, body, data], ensure_ascii=False, separators=(",", ":"))
    assert push.weigh(notice) >= len(words.encode("utf-8", "surrogatepass")) - len("[]{},")


def test_a_notice_in_the_inbox_stays_as_it_is() -> None:
    content = {"title": "Hi", "body": "", "url": "/a", "data": {"a": 1}}
    assert inapp.transform(content) == content
    assert inapp.problems(content) == []
