"""WhatsApp Cloud: its table of errors, templates, calls and their published signature."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.http import HttpResponse, Webhook
from domain.report import ReceiptForged
from domain.vocabulary import Channel
from fakes.http_vendor import Call
from fakes.whatsapp_cloud import FakeWhatsAppCloud
from tests.contract.conftest import all_cases
from vendors.contract import Checking
from vendors.http_api import Moment
from vendors.whatsapp import cloud
from vendors.whatsapp.cloud_answers import BY_CODE, outcome
from vendors.whatsapp.cloud_calls import receipts, verify

CASE = next(case for case in all_cases() if case.vendor == "whatsapp_cloud")
CHECKING = Checking(datetime.now(UTC))
URL = "https://tocsin.example.com/v1/receipts/acc_1"


def settings(**given: Any) -> cloud.Settings:
    return cloud.Settings.model_validate({**CASE.settings, **given})


def webhook(call: Call) -> Webhook:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Webhook(call.method, call.url, headers, call.body)


def sent(content: dict[str, Any]) -> dict[str, Any]:
    moment = Moment(datetime.now(UTC))
    asked = cloud.request(CASE.message(content=content), settings(), moment)
    document: dict[str, Any] = json.loads(asked.body)
    return document


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_code_has_its_outcome(code: int) -> None:
    body = json.dumps({"error": {"code": code, "message": "words"}}).encode()
    found = outcome(HttpResponse(400, {}, body))
    assert (found.kind, found.scope, found.reason) == BY_CODE[code]
    assert found.vendor_code == str(code)


def test_an_unknown_code_is_judged_by_its_status_and_kept() -> None:
    found = outcome(HttpResponse(400, {}, b'{"error": {"code": 999999, "message": "new"}}'))
    assert (found.reason, found.vendor_code, found.detail) == ("invalid_payload", "999999", "new")


def test_templates_are_filled_by_number_by_name_or_as_meta_has_them() -> None:
    template = {"template": "parcel", "language": "de"}
    by_number = sent({**template, "parameters": {"2": "b", "1": "a", "10": "c"}})
    [body] = by_number["template"]["components"]
    assert [one["text"] for one in body["parameters"]] == ["a", "b", "c"]
    by_name = sent({**template, "parameters": {"name": "Sam"}})
    [body] = by_name["template"]["components"]
    assert body["parameters"] == [{"type": "text", "parameter_name": "name", "text": "Sam"}]
    own = [{"type": "button", "sub_type": "url", "index": "0", "parameters": []}]
    assert sent({**template, "parameters": {"components": own}})["template"]["components"] == own
    assert "components" not in sent(template)["template"]


def test_the_published_signature() -> None:
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    signature = "sha256=d3e4f9da0ce6c71ab3dba55929b8eeeee2455349e534924ead19f98d143e904f"
    called = Webhook("POST", URL, {"x-hub-signature-256": signature}, body)
    verify(called, settings(app_secret="app-secret"), CHECKING)
    with pytest.raises(ReceiptForged):
        verify(called, settings(), CHECKING)
    with pytest.raises(ReceiptForged):
        verify(called, settings(app_secret=None), CHECKING)


def test_the_setup_is_answered_with_its_challenge() -> None:
    fake = FakeWhatsAppCloud()
    called = webhook(fake.setup(url=URL))
    verify(called, settings(), CHECKING)
    assert receipts(called, settings()).answer.body == b"1158201444"
    for wrong in (fake.setup(url=URL, token="wrong"), Call(URL, {}, b"", method="GET")):
        with pytest.raises(ReceiptForged):
            verify(webhook(wrong), settings(), CHECKING)


def test_what_somebody_wrote_is_a_reply() -> None:
    called = webhook(FakeWhatsAppCloud().message("+4915112345678", "stop", url=URL))
    verify(called, settings(), CHECKING)
    [reply] = receipts(called, settings()).replies
    assert (reply.channel, reply.sender, reply.to, reply.text) == (
        Channel.WHATSAPP, "+4915112345678", "+15550783881", "stop",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "unsubscribes", "resubscribes"), [("stop", True, False), ("resume", False, True)]
)
def test_a_wish_about_marketing_is_heard(wish: str, unsubscribes: bool, resubscribes: bool) -> None:
    value = {"user_preferences": [{"wa_id": "4915112345678", "value": wish, "timestamp": 1}]}
    body = json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode()
    [reply] = receipts(Webhook("POST", URL, {}, body), settings()).replies
    assert (reply.unsubscribes, reply.resubscribes) == (unsubscribes, resubscribes)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b"\xff"])
def test_what_is_no_call_is_unreadable(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
        receipts(Webhook("POST", URL, {}, body), settings())
