"""Standard Webhooks: calls signed with a shared secret over their id, their time and their body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr

from domain.report import ReceiptForged
from domain.standard_webhooks import PREFIX, headers, sign

TOLERANCE: Final = 300
"""Seconds between signing and checking after which a call counts as a repeated one."""

_KEY_OCTETS: Final = (24, 64)
_TIME_DIGITS: Final = 12


def verify(secret: str, given: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check a call by its headers, whose names are in lower case.

    Several signatures, as while a secret is changed, stand apart by spaces: one must fit. Raises
    ReceiptForged, also for a call that was signed more than TOLERANCE seconds ago or ahead.
    """
    id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not id or not _is_a_time(timestamp):
        raise ReceiptForged("webhook-id is missing, or webhook-timestamp is not in seconds")
    expected = sign(secret, id, int(timestamp), body).encode()
    signatures = given.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(one.encode(), expected) for one in signatures):
        raise ReceiptForged("webhook-signature does not fit the secret, the id, the time, the body")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise ReceiptForged(f"webhook-timestamp is more than {TOLERANCE} seconds away from now")


def _is_a_time(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= _TIME_DIGITS


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def _check_secret(value: SecretStr) -> SecretStr:
    least, most = _KEY_OCTETS
    try:
        octets = len(_key(value.get_secret_value()))
    except (binascii.Error, ValueError):
        octets = 0
    if not value.get_secret_value().startswith(PREFIX) or not least <= octets <= most:
        raise ValueError(f"must be {PREFIX} and then {least} to {most} octets in base64")
    return value


WebhookSecret = Annotated[SecretStr, AfterValidator(_check_secret)]

__all__ = ["TOLERANCE", "WebhookSecret", "headers", "sign", "verify"]
