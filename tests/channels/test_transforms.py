"""Messages as vendors are handed them: every channel's shape, and refusals with their reason."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from channels.message import build
from channels.problems import INVALID, TOO_LARGE, ContentRefused
from channels.transforms import TRANSFORMS, check_sendable, problems, transform
from domain.errors import FieldError
from domain.message import ContentMessage, EmailMessage
from domain.vocabulary import CategoryClass, Channel

WORDS: dict[Channel, dict[str, Any]] = {
    Channel.EMAIL: {"subject": "Hi", "html": "<p>Hello</p>"},
    Channel.SMS: {"text": "Hi"},
    Channel.PUSH: {"title": "Hi"},
    Channel.WEBPUSH: {"title": "Hi"},
    Channel.WHATSAPP: {"template": "hello"},
    Channel.TELEGRAM: {"text": "Hi"},
    Channel.INAPP: {"title": "Hi"},
}
SHAPES: dict[Channel, dict[str, Any]] = {
    Channel.EMAIL: {
        "subject": "Hi", "html": "<p>Hello</p>", "text": "Hello\n", "from": "shop@example.com",
    },
    Channel.SMS: {"text": "Hi", "encoding": "gsm7", "segments": 1},
    Channel.PUSH: {"title": "Hi", "body": ""},
    Channel.WEBPUSH: {"title": "Hi", "body": ""},
    Channel.WHATSAPP: {"template": "hello", "language": "de", "parameters": {}},
    Channel.TELEGRAM: {"text": "Hi"},
    Channel.INAPP: {"title": "Hi"},
}  # fmt: skip


def a_message(channel: Channel, content: dict[str, Any], **given: Any) -> Any:
    usual: dict[str, Any] = {
        "as_fields": True,
        "address": "sam@example.org",
        "name": "Sample",
        "attempt_id": "att_01",
        "notification_id": "ntf_01",
        "default_from": "shop@example.com",
        "locale": "de",
    }
    return build(channel, content, **{**usual, **given})


def test_every_channel_has_a_transform() -> None:
    assert set(TRANSFORMS) == set(WORDS) == set(Channel)


@pytest.mark.parametrize("channel", Channel)
def test_fields_are_handed_over_in_their_shape(channel: Channel) -> None:
    message = a_message(channel, WORDS[channel])
    assert isinstance(message, ContentMessage)
    assert message.content == SHAPES[channel]
    assert (message.address, message.name, message.channel) == (
        "sam@example.org", "Sample", channel,
    )  # fmt: skip


@pytest.mark.parametrize("channel", Channel)
def test_words_are_not_changed_where_they_lie(channel: Channel) -> None:
    words = dict(WORDS[channel])
    transform(channel, words)
    problems(channel, words)
    assert words == WORDS[channel]


def test_what_is_known_of_a_delivery_travels_along() -> None:
    until = datetime(2030, 1, 31, tzinfo=UTC)
    message = a_message(
        Channel.PUSH, {"title": "Hi"}, class_=CategoryClass.OTP, expires_at=until,
        target={"platform": "ios"}, callback_url="https://example.com/r",
    )  # fmt: skip
    assert (message.class_, message.expires_at) == (CategoryClass.OTP, until)
    assert (message.target, message.callback_url) == ({"platform": "ios"}, "https://example.com/r")
    usual = a_message(Channel.PUSH, {"title": "Hi"})
    assert (usual.class_, usual.expires_at) == (CategoryClass.TRANSACTIONAL, None)
    assert (usual.target, usual.callback_url) == ({}, "")


def test_mail_is_assembled_of_what_was_made() -> None:
    url = "https://example.com/u/1"
    message = a_message(
        Channel.EMAIL, WORDS[Channel.EMAIL], as_fields=False, unsubscribe_url=url
    )  # fmt: skip
    assert isinstance(message, EmailMessage)
    found: Any = message_from_bytes(message.mime, policy=default)
    assert found["From"] == "shop@example.com"
    assert found["List-Unsubscribe"] == f"<{url}>"
    text, html = found.iter_parts()
    assert text.get_content() == "Hello\r\n"
    assert html.get_content_type() == "text/html"


def test_fields_carry_the_way_to_unsubscribe() -> None:
    message = a_message(Channel.EMAIL, WORDS[Channel.EMAIL], unsubscribe_url="https://a.example/u")
    assert message.content["headers"]["List-Unsubscribe"] == "<https://a.example/u>"


@pytest.mark.parametrize(
    ("channel", "content", "field", "reason"),
    [
        (Channel.EMAIL, {"subject": "a", "text": "b", "from": "x"}, "from", INVALID),
        (Channel.SMS, {"text": "x" * 1601}, "text", TOO_LARGE),
        (Channel.PUSH, {"title": "a", "body": "x" * 4096}, "body", TOO_LARGE),
        (Channel.WEBPUSH, {"title": "a", "body": "x" * 3993}, "body", TOO_LARGE),
        (Channel.WHATSAPP, {"text": ""}, "text", INVALID),
        (Channel.TELEGRAM, {"text": "<p>", "parse_mode": "HTML"}, "text", INVALID),
    ],
)
def test_what_cannot_be_sent_is_refused(
    channel: Channel, content: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(ContentRefused) as caught:
        a_message(channel, content)
    assert caught.value.reason == reason
    assert [one.field for one in caught.value.errors] == [f"content.{channel.value}.{field}"]


def test_warnings_do_not_keep_anything_from_being_sent() -> None:
    check_sendable(Channel.SMS, {"text": "я" * 300})


def test_every_error_is_named() -> None:
    content = {"text": "x" * 4097, "buttons": [[{"text": "a", "url": "b"}]]}
    with pytest.raises(ContentRefused) as caught:
        check_sendable(Channel.TELEGRAM, content)
    [first, second] = caught.value.errors
    assert isinstance(first, FieldError)
    assert (first.field, second.field) == (
        "content.telegram.text", "content.telegram.buttons[0][0].url",
    )  # fmt: skip
    assert caught.value.reason == TOO_LARGE
