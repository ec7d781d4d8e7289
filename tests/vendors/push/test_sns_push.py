"""Push messages by SNS: payloads of both services, and endpoints that are gone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.http_server import FakeHttp
from fakes.sns import FakeSnsPush
from tests.fixtures.aws import KEY, in_xml, told
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors import sns_api
from vendors.aws_api import AwsSettings, Meaning
from vendors.http_api import Moment, Unfit
from vendors.push.sns import KIND, REFUSALS, WORDS, outcome, request

NOW = Moment(datetime(2026, 1, 2, tzinfo=UTC))
ENDPOINT = "arn:aws:sns:us-east-1:123456789012:endpoint/{}/shop/5e3e9847-3183-3f18"
FULL = {
    "title": "Grüße", "body": "It rang", "url": "https://e.com/1", "image": "https://e.com/i.png",
    "badge": 3, "sound": "bell", "collapse_key": "door", "ttl": 60,
    "data": {"order": 7, "who": "sam", "list": [1, "ü"]},
}  # fmt: skip
TABLE = {**sns_api.REFUSALS, **REFUSALS}


def push(
    service: str = "GCM", content: dict[str, Any] | None = None, platform: str = "android",
    **more: Any,
) -> ContentMessage:  # fmt: skip
    return ContentMessage(
        "att_1", "ntf_1", Channel.PUSH, ENDPOINT.format(service), content or FULL,
        target={"platform": platform}, **more,
    )  # fmt: skip


def sent(message: ContentMessage) -> tuple[dict[str, str], dict[str, Any], dict[str, str]]:
    """Return the form, the payloads in it by service, and the attributes."""
    made = request(message, AwsSettings(**KEY), NOW)
    form = dict(parse_qsl(made.body.decode(), strict_parsing=True))
    texts = json.loads(form["Message"])
    payloads = {name: json.loads(one) for name, one in texts.items() if name != "default"}
    names = {key for key in form if key.endswith(".Name")}
    attributes = {form[key]: form[key.replace(".Name", ".Value.StringValue")] for key in names}
    return form, {**payloads, "default": texts["default"]}, attributes


def test_a_message_for_fcm() -> None:
    form, payloads, attributes = sent(push("GCM"))
    assert (form["TargetArn"], form["MessageStructure"]) == (ENDPOINT.format("GCM"), "json")
    assert payloads == {
        "default": "It rang",
        "GCM": {
            "fcmV1Message": {
                "message": {
                    "notification": {
                        "title": "Grüße", "body": "It rang", "image": "https://e.com/i.png",
                    },
                    "data": {
                        "order": "7", "who": "sam", "list": '[1, "ü"]', "url": "https://e.com/1",
                        "image": "https://e.com/i.png", "tocsin_attempt": "att_1",
                    },
                    "android": {
                        "collapse_key": "door", "ttl": "60s", "notification": {"sound": "bell"},
                    },
                }
            }
        },
    }  # fmt: skip
    assert attributes == {"AWS.SNS.MOBILE.GCM.TTL": "60"}


@pytest.mark.parametrize("service", ["APNS", "APNS_SANDBOX"])
def test_a_message_for_apple(service: str) -> None:
    _, payloads, attributes = sent(push(service, platform="ios"))
    assert payloads == {
        "default": "It rang",
        service: {
            "aps": {
                "alert": {"title": "Grüße", "body": "It rang"}, "badge": 3, "sound": "bell",
                "mutable-content": 1,
            },
            "order": 7, "who": "sam", "list": [1, "ü"], "url": "https://e.com/1",
            "image": "https://e.com/i.png", "tocsin_attempt": "att_1",
        },
    }  # fmt: skip
    assert attributes == {
        "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
        "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": "door",
        f"AWS.SNS.MOBILE.{service}.TTL": "60",
    }


def test_a_title_is_enough() -> None:
    _, payloads, attributes = sent(push("GCM", {"title": "Hi"}))
    assert payloads["default"] == "Hi"
    assert payloads["GCM"]["fcmV1Message"]["message"] == {
        "notification": {"title": "Hi", "body": ""}, "data": {"tocsin_attempt": "att_1"},
    }  # fmt: skip
    assert attributes == {}


def test_an_apps_own_data_cannot_take_the_place_of_aps() -> None:
    _, payloads, _ = sent(push("APNS", {"title": "Hi", "data": {"aps": {"badge": 9}}}))
    assert payloads["APNS"]["aps"] == {"alert": {"title": "Hi", "body": ""}}


@pytest.mark.parametrize(
    ("service", "platform", "payload"),
    [
        ("GCM", "ios", "GCM"), ("APNS", "android", "APNS"), ("FCM", "android", "GCM"),
        ("ADM", "ios", "APNS"), ("BAIDU", "", "default"),
    ],
)  # fmt: skip
def test_the_endpoint_says_which_service_else_the_phone(
    service: str, platform: str, payload: str
) -> None:
    _, payloads, _ = sent(push(service, {"title": "Hi"}, platform))
    assert set(payloads) == {payload, "default"}


@pytest.mark.parametrize(("seconds", "ttl"), [(90, "90"), (-5, "0")])
def test_an_expiry_becomes_a_time_to_live(seconds: int, ttl: str) -> None:
    expires_at = NOW.now + timedelta(seconds=seconds)
    _, payloads, attributes = sent(push("GCM", {"title": "Hi"}, expires_at=expires_at))
    assert attributes["AWS.SNS.MOBILE.GCM.TTL"] == ttl
    assert payloads["GCM"]["fcmV1Message"]["message"]["android"] == {"ttl": f"{ttl}s"}


@pytest.mark.parametrize("service", ["GCM", "APNS"])
def test_a_payload_over_four_kilobytes_is_refused_before(service: str) -> None:
    with pytest.raises(Unfit, match="4,096") as refused:
        sent(push(service, {"title": "Hi", "body": "ü" * 2_050}))
    assert refused.value.reason == "payload_too_large"
    sent(push(service, {"title": "Hi", "body": "ü" * 1_900}))


@pytest.mark.parametrize(
    "address",
    ["", "a-token", "arn:aws:sns:us-east-1:123456789012:topic", f"{ENDPOINT.format('GCM')}\n"],
)
def test_an_address_that_is_no_endpoint_is_refused_before(address: str) -> None:
    message = ContentMessage("att_1", "ntf_1", Channel.PUSH, address, {"title": "Hi"})
    with pytest.raises(Unfit) as refused:
        request(message, AwsSettings(**KEY), NOW)
    assert (refused.value.reason, refused.value.scope) == ("invalid_address", Scope.RECIPIENT)


async def test_both_services_arrive_with_our_tag() -> None:
    fake = FakeSnsPush()
    async with FakeHttp(fake) as server:
        account = KIND.open({**KEY, "base_url": server.url("sns_push")}, parts_for())
        found = [
            await account.send(push(service), deadline=soon())
            for service in ("GCM", "APNS", "APNS_SANDBOX")
        ]
        await account.close()
    assert [one.kind for one in found] == [OutcomeKind.ACCEPTED] * 3
    assert [one.tag for one in fake.taken] == ["att_1"] * 3


@pytest.mark.parametrize(
    ("code", "meaning"), [(code, meaning) for codes, meaning in TABLE.items() for code in codes]
)
def test_every_listed_code(code: str, meaning: Meaning) -> None:
    found = outcome(in_xml(code, "words"))
    assert (found.kind, found.scope, found.reason) == meaning


@pytest.mark.parametrize(("part", "meaning"), WORDS)
def test_every_listed_word(part: str, meaning: Meaning) -> None:
    found = outcome(in_xml("InvalidParameter", f"Invalid parameter: {part.title()} it says"))
    assert (found.kind, found.scope, found.reason) == meaning


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (in_xml("EndpointDisabled", "Endpoint is disabled"),
         ("rejected", "recipient", "unregistered")),
        (in_xml("InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for "
                "the target arn specified"), ("rejected", "recipient", "unregistered")),
        (in_xml("InvalidParameter", "Invalid parameter: TargetArn Reason: An ARN must have"),
         ("rejected", "recipient", "invalid_address")),
        (in_xml("InvalidParameter", "Invalid parameter: Message too long"),
         ("rejected", "message", "payload_too_large")),
        (in_xml("PlatformApplicationDisabled", "Platform application is disabled"),
         ("rejected", "account", "config_missing")),
        (in_xml("Throttled", "Rate exceeded", 429), ("throttled", "account", "rate_account")),
        (HttpResponse(404, {}, b""), ("rejected", "account", "config_missing")),
    ],
)  # fmt: skip
def test_codes_and_words(response: HttpResponse, expected: tuple[str, str, str]) -> None:
    assert told(outcome(response)) == expected
