"""Twilio WhatsApp: addresses, texts, templates and their variables."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from domain.http import HttpRequest
from domain.message import ContentMessage
from domain.report import Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind
from fakes.http_server import FakeHttp
from fakes.twilio import FakeTwilioWhatsApp
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Sought
from vendors.http_api import Moment, Unfit
from vendors.whatsapp.twilio import KIND, Settings, request

TEMPLATE = FakeTwilioWhatsApp.template
GIVEN: dict[str, Any] = {
    "account_sid": "AC00000000000000000000000000000001",
    "auth_token": "fake-token",
    "from": "+14155550199",
}


def a_message(content: dict[str, Any]) -> ContentMessage:
    return ContentMessage("att_1", "ntf_1", Channel.WHATSAPP, "+14155550100", content)


def form(content: dict[str, Any], **given: Any) -> dict[str, str]:
    settings = Settings.model_validate({**GIVEN, **given})
    found: HttpRequest = request(a_message(content), settings, Moment(datetime.now(UTC)))
    fields = parse_qs(found.body.decode(), strict_parsing=True)
    return {name: value for name, [value] in fields.items()}


@pytest.mark.parametrize("sender", ["+14155550199", "whatsapp:+14155550199"])
def test_both_ends_are_named_as_on_whatsapp(sender: str) -> None:
    assert form({"text": "Hi"}, **{"from": sender}) == {
        "To": "whatsapp:+14155550100", "From": "whatsapp:+14155550199", "Body": "Hi",
    }  # fmt: skip


def test_a_messaging_service_chooses_the_sender() -> None:
    fields = form({"text": "Hi"}, messaging_service_sid="MG1")
    assert fields["MessagingServiceSid"] == "MG1"
    assert "From" not in fields


@pytest.mark.parametrize(
    ("parameters", "variables"),
    [
        ({"1": "Zoë", "name": "x"}, {"1": "Zoë", "name": "x"}),
        (
            {"1": 7, "2": 1.5, "3": True, "4": None},
            {"1": "7", "2": "1.5", "3": "true", "4": "null"},
        ),
        (["Zoë", 7], {"1": "Zoë", "2": "7"}),
    ],
)
def test_a_template_goes_with_its_variables_as_text(parameters: Any, variables: Any) -> None:
    fields = form({"template": TEMPLATE, "language": "de", "parameters": parameters})
    assert fields["ContentSid"] == TEMPLATE
    assert json.loads(fields["ContentVariables"]) == variables
    assert "Body" not in fields


@pytest.mark.parametrize("more", [{}, {"parameters": {}}, {"parameters": None}])
def test_a_template_without_parameters_has_no_variables(more: dict[str, Any]) -> None:
    fields = form({"template": TEMPLATE, **more})
    assert "ContentVariables" not in fields


def test_a_template_that_twilio_cannot_know_is_unfit() -> None:
    with pytest.raises(Unfit, match="content SID") as unfit:
        form({"template": "order_update", "language": "en"})
    assert unfit.value.reason == "template_missing"


def test_a_text_of_1600_characters_is_the_longest() -> None:
    assert len(form({"text": "a" * 1600})["Body"]) == 1600
    with pytest.raises(Unfit, match="1601") as unfit:
        form({"text": "a" * 1601})
    assert unfit.value.reason == "payload_too_large"


async def test_text_and_template_reach_the_vendor_and_are_found_again() -> None:
    fake = FakeTwilioWhatsApp()
    async with FakeHttp(fake) as server:
        account = KIND.open({**GIVEN, "base_url": server.url(fake.name)}, parts_for())
        template = {"template": TEMPLATE, "parameters": {"1": 7}}
        sent = await account.send(a_message(template), deadline=soon())
        assert sent.kind is OutcomeKind.ACCEPTED
        at = datetime.now(UTC)
        sought = Sought("att_1", "", Channel.WHATSAPP, "+14155550100", at)
        report = await account.look_up(sought, deadline=soon())  # type: ignore[attr-defined]
        assert isinstance(report, Report)
        assert (report.kind, report.address) == (ReceiptKind.SENT, "+14155550100")
        assert fake.asked[-1].query.startswith("To=whatsapp%3A%2B14155550100&")
        text = await account.send(a_message({"text": "Hi"}), deadline=soon())
        assert text.kind is OutcomeKind.ACCEPTED
        unknown = {"template": "HX404"}
        refused = await account.send(a_message(unknown), deadline=soon())
        assert (refused.kind, refused.reason) == (OutcomeKind.REJECTED, "config_missing")
        await account.close()
