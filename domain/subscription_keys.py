"""The keys of a browser's push subscription (W3C Push API, RFC 8291 §2)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

_POINT_OCTETS: Final = 65
_SECRET_OCTETS: Final = 16


class BadKey(ValueError):
    """A key is missing or is none; `name` is p256dh or auth, the words say how to mend it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class SubscriptionKeys:
    """What a message to a browser is encrypted with."""

    point: bytes
    """The browser's public key: an uncompressed point of P-256, 65 octets."""
    secret: bytes
    """The secret that only browser and sender share, 16 octets."""


def read_keys(keys: Any) -> SubscriptionKeys:
    """Return the keys of a subscription, which are base64url; raises BadKey."""
    given = keys if isinstance(keys, Mapping) else {}
    point = _octets(given, "p256dh", _POINT_OCTETS)
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise BadKey("p256dh", "is not a public key of the curve P-256") from None
    return SubscriptionKeys(point, _octets(given, "auth", _SECRET_OCTETS))


def _octets(keys: Mapping[str, Any], name: str, length: int) -> bytes:
    value = keys.get(name)
    if not isinstance(value, str) or not value:
        raise BadKey(name, "is required for webpush")
    try:
        padded = value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4)
        octets = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadKey(name, "is not base64url (RFC 4648 §5)") from None
    if len(octets) != length:
        raise BadKey(name, f"must be {length} octets, and is {len(octets)}")
    return octets
