"""Signatures of webhooks, symmetric, by https://www.standardwebhooks.com.

A receiver checks HMAC-SHA256 over `id.timestamp.body` with the decoded part after `whsec_`.
"""

import base64
import hmac
from collections.abc import Callable
from typing import Final

PREFIX: Final = "whsec_"
_SECRET_OCTETS: Final = 32


def new_secret(random: Callable[[int], bytes]) -> str:
    """Return a new secret of 256 bits as it is shown: `whsec_` and base64."""
    return PREFIX + base64.b64encode(random(_SECRET_OCTETS)).decode()


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return the signature `v1,…` of a body; raises ValueError for a secret that is none.

    `timestamp` is in seconds since 1970.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a call: its id, its time and its signature."""
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, id, timestamp, body),
    }
