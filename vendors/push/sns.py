"""Push messages by Amazon SNS, to the platform endpoint that an app registered for its phone.

https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html
and, for FCM, https://docs.aws.amazon.com/sns/latest/dg/sns-fcm-v1-payloads.html
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind, Scope
from vendors import sns_api
from vendors.aws_api import AwsSettings, Fault, Meaning, skewed
from vendors.contract import Capabilities
from vendors.http_api import HttpApi, Moment, Unfit
from vendors.over_http import http_kind

_REJECTED: Final = OutcomeKind.REJECTED
_GONE: Final[Meaning] = (_REJECTED, Scope.RECIPIENT, "unregistered")

REFUSALS: Final[dict[tuple[str, ...], Meaning]] = {
    ("EndpointDisabled", "EndpointDisabledException", "NotFound", "NotFoundException"): _GONE,
    ("PlatformApplicationDisabled", "PlatformApplicationDisabledException"): (
        _REJECTED, Scope.ACCOUNT, "config_missing",
    ),
}  # fmt: skip
"""Code → outcome, beside those of vendors/sns_api.py."""

WORDS: Final[tuple[tuple[str, Meaning], ...]] = (
    ("no endpoint found", _GONE),
    ("targetarn", (_REJECTED, Scope.RECIPIENT, "invalid_address")),
    ("too long", (_REJECTED, Scope.MESSAGE, "payload_too_large")),
)
"""Words (in lower case) of a wrong parameter → outcome."""

PLATFORMS: Final[Mapping[str, str]] = {"ios": "APNS", "android": "GCM"}
"""Platform of a phone → SNS's name for its service, where the endpoint does not tell."""

MOST_OCTETS: Final = 4096
TAG: Final = "tocsin_attempt"
"""The name under which the attempt's id stands among the app's own data."""

_ENDPOINT: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:endpoint/([A-Z_]+)/.+")
_APNS: Final = frozenset({"APNS", "APNS_SANDBOX"})
_CODES: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}


def request(message: ContentMessage, settings: AwsSettings, moment: Moment) -> HttpRequest:
    """Return the request that sends a push message; raises Unfit for one that is too large, and
    for an address that is not the ARN of an endpoint.
    """
    content = message.content
    service = _service(message)
    words = content.get("body") or content["title"]
    payloads = {"default": words}
    ttl = _ttl(message, moment.now)
    if service == "GCM":
        payloads[service] = _sized({"fcmV1Message": {"message": _fcm(message, ttl)}})
    elif service in _APNS:
        payloads[service] = _sized(_apns(message))
    fields = {
        "TargetArn": message.address,
        "MessageStructure": "json",
        "Message": json.dumps(payloads, ensure_ascii=False),
    }
    return sns_api.publish(fields, _attributes(content, service, ttl), settings, moment)


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; raises Unreadable."""
    return sns_api.outcome(response, _judge)


def _judge(fault: Fault) -> Meaning | None:
    if fault.code in sns_api.PARAMETERS:
        said = fault.words.lower()
        return next((meaning for part, meaning in WORDS if part in said), None)
    return _CODES.get(fault.code)


def _service(message: ContentMessage) -> str:
    """Return which service the endpoint is of: its ARN says so, else the phone's platform."""
    found = _ENDPOINT.fullmatch(message.address)
    if found is None:
        raise Unfit(
            "invalid_address", "the address is not the ARN of a platform endpoint", Scope.RECIPIENT
        )
    named = found[1]
    if named in _APNS or named == "GCM":
        return named
    return PLATFORMS.get(str(message.target.get("platform")), named)


def _apns(message: ContentMessage) -> dict[str, Any]:
    content = message.content
    aps: dict[str, Any] = {"alert": {"title": content["title"], "body": content.get("body", "")}}
    for name in ("badge", "sound"):
        if content.get(name) is not None:
            aps[name] = content[name]
    if content.get("image"):
        aps["mutable-content"] = 1
    return {**(content.get("data") or {}), **_own(message), "aps": aps}


def _fcm(message: ContentMessage, ttl: int | None) -> dict[str, Any]:
    content = message.content
    notification = {"title": content["title"], "body": content.get("body", "")}
    if content.get("image"):
        notification["image"] = content["image"]
    android: dict[str, Any] = {}
    if content.get("collapse_key"):
        android["collapse_key"] = content["collapse_key"]
    if ttl is not None:
        android["ttl"] = f"{ttl}s"
    if content.get("sound"):
        android["notification"] = {"sound": content["sound"]}
    data = {**(content.get("data") or {}), **_own(message)}
    found: dict[str, Any] = {
        "notification": notification,
        "data": {name: _text(value) for name, value in data.items()},
    }
    return {**found, "android": android} if android else found


def _own(message: ContentMessage) -> dict[str, str]:
    """Return what stands beside the app's own data."""
    given = {name: message.content[name] for name in ("url", "image") if message.content.get(name)}
    return {**given, TAG: message.attempt_id}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sized(payload: Mapping[str, Any]) -> str:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    octets = len(text.encode())
    if octets > MOST_OCTETS:
        raise Unfit(
            "payload_too_large", f"the message has {octets:,} octets; phones take {MOST_OCTETS:,}"
        )
    return text


def _ttl(message: ContentMessage, now: datetime) -> int | None:
    """Return for how many seconds it may wait for the phone."""
    ttl = message.content.get("ttl")
    if ttl is None and message.expires_at is not None:
        ttl = (message.expires_at - now).total_seconds()
    return None if ttl is None else max(int(ttl), 0)


def _attributes(
    content: Mapping[str, Any], service: str, ttl: int | None
) -> dict[str, tuple[str, str]]:
    attributes: dict[str, tuple[str, str]] = {}
    if service in _APNS:
        attributes["AWS.SNS.MOBILE.APNS.PUSH_TYPE"] = ("String", "alert")
        if content.get("collapse_key"):
            attributes["AWS.SNS.MOBILE.APNS.COLLAPSE_ID"] = ("String", content["collapse_key"])
    if ttl is not None:
        attributes[f"AWS.SNS.MOBILE.{service}.TTL"] = ("String", str(ttl))
    return attributes


KIND: Final = http_kind(
    name="sns_push",
    title="Amazon SNS (push)",
    channels=[Channel.PUSH],
    settings=AwsSettings,
    api=HttpApi(request, outcome, skewed=skewed),
    capabilities=Capabilities(platforms=frozenset(PLATFORMS)),
)
