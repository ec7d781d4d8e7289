"""Apple Push Notification service as its pages describe it; to be served by FakeHttp2."""

import re
import secrets
import time
import uuid
from typing import Any, ClassVar

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_KEY = ec.generate_private_key(ec.SECP256R1())

_REFUSALS: dict[Behaviour, tuple[int, str]] = {
    Behaviour.REJECT_RECIPIENT: (410, "Unregistered"),
    Behaviour.REJECT_MESSAGE: (400, "PayloadEmpty"),
    Behaviour.REJECT_ACCOUNT: (400, "TopicDisallowed"),
    Behaviour.THROTTLE: (429, "TooManyRequests"),
    Behaviour.FAIL: (500, "InternalServerError"),
    Behaviour.UNAVAILABLE: (503, "ServiceUnavailable"),
}


def a_key(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the .p8 file of a key."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


class FakeApns(FakeVendor):
    """One team with one key and one app."""

    name: ClassVar[str] = "apns"
    team: ClassVar[str] = "TEAM123456"
    kid: ClassVar[str] = "KEY1234567"
    topic: ClassVar[str] = "com.example.app"

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        """Provider tokens that it has seen, oldest first."""
        self.expired: set[str] = set()

    @classmethod
    def key(cls) -> str:
        """Return the .p8 file of the one key."""
        return a_key(_KEY)

    def expire(self) -> None:
        """Let all provider tokens so far be too old."""
        self.expired |= set(self.tokens)

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one device token."""
        return [asked.path.rpartition("/")[2]]

    def answer(self, asked: Asked) -> Answer:
        """Check a request and take it."""
        refused = self._who(asked) or _wrong(asked)
        if refused is not None:
            return _error(*refused)
        [device] = self.addresses(asked)
        name = asked.headers.get("apns-id") or str(uuid.uuid4())
        body = asked.json()
        self.taken.append(Taken(name, device, str(body.get("tocsin_id", "")), asked, body))
        return Answer(200, {"apns-id": name})

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with Apple's reason."""
        return _error(*_REFUSALS[behaviour])

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """APNs tells nothing afterwards."""
        raise NotImplementedError

    def _who(self, asked: Asked) -> tuple[int, str] | None:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "bearer" or not token:
            return 403, "MissingProviderToken"
        try:
            claims = jwt.decode(
                token, _KEY.public_key(), algorithms=["ES256"], options={"require": ["iss", "iat"]}
            )
            header = jwt.get_unverified_header(token)
            fair = header["kid"] == self.kid and claims["iss"] == self.team
        except (jwt.InvalidTokenError, KeyError):
            fair = False
        if not fair:
            return 403, "InvalidProviderToken"
        if token not in self.tokens:
            self.tokens.append(token)
        if token in self.expired or claims["iat"] < time.time() - 3_600:
            return 403, "ExpiredProviderToken"
        if asked.headers.get("apns-topic") != self.topic:
            return 400, "TopicDisallowed"
        return None


def _wrong(asked: Asked) -> tuple[int, str] | None:
    """Return why a request cannot be taken."""
    if asked.method != "POST":
        return 405, "MethodNotAllowed"
    place = re.fullmatch(r"/3/device/([^/]+)", asked.path)
    if place is None:
        return 404, "BadPath"
    if not re.fullmatch(r"(?:[0-9a-f]{2}){32,100}", place[1]):
        return 400, "BadDeviceToken"
    headers = asked.headers
    if headers.get("apns-push-type") not in ("alert", "background"):
        return 400, "InvalidPushType"
    if headers.get("apns-priority", "10") not in ("1", "5", "10"):
        return 400, "BadPriority"
    if not re.fullmatch(r"\d{1,10}", headers.get("apns-expiration", "0")):
        return 400, "BadExpirationDate"
    if len(headers.get("apns-collapse-id", "").encode()) > 64:
        return 400, "BadCollapseId"
    name = headers.get("apns-id")
    if name is not None and name != str(uuid.UUID(name)):
        return 400, "BadMessageId"
    if len(asked.body) > 4_096:
        return 413, "PayloadTooLarge"
    try:
        aps: Any = asked.json()["aps"]
    except (ValueError, KeyError, TypeError):
        return 400, "PayloadEmpty"
    return None if aps else (400, "PayloadEmpty")


def _error(status: int, reason: str) -> Answer:
    document: dict[str, Any] = {"reason": reason}
    if status == 410:
        document["timestamp"] = int(time.time() * 1_000) - secrets.randbelow(10**9)
    return Answer.of_json(status, document, apns_id=str(uuid.uuid4()))
