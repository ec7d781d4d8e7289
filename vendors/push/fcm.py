"""Firebase Cloud Messaging, HTTP v1: https://firebase.google.com/docs/cloud-messaging/send/v1-api
Errors: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
Sign-in: https://developers.google.com/identity/protocols/oauth2/service-account
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr, field_validator

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind, Scope
from vendors.contract import Capabilities
from vendors.fields import JSON, Line
from vendors.http_api import HttpApi, HttpSettings, Login, Moment, Unfit
from vendors.http_outcomes import accepted, outcome_of, outcome_of_status, read_json, retry_after
from vendors.over_http import http_kind
from vendors.push_message import (
    URGENT,
    carried,
    check_size,
    collapse_key,
    compact,
    lifetime,
    whole_number,
)

_REJECTED, _ACCOUNT = OutcomeKind.REJECTED, Scope.ACCOUNT
_Meaning = tuple[OutcomeKind, Scope, str]

REFUSALS: Final[dict[str, _Meaning]] = {
    "UNREGISTERED": (_REJECTED, Scope.RECIPIENT, "unregistered"),
    "SENDER_ID_MISMATCH": (_REJECTED, Scope.RECIPIENT, "unregistered"),
    "INVALID_ARGUMENT": (_REJECTED, Scope.MESSAGE, "invalid_payload"),
    "QUOTA_EXCEEDED": (OutcomeKind.THROTTLED, _ACCOUNT, "rate_account"),
    "RESOURCE_EXHAUSTED": (OutcomeKind.THROTTLED, _ACCOUNT, "rate_account"),
    "UNAVAILABLE": (OutcomeKind.TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    "INTERNAL": (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body"),
    "THIRD_PARTY_AUTH_ERROR": (_REJECTED, _ACCOUNT, "auth_failed"),
    "APNS_AUTH_ERROR": (_REJECTED, _ACCOUNT, "auth_failed"),
    "UNAUTHENTICATED": (_REJECTED, _ACCOUNT, "auth_failed"),
    "PERMISSION_DENIED": (_REJECTED, _ACCOUNT, "forbidden"),
}
"""errorCode of the FcmError, else the error's status → outcome."""

_BAD_TOKEN: Final[_Meaning] = (_REJECTED, Scope.RECIPIENT, "invalid_address")
_TOO_LARGE: Final[_Meaning] = (_REJECTED, Scope.MESSAGE, "payload_too_large")
_NOT_OURS: Final = frozenset({"THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR"})
"""401s that are not about the access token."""

_LEAST_WAIT: Final = {"QUOTA_EXCEEDED": 60.0, "RESOURCE_EXHAUSTED": 60.0, "UNAVAILABLE": 10.0}
"""Seconds to wait where the answer names none."""

MOST_OCTETS: Final = 4_096
_MOST_SECONDS: Final = 28 * 86_400
_RESERVED: Final = ("google", "gcm")
_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKEN_SECONDS: Final = 3_600


class Settings(HttpSettings):
    """A Firebase project, by the key file of a service account that may send."""

    base_url: str = Field("https://fcm.googleapis.com", description="Where the API is")
    service_account: SecretStr = Field(
        description="The service account's key: the whole JSON file that Google gives out",
        json_schema_extra=JSON,
    )
    project_id: Line = Field("", description="Project to send to; empty: the key file's")
    token_url: Line = Field("", description="Where access tokens are; empty: as the key file says")

    @field_validator("service_account")
    @classmethod
    def _is_a_key_file(cls, value: SecretStr) -> SecretStr:
        try:
            document = json.loads(value.get_secret_value())
        except ValueError:
            raise ValueError("must be the JSON of a service account's key file") from None
        for name in ("client_email", "private_key", "private_key_id", "project_id", "token_uri"):
            if not isinstance(document, dict) or not isinstance(document.get(name), str):
                raise ValueError(f"must be a service account's key file: it has no {name}")
        try:
            key = load_pem_private_key(document["private_key"].encode(), None)
        except (ValueError, TypeError):
            raise ValueError("holds a private_key that is no PEM key") from None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("holds a private_key that is no RSA key")
        return value

    def key_file(self) -> dict[str, str]:
        """Return the key file's fields."""
        document: dict[str, str] = json.loads(self.service_account.get_secret_value())
        return document


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends to one registration token; raises Unfit."""
    content = message.content
    words = {name: content[name] for name in ("title", "body", "image") if content.get(name)}
    data = {name: _text(name, value) for name, value in carried(message).items()}
    check_size(len(compact({"notification": words, "data": data})), MOST_OCTETS, "FCM")
    document: dict[str, Any] = {
        "token": message.address,
        "notification": words,
        "data": data,
        "android": _android(message, moment.now),
        "apns": _apns(message, moment.now),
    }
    if str(content.get("url") or "").startswith("https://"):
        document["webpush"] = {"fcm_options": {"link": content["url"]}}
    project = settings.project_id or settings.key_file()["project_id"]
    return HttpRequest(
        "POST",
        f"{settings.base_url}/v1/projects/{quote(project, safe='')}/messages:send",
        {"Authorization": f"Bearer {moment.token}", "Content-Type": "application/json"},
        compact({"message": document}),
    )


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; raises Unreadable."""
    document = read_json(response)
    if 200 <= response.status < 300:
        name = document["name"]
        return accepted(name if isinstance(name, str) else "", response)
    error = document["error"]
    words = str(error.get("message") or "")
    details = [one for one in error.get("details") or [] if isinstance(one, dict)]
    code = _code(error, details)
    if code not in REFUSALS:
        return outcome_of_status(response, words)
    wait = retry_after(response.headers)
    return outcome_of(
        _argument(details, words) if code == "INVALID_ARGUMENT" else REFUSALS[code],
        code=code,
        detail=words,
        retry_after=_LEAST_WAIT.get(code) if wait is None else wait,
    )


