"""Telegram: its words for refusals, groups that move, the token that is never told, its updates."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.http import HttpResponse, Webhook
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Heard, ReceiptForged
from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.http_server import FakeHttp
from fakes.http_vendor import Call, Forgery
from fakes.telegram import FakeTelegram
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Checking
from vendors.http_api import Moment
from vendors.telegram.telegram import (
    KIND,
    REFUSALS,
    Settings,
    moved,
    outcome,
    receipts,
    request,
    verify,
)

GIVEN = {"bot_token": FakeTelegram.token, "webhook_secret": FakeTelegram.secret}
SETTINGS = Settings.model_validate(GIVEN)
SECRET_PART = FakeTelegram.token.partition(":")[2]
URL = "https://tocsin.example.com/v1/receipts/acc_1"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def a_message(content: Mapping[str, Any], address: str = "584031723") -> ContentMessage:
    return ContentMessage("att_1", "ntf_1", Channel.TELEGRAM, address, content)


def asked(content: Mapping[str, Any], address: str = "584031723") -> Any:
    return json.loads(request(a_message(content, address), SETTINGS, Moment(NOW)).body)


def refused(code: int, description: str, **parameters: int) -> HttpResponse:
    document = {"ok": False, "error_code": code, "description": description}
    return HttpResponse(code, {}, json.dumps({**document, "parameters": parameters}).encode())


def told(found: Outcome) -> tuple[str, str, str]:
    return found.kind.value, found.scope.value, found.reason


def as_webhook(call: Call) -> Webhook:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Webhook("POST", call.url, headers, call.body)


def heard(call: Call) -> Heard:
    webhook = as_webhook(call)
    verify(webhook, SETTINGS, Checking(NOW))
    return receipts(webhook, SETTINGS)


def test_a_text_with_buttons() -> None:
    content = {
        "text": "*Hi*",
        "parse_mode": "MarkdownV2",
        "buttons": [[{"text": "A", "url": "https://a.example"}], [{"text": "B", "url": "tg://b"}]],
    }
    assert asked(content) == {
        "chat_id": 584031723,
        "text": "*Hi*",
        "parse_mode": "MarkdownV2",
        "reply_markup": {
            "inline_keyboard": [
                [{"text": "A", "url": "https://a.example"}],
                [{"text": "B", "url": "tg://b"}],
            ]
        },
    }


def test_a_plain_text_has_nothing_else() -> None:
    assert asked({"text": "Hi", "parse_mode": None, "buttons": None}) == {
        "chat_id": 584031723,
        "text": "Hi",
    }


@pytest.mark.parametrize(
    ("address", "chat"), [("-1001234567890", -1001234567890), ("@channel", "@channel"), ("-", "-")]
)
def test_chats_are_numbers_or_names(address: str, chat: int | str) -> None:
    assert asked({"text": "Hi"}, address)["chat_id"] == chat


def test_marks_of_formatting_do_not_count() -> None:
    text = "<b>" * 500 + "a" * 4096 + "</b>" * 500
    assert asked({"text": text, "parse_mode": "HTML"})["text"] == text
    assert len(asked({"text": "a" * 4096})["text"]) == 4096


@pytest.mark.parametrize(("code", "words", "meaning"), REFUSALS)
def test_every_refusal(code: int, words: str, meaning: tuple[OutcomeKind, Scope, str]) -> None:
    found = outcome(refused(code, f"Error: {words.upper()} indeed"))
    assert (found.kind, found.scope, found.reason) == meaning
    assert found.vendor_code == str(code)


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", ("rejected", "recipient", "blocked")),
        (403, "Forbidden: user is deactivated", ("rejected", "recipient", "invalid_address")),
        (
            403,
            "Forbidden: bot can't initiate conversation with a user",
            ("rejected", "recipient", "blocked"),
        ),
        (
            403,
            "Forbidden: bot was kicked from the supergroup chat",
            ("rejected", "recipient", "blocked"),
        ),
        (
            403,
            "Forbidden: bot is not a member of the channel chat",
            ("rejected", "recipient", "blocked"),
        ),
        (
            403,
            "Forbidden: can't send messages to the user",
            ("transient", "recipient", "unreachable"),
        ),
        (400, "Bad Request: BUTTON_URL_INVALID", ("rejected", "message", "invalid_payload")),
        (400, "Bad Request: message text is empty", ("rejected", "message", "invalid_payload")),
        (400, "Bad Request: message is too long", ("rejected", "message", "payload_too_large")),
        (
            400,
            "Bad Request: not enough rights to send text messages to the chat",
            ("rejected", "recipient", "unreachable"),
        ),
        (401, "Unauthorized", ("rejected", "account", "auth_failed")),
        (404, "Not Found", ("rejected", "account", "auth_failed")),
        (418, "I'm a teapot", ("rejected", "message", "invalid_payload")),
        (500, "Internal Server Error", ("unknown", "message", "vendor_error_after_body")),
        (504, "Gateway Timeout", ("unknown", "message", "vendor_error_after_body")),
    ],
)
def test_telegrams_own_words(code: int, words: str, expected: tuple[str, str, str]) -> None:
    found = outcome(refused(code, words))
    assert told(found) == expected
    assert found.detail == words


def test_a_throttled_chat_waits_as_told() -> None:
    found = outcome(refused(429, "Too Many Requests: retry after 35", retry_after=35))
    assert told(found) == ("throttled", "recipient", "rate_recipient")
    assert found.retry_after == 35


@pytest.mark.parametrize(
    "body",
    [
        b'{"ok": true}',
        b'{"ok": true, "result": true}',
        b'{"ok": true, "result": {"message_id": 1}}',
        b'{"ok": true, "result": {"message_id": true, "chat": {"id": 1}}}',
        b'{"ok": 1, "result": {"message_id": 1, "chat": {"id": 1}}}',
        b'{"ok": false}',
        b'{"ok": false, "error_code": "403"}',
        b"[]",
        b"",
    ],
)
def test_what_is_not_an_answer_leaves_it_open(body: bytes) -> None:
    assert told(outcome(HttpResponse(200, {}, body))) == (
        "unknown", "message", "malformed_response",
    )  # fmt: skip


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 429, 500, 502, 503])
def test_the_token_is_never_told(status: int) -> None:
    page = f"<p>The requested URL /bot{FakeTelegram.token}/sendMessage was not found</p>"
    assert SECRET_PART not in repr(outcome(HttpResponse(status, {}, page.encode())))
    words = f"Not Found: /bot{FakeTelegram.token}/sendMessage"
    assert SECRET_PART not in repr(outcome(refused(status, words)))


async def test_a_lost_request_does_not_tell_the_token_either() -> None:
    account = KIND.open({**GIVEN, "base_url": "http://127.0.0.1:9"}, parts_for())
    found = await account.send(a_message({"text": "Hi"}), deadline=soon())
    await account.close()
    assert found.kind is OutcomeKind.TRANSIENT
    assert SECRET_PART not in repr(found)


async def test_a_message_follows_its_group() -> None:
    fake = FakeTelegram()
    fake.upgraded[-100200] = -1001001001001
    async with FakeHttp(fake) as server:
        account = KIND.open({**GIVEN, "base_url": server.url("telegram")}, parts_for())
        found = await account.send(a_message({"text": "Hi"}, "-100200"), deadline=soon())
        await account.close()
    [taken] = fake.taken
    assert taken.address == "-1001001001001"
    assert (found.kind, found.vendor_id) == (OutcomeKind.ACCEPTED, taken.id)
    assert len(fake.asked) == 2


async def test_a_group_that_moves_in_circles_is_given_up() -> None:
    fake = FakeTelegram()
    fake.upgraded = {-1: -2, -2: -1}
    async with FakeHttp(fake) as server:
        account = KIND.open({**GIVEN, "base_url": server.url("telegram")}, parts_for())
        found = await account.send(a_message({"text": "Hi"}, "-1"), deadline=soon())
        await account.close()
    assert told(found) == ("rejected", "recipient", "invalid_address")
    assert len(fake.asked) == 2


def test_only_a_refusal_moves() -> None:
    assert moved(refused(400, "upgraded", migrate_to_chat_id=-100)) == "-100"
    assert moved(refused(400, "Bad Request: chat not found")) == ""
    assert moved(HttpResponse(502, {}, b"<html>")) == ""


def test_words_of_a_user_are_a_reply() -> None:
    call = FakeTelegram().message(584031723, url=URL, text="Thank you")
    [reply] = heard(call).replies
    assert (reply.channel, reply.sender, reply.text) == (Channel.TELEGRAM, "584031723", "Thank you")
    assert reply.to == "110201543"
    assert not reply.unsubscribes
    assert not reply.resubscribes
    assert heard(call).replies[0].event_key == reply.event_key


def test_a_caption_is_words_and_a_photo_alone_is_none() -> None:
    fake = FakeTelegram()
    [reply] = heard(fake.message(-55, url=URL, photo=[], caption="Look")).replies
    assert (reply.sender, reply.text) == ("-55", "Look")
    assert heard(fake.message(-55, url=URL, photo=[])).replies == ()


@pytest.mark.parametrize(
    ("was", "now", "wishes"),
    [
        ("member", "kicked", [(True, False)]),
        ("member", "left", [(True, False)]),
        ("kicked", "member", [(False, True)]),
        ("left", "administrator", [(False, True)]),
        ("member", "administrator", []),
        ("member", "a word of tomorrow", []),
    ],
)
def test_who_blocks_the_bot_wants_nothing_more(
    was: str, now: str, wishes: list[tuple[bool, bool]]
) -> None:
    found = heard(FakeTelegram().membership(584031723, was, now, url=URL))
    assert [(one.unsubscribes, one.resubscribes) for one in found.replies] == wishes
    assert all(one.sender == "584031723" for one in found.replies)


@pytest.mark.parametrize("forgery", [Forgery.UNSIGNED, Forgery.WRONG_KEY])
def test_who_does_not_know_the_secret_is_refused(forgery: Forgery) -> None:
    webhook = as_webhook(FakeTelegram().message(1, url=URL, text="Hi", forgery=forgery))
    with pytest.raises(ReceiptForged) as told_so:
        verify(webhook, SETTINGS, Checking(NOW))
    assert FakeTelegram.secret not in str(told_so.value)


def test_without_a_secret_nobody_is_believed() -> None:
    silent = Settings.model_validate({"bot_token": FakeTelegram.token})
    call = as_webhook(FakeTelegram().message(1, url=URL, text="Hi"))
    for webhook in (call, Webhook("POST", URL, {}, call.body)):
        with pytest.raises(ReceiptForged, match="no webhook_secret"):
            verify(webhook, silent, Checking(NOW))


@pytest.mark.parametrize(
    "update",
    [
        [], {}, {"update_id": None}, {"update_id": 1, "message": {"text": "Hi"}},
        {"update_id": 1, "message": {"text": "Hi", "chat": {"id": 1}, "date": "today"}},
    ],
)  # fmt: skip
def test_what_is_no_update_is_a_value_error(update: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        receipts(Webhook("POST", URL, {}, json.dumps(update).encode()), SETTINGS)


def test_other_updates_say_nothing() -> None:
    update = {"update_id": 1, "edited_message": {"text": "Hi"}, "message": [], "my_chat_member": 7}
    assert receipts(Webhook("POST", URL, {}, json.dumps(update).encode()), SETTINGS) == Heard()


@pytest.mark.parametrize(
    "given",
    [
        {"bot_token": "no colon"},
        {"bot_token": "1:short"},
        {"bot_token": FakeTelegram.token + "/../x"},
        {"webhook_secret": ""},
        {"webhook_secret": "with spaces"},
        {"webhook_secret": "a" * 257},
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as told_so:
        Settings.model_validate({**GIVEN, **given})
    assert SECRET_PART not in str(told_so.value)
