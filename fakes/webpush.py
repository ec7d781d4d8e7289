"""A push service for browsers (RFC 8030), and the browser behind it that reads what comes."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from typing import ClassVar
from urllib.parse import urlsplit

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_BROWSER = ec.generate_private_key(ec.SECP256R1())
_AUTH = secrets.token_bytes(16)
_VAPID = ec.generate_private_key(ec.SECP256R1())

_REFUSALS: dict[Behaviour, tuple[int, str]] = {
    Behaviour.REJECT_RECIPIENT: (410, "push subscription has unsubscribed or expired."),
    Behaviour.REJECT_MESSAGE: (400, "Invalid request."),
    Behaviour.REJECT_ACCOUNT: (403, "permission denied: invalid JWT provided"),
    Behaviour.THROTTLE: (429, "Too Many Requests"),
    Behaviour.FAIL: (500, "Internal Server Error"),
    Behaviour.UNAVAILABLE: (503, "Service Unavailable"),
}
_DAY = 86_400


class FakeWebPush(FakeVendor):
    """One subscription, made for one VAPID key, at `/send/one`; what it takes, it decrypts."""

    name: ClassVar[str] = "webpush"

    @classmethod
    def keys(cls) -> dict[str, str]:
        """Return what the page hands over with the endpoint."""
        return {"p256dh": _base64url(_point(_BROWSER)), "auth": _base64url(_AUTH)}

    @classmethod
    def vapid_key(cls) -> str:
        """Return the private key that the subscription was made for, as 32 octets."""
        return _base64url(_VAPID.private_numbers().private_value.to_bytes(32, "big"))

    def addresses(self, asked: Asked) -> list[str]:
        """Return the endpoint."""
        return [asked.url]

    def answer(self, asked: Asked) -> Answer:
        """Check a message, read it as the browser would, and take it."""
        if asked.path != "/send/one":
            return _error(410, "no such subscription")
        refused = _who(asked) or _wrong(asked)
        if refused is not None:
            return _error(*refused)
        try:
            shown = json.loads(open_message(asked.body, _BROWSER, _AUTH))
        except (InvalidTag, ValueError):
            return _error(400, "the message cannot be decrypted")
        name = f"{_origin(asked.url)}/m/{secrets.token_urlsafe(16)}"
        self.taken.append(Taken(name, asked.url, shown.get("tocsin_id", ""), asked, shown))
        return Answer(201, {"Location": name, "TTL": asked.headers["ttl"]})

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer as push services do."""
        return _error(*_REFUSALS[behaviour])

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Push services tell nothing afterwards."""
        raise NotImplementedError


def open_message(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Return the plaintext of an aes128gcm body of one record (RFC 8188, 8291), by hand.

    Raises ValueError or InvalidTag for one that is not for this browser.
    """
    salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    if length != 65 or size < 18 or len(sealed) > size:
        raise ValueError("not one record with the sender's key")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    shared = private.exchange(ec.ECDH(), theirs)
    context = b"WebPush: info\x00" + _point(private) + sender
    material = _expand(_extract(auth, shared), context, 32)
    root = _extract(salt, material)
    key = _expand(root, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _expand(root, b"Content-Encoding: nonce\x00", 12)
    padded = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
    if padded[-1:] != b"\x02":
        raise ValueError("not the last record")
    return padded[:-1]


def _who(asked: Asked) -> tuple[int, str] | None:
    given = re.fullmatch(r"vapid t=([\w.-]+), ?k=([\w-]+)", asked.headers.get("authorization", ""))
    if given is None:
        return 401, "missing Authorization"
    if given[2] != _base64url(_point(_VAPID)):
        words = "the VAPID credentials in the authorization header do not correspond to the"
        return 403, f"{words} credentials used to create the subscriptions."
    try:
        claims = jwt.decode(
            given[1], _VAPID.public_key(), algorithms=["ES256"], audience=_origin(asked.url),
            options={"require": ["aud", "exp", "sub"]},
        )  # fmt: skip
    except jwt.InvalidTokenError:
        return 403, "permission denied: invalid JWT provided"
    fair = claims["sub"].startswith(("mailto:", "https:")) and claims["exp"] <= time.time() + _DAY
    return None if fair else (403, "permission denied: invalid JWT provided")


def _wrong(asked: Asked) -> tuple[int, str] | None:
    headers = asked.headers
    if not headers.get("ttl", "").isdecimal():
        return 400, "missing TTL"
    if headers.get("content-encoding") != "aes128gcm":
        return 400, "unknown Content-Encoding"
    if headers.get("urgency", "normal") not in ("very-low", "low", "normal", "high"):
        return 400, "invalid Urgency"
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", headers.get("topic", "")):
        return 400, "invalid Topic"
    return (413, "payload too large") if len(asked.body) > 4_096 else None


def _error(status: int, words: str) -> Answer:
    headers = {"Content-Type": "text/plain"}
    if status in (429, 503):
        headers["Retry-After"] = "7"
    return Answer(status, headers, words.encode())


def _extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, material, hashlib.sha256)


def _expand(root: bytes, info: bytes, length: int) -> bytes:
    return hmac.digest(root, info + b"\x01", hashlib.sha256)[:length]


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