def sign_in(settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request for an access token: an assertion signed with the account's key."""
    file, issued = settings.key_file(), int(moment.now.timestamp())
    place = settings.token_url or file["token_uri"]
    claims = {
        "iss": file["client_email"], "scope": _SCOPE, "aud": place, "iat": issued,
        "exp": issued + _TOKEN_SECONDS,
    }  # fmt: skip
    assertion = jwt.encode(
        claims, file["private_key"], "RS256", headers={"kid": file["private_key_id"]}
    )
    return HttpRequest(
        "POST",
        place,
        {"Content-Type": "application/x-www-form-urlencoded"},
        urlencode({"grant_type": _GRANT, "assertion": assertion}).encode(),
    )


def access_token(response: HttpResponse) -> tuple[str, float]:
    """Return (token, seconds that it lives); raises Unreadable or KeyError."""
    document = read_json(response)
    return str(document["access_token"]), float(document.get("expires_in") or _TOKEN_SECONDS)


def _expired(response: HttpResponse) -> bool:
    if response.status != 401:
        return False
    try:
        error = read_json(response)["error"]
        return _code(error, error.get("details") or []) not in _NOT_OURS
    except (ValueError, KeyError, TypeError, AttributeError):
        return True


def _code(error: Mapping[str, Any], details: list[dict[str, Any]]) -> str:
    named = [one["errorCode"] for one in details if isinstance(one.get("errorCode"), str)]
    return named[0] if named else str(error.get("status") or "")


def _argument(details: list[dict[str, Any]], words: str) -> _Meaning:
    """Tell a token that is none from a message that cannot be: FCM has one code for both."""
    violations = [one for detail in details for one in detail.get("fieldViolations") or []]
    if violations:
        fields = {str(one.get("field") or "") for one in violations}
        return _BAD_TOKEN if fields == {"message.token"} else REFUSALS["INVALID_ARGUMENT"]
    if "too big" in words:
        return _TOO_LARGE
    named = any("errorCode" in detail for detail in details)
    return _BAD_TOKEN if named else REFUSALS["INVALID_ARGUMENT"]


def _android(message: ContentMessage, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if sound := message.content.get("sound"):
        shown["sound"] = str(sound)
    if (badge := whole_number(message, "badge")) is not None:
        shown["notification_count"] = badge
    android: dict[str, Any] = {
        "priority": "HIGH" if message.class_ in URGENT else "NORMAL",
        "ttl": f"{lifetime(message, now, _MOST_SECONDS)}s",
    }
    if key := collapse_key(message, r"\x20-\x7e", 64):
        android["collapse_key"] = key
        shown["tag"] = key
    return {**android, "notification": shown} if shown else android


def _apns(message: ContentMessage, now: datetime) -> dict[str, Any]:
    """What an iPhone is told whose app gets its tokens from Firebase."""
    expires = int(now.timestamp()) + lifetime(message, now, _MOST_SECONDS)
    headers = {
        "apns-priority": "10" if message.class_ in URGENT else "5",
        "apns-expiration": str(expires),
    }
    if key := collapse_key(message, r"\x21-\x7e", 64):
        headers["apns-collapse-id"] = key
    aps: dict[str, Any] = {}
    if sound := message.content.get("sound"):
        aps["sound"] = str(sound)
    if (badge := whole_number(message, "badge")) is not None:
        aps["badge"] = badge
    if message.content.get("image"):
        aps["mutable-content"] = 1
    return {"headers": headers, "payload": {"aps": aps}}


def _text(name: str, value: Any) -> str:
    """Return a value of data as the text that FCM insists on."""
    if name in ("from", "message_type") or name.lower().startswith(_RESERVED):
        raise Unfit("invalid_payload", f"FCM keeps the name {name} in data for itself")
    return value if isinstance(value, str) else compact(value).decode()


LOGIN: Final = Login(sign_in, access_token, _expired)

KIND: Final = http_kind(
    name="fcm",
    title="Firebase Cloud Messaging",
    channels=[Channel.PUSH],
    settings=Settings,
    api=HttpApi(request, outcome, login=LOGIN),
    capabilities=Capabilities(platforms=frozenset({"android"})),
)
