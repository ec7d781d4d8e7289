"""Apple Push Notification service:
https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
Answers: …/usernotifications/handling-notification-responses-from-apns
Sign-in: …/usernotifications/establishing-a-token-based-connection-to-apns
"""

from typing import Any, ClassVar, Final
from urllib.parse import quote

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr, field_validator

from domain.http import HttpRequest, HttpResponse
from domain.ids import decode
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind, Scope
from vendors.contract import Capabilities
from vendors.fields import PEM, Line
from vendors.http_api import HttpApi, HttpSettings, Moment, OwnToken, Unfit
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

_REJECTED, _TRANSIENT = OutcomeKind.REJECTED, OutcomeKind.TRANSIENT
_RECIPIENT, _MESSAGE, _ACCOUNT = Scope.RECIPIENT, Scope.MESSAGE, Scope.ACCOUNT

REFUSALS: Final[dict[tuple[str, ...], tuple[OutcomeKind, Scope, str]]] = {
    ("BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken"): (
        _REJECTED, _RECIPIENT, "unregistered",
    ),
    ("BadCollapseId", "BadMessageId", "BadPriority", "DuplicateHeaders", "InvalidPushType",
     "MissingDeviceToken", "PayloadEmpty", "BadPath", "MethodNotAllowed"): (
        _REJECTED, _MESSAGE, "invalid_payload",
    ),
    ("BadExpirationDate",): (_REJECTED, _MESSAGE, "ttl_invalid"),
    ("PayloadTooLarge",): (_REJECTED, _MESSAGE, "payload_too_large"),
    ("MissingTopic", "TopicDisallowed", "BadTopic"): (_REJECTED, _ACCOUNT, "config_missing"),
    ("BadCertificate", "BadCertificateEnvironment", "InvalidProviderToken",
     "MissingProviderToken", "ExpiredProviderToken", "BadEnvironmentKeyInToken",
     "BadEnvironmentKeyIdInToken", "UnrelatedKeyIdInToken"): (_REJECTED, _ACCOUNT, "auth_failed"),
    ("Forbidden",): (_REJECTED, _ACCOUNT, "forbidden"),
    ("TooManyRequests",): (OutcomeKind.THROTTLED, _RECIPIENT, "rate_recipient"),
    ("TooManyProviderTokenUpdates",): (OutcomeKind.THROTTLED, _ACCOUNT, "rate_account"),
    ("IdleTimeout", "ServiceUnavailable", "Shutdown"): (
        _TRANSIENT, _ACCOUNT, "vendor_unavailable",
    ),
    ("InternalServerError",): (OutcomeKind.UNKNOWN, _MESSAGE, "vendor_error_after_body"),
}  # fmt: skip
"""Apple's reason → outcome. The topic is a setting of the account, so a bad one is its affair."""

_BY_REASON: Final = {reason: meaning for many, meaning in REFUSALS.items() for reason in many}

MOST_OCTETS: Final = 4_096
_MOST_SECONDS: Final = 30 * 86_400
_TOKEN_SECONDS: Final = 2_700.0
"""Apple wants a new token after 20 minutes at the earliest and 60 at the latest; it is renewed a
tenth of this before its end."""


class Settings(HttpSettings):
    """An app of a team at Apple, by a key for APNs (.p8)."""

    http2: ClassVar[bool] = True

    base_url: str = Field(
        "https://api.push.apple.com",
        description="Where the API is; for builds of developers https://api.sandbox.push.apple.com",
    )
    key: SecretStr = Field(
        description="The key for APNs: the whole .p8 file, in PEM", json_schema_extra=PEM
    )
    key_id: Line = Field(description="Id of the key (10 characters)", min_length=1)
    team_id: Line = Field(description="Id of the team (10 characters)", min_length=1)
    topic: Line = Field(description="The app's bundle id", min_length=1)

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        try:
            key = load_pem_private_key(value.get_secret_value().encode(), None)
        except (ValueError, TypeError):
            raise ValueError("must be the PEM text of a .p8 file") from None
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("must be a P-256 key, as Apple gives out for APNs")
        return value


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends to one device; raises Unfit."""
    seconds = lifetime(message, moment.now, _MOST_SECONDS)
    expires = int(moment.now.timestamp()) + seconds if seconds else 0  # 0: one try
    headers = {
        "authorization": f"bearer {moment.token}",
        "content-type": "application/json",
        "apns-topic": settings.topic,
        "apns-push-type": "alert",
        "apns-priority": "10" if message.class_ in URGENT else "5",
        "apns-expiration": str(expires),
        "apns-id": str(decode("att", message.attempt_id)),
    }
    if key := collapse_key(message, r"\x21-\x7e", 64):
        headers["apns-collapse-id"] = key
    body = compact(_payload(message))
    check_size(len(body), MOST_OCTETS, "APNs")
    place = f"{settings.base_url}/3/device/{quote(message.address, safe='')}"
    return HttpRequest("POST", place, headers, body)


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; raises Unreadable. A 200 has no body, only apns-id."""
    if response.status == 200:
        return accepted(response.headers.get("apns-id", ""), response)
    document = read_json(response)
    reason, since = str(document.get("reason") or ""), document.get("timestamp")
    if reason not in _BY_REASON:
        return outcome_of_status(response, reason)
    return outcome_of(
        _BY_REASON[reason],
        code=reason,
        detail=f"since {since} (ms)" if since else "",
        retry_after=retry_after(response.headers),
    )


def provider_token(settings: Settings, moment: Moment) -> tuple[str, float]:
    """Return a token that says who we are, and for how long it is used."""
    token = jwt.encode(
        {"iss": settings.team_id, "iat": int(moment.now.timestamp())},
        settings.key.get_secret_value(),
        "ES256",
        headers={"kid": settings.key_id},
    )
    return token, _TOKEN_SECONDS


def _expired(response: HttpResponse) -> bool:
    return response.status == 403 and b'"ExpiredProviderToken"' in response.body


def _payload(message: ContentMessage) -> dict[str, Any]:
    content = message.content
    alert = {name: content[name] for name in ("title", "body") if content.get(name)}
    aps: dict[str, Any] = {"alert": alert}
    if (badge := whole_number(message, "badge")) is not None:
        aps["badge"] = badge
    if sound := content.get("sound"):
        aps["sound"] = str(sound)
    if content.get("image"):
        aps["mutable-content"] = 1  # the app's service extension fetches it
    own = carried(message)
    if "aps" in own:
        raise Unfit("invalid_payload", "Apple keeps the name aps in data for itself")
    return {"aps": aps, **own}


KIND: Final = http_kind(
    name="apns",
    title="Apple Push Notification service",
    channels=[Channel.PUSH],
    settings=Settings,
    api=HttpApi(request, outcome, login=OwnToken(provider_token, _expired)),
    capabilities=Capabilities(platforms=frozenset({"ios"})),
)
