"""How a sender says who it is to a push service: VAPID (RFC 8292)."""

import base64
import binascii
from datetime import datetime
from functools import lru_cache
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

_STEP_SECONDS: Final = 6 * 3_600
_KEY_OCTETS: Final = 32


def authorization(key: str, subject: str, audience: str, now: datetime) -> str:
    """Return the header by which the holder of `key` speaks to the origin `audience` (§3).

    The token in it is the same for 6 hours, and is good for 6 to 12 (§2: at most 24).
    """
    return _signed(key, subject, audience, int(now.timestamp()) // _STEP_SECONDS)


def load_key(text: str) -> EllipticCurvePrivateKey:
    """Return a P-256 key of PEM text, or of its 32 octets in base64url; raises ValueError."""
    if "-----BEGIN" in text:
        try:
            key = load_pem_private_key(text.encode(), None)
        except (ValueError, TypeError):
            raise ValueError("the PEM text cannot be read, or has a password") from None
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("not a key of the curve P-256")
        return key
    try:
        raw = text.strip().rstrip("=")
        octets = base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("neither PEM nor base64url") from None
    if len(octets) != _KEY_OCTETS:
        raise ValueError(f"{len(octets)} octets instead of {_KEY_OCTETS}")
    try:
        return derive_private_key(int.from_bytes(octets, "big"), SECP256R1())
    except ValueError:
        raise ValueError("a number that is no key") from None


def public_key(key: EllipticCurvePrivateKey) -> str:
    """Return the public key as browsers and push services take it: `applicationServerKey`."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


@lru_cache(maxsize=1_024)
def _signed(key: str, subject: str, audience: str, step: int) -> str:
    private = load_key(key)
    claims = {"aud": audience, "exp": (step + 2) * _STEP_SECONDS, "sub": subject}
    return f"vapid t={jwt.encode(claims, private, 'ES256')}, k={public_key(private)}"
