"""Web Push: to any push service that a browser names (RFC 8030, 8291, 8292).

Apple's own words: https://developer.apple.com/documentation/usernotifications/sending-web-push-notifications-in-web-apps-and-browsers
"""

from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.subscription_keys import BadKey, SubscriptionKeys, read_keys
from domain.vocabulary import CategoryClass, Channel, OutcomeKind, Scope
from vendors.fields import PEM, Line
from vendors.http_api import HttpApi, HttpSettings, Moment, Unfit
from vendors.http_outcomes import Unreadable, accepted, outcome_of, outcome_of_status, retry_after
from vendors.over_http import http_kind
from vendors.push_message import TAG, check_size, collapse_key, compact, lifetime, whole_number
from vendors.webpush.encryption import (
    MOST_PLAINTEXT,
    SALT_OCTETS,
    SEED_OCTETS,
    encrypt,
    one_time_key,
)
from vendors.webpush.vapid import authorization, load_key

_REJECTED, _RECIPIENT = OutcomeKind.REJECTED, Scope.RECIPIENT

REFUSALS: Final[dict[int, tuple[OutcomeKind, Scope, str]]] = {
    400: (_REJECTED, Scope.MESSAGE, "invalid_payload"),
    401: (_REJECTED, Scope.ACCOUNT, "auth_failed"),
    403: (_REJECTED, Scope.ACCOUNT, "auth_failed"),
    404: (_REJECTED, _RECIPIENT, "unregistered"),
    410: (_REJECTED, _RECIPIENT, "unregistered"),
    413: (_REJECTED, Scope.MESSAGE, "payload_too_large"),
    429: (OutcomeKind.THROTTLED, _RECIPIENT, "rate_recipient"),
    503: (OutcomeKind.TRANSIENT, _RECIPIENT, "vendor_unavailable"),
}
"""Status → outcome. Behind one account stand the push services of all browsers, so one that is
slow or away is no reason to spare the others: it is the recipient's."""

_MOVED: Final = (_REJECTED, _RECIPIENT, "unreachable")
"""Nobody is followed: where a redirect leads was never promised to be a push service."""

_WRONG_KEY: Final = b"VapidPkHashMismatch"
"""What Apple says with a 400 when a subscription was made for another VAPID key."""

_URGENCY: Final = {
    CategoryClass.OTP: "high",
    CategoryClass.TRANSACTIONAL: "high",
    CategoryClass.BULK: "normal",
    CategoryClass.MARKETING: "low",
}
_MOST_SECONDS: Final = 28 * 86_400
_SHOWN: Final = ("title", "body", "url", "image", "sound", "data")


class Settings(HttpSettings):
    """Who we are to push services: one key pair for all browsers."""

    base_url: str = Field(
        "https://localhost", description="Not used: each subscription names its push service"
    )
    vapid_private_key: SecretStr = Field(
        description="P-256 key in PEM, or its 32 octets in base64url; subscriptions hang on it",
        json_schema_extra=PEM,
    )
    subject: Line = Field(
        description="Where push services can reach you: mailto:… or https://…", min_length=1
    )

    @field_validator("vapid_private_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        try:
            load_key(value.get_secret_value())
        except ValueError as error:
            raise ValueError(f"must be a private key of the curve P-256: {error}") from None
        return value

    @field_validator("subject")
    @classmethod
    def _can_be_reached(cls, value: str) -> str:
        if not value.startswith(("mailto:", "https://")) or "localhost" in value or " " in value:
            raise ValueError("must be mailto: or https: and a real place; Apple refuses localhost")
        return value


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends to one subscription; raises Unfit."""
    audience, keys = _origin(message.address), _keys(message)
    plaintext = compact(_payload(message))
    check_size(len(plaintext), MOST_PLAINTEXT, "Web Push")
    private = settings.vapid_private_key.get_secret_value()
    headers = {
        "Authorization": authorization(private, settings.subject, audience, moment.now),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(lifetime(message, moment.now, _MOST_SECONDS)),
        "Urgency": _URGENCY[message.class_],
    }
    if topic := collapse_key(message, "A-Za-z0-9_-", 32):
        headers["Topic"] = topic
    body = encrypt(
        plaintext,
        keys,
        salt=moment.random(SALT_OCTETS),
        private=one_time_key(moment.random(SEED_OCTETS)),
    )
    return HttpRequest("POST", message.address, headers, body)


def outcome(response: HttpResponse) -> Outcome:
    """Return what a push service's answer means; raises Unreadable.

    201 is its word that it has the message (RFC 8030 §5); another 2xx must name the message.
    """
    status = response.status
    if 200 <= status < 300:
        name = response.headers.get("location") or response.headers.get("apns-id") or ""
        if not name and status != 201:
            raise Unreadable("neither 201 nor the name of a message")
        return accepted(name or "unnamed", response)
    found = outcome_of_status(response)
    if status not in REFUSALS and not 300 <= status < 400:
        return found
    meaning = REFUSALS.get(status, _MOVED)
    if status == 400 and _WRONG_KEY in response.body:
        meaning = REFUSALS[403]
    judged = outcome_of(meaning, code=str(status), detail=found.detail)
    waits = judged.kind in (OutcomeKind.THROTTLED, OutcomeKind.TRANSIENT)
    return replace(judged, retry_after=retry_after(response.headers)) if waits else judged


def _origin(endpoint: str) -> str:
    """Return the origin of a subscription's endpoint, which is the token's audience."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise _unfit("its endpoint is not a URL") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise _unfit("its endpoint is not a URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port is None or port == {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{port}"


def _keys(message: ContentMessage) -> SubscriptionKeys:
    try:
        return read_keys(message.target.get("keys"))
    except BadKey as bad:
        raise _unfit(f"{bad.name} {bad}") from None


def _unfit(why: str) -> Unfit:
    return Unfit("invalid_address", f"the subscription cannot be used: {why}", Scope.RECIPIENT)


def _payload(message: ContentMessage) -> dict[str, Any]:
    """Return what the site's service worker is handed."""
    content = message.content
    shown = {name: content[name] for name in _SHOWN if content.get(name)}
    badge = whole_number(message, "badge")
    if badge is not None:
        shown["badge"] = badge
    if key := content.get("collapse_key"):
        shown["tag"] = str(key)
    return {**shown, TAG: message.attempt_id}


KIND: Final = http_kind(
    name="webpush",
    title="Web Push",
    channels=[Channel.WEBPUSH],
    settings=Settings,
    api=HttpApi(request, outcome, endpoint=True),
)
