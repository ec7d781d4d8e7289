"""What push vendors share: how long a message may wait, how urgent it is, what it carries."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.message import ContentMessage
from domain.vocabulary import CategoryClass
from vendors.http_api import Unfit

URGENT: Final = frozenset({CategoryClass.OTP, CategoryClass.TRANSACTIONAL})
"""Classes that wake a sleeping device."""

TAG: Final = "tocsin_id"
"""The key under which our attempt's id travels, so that an app can report what it showed."""


def lifetime(message: ContentMessage, now: datetime, most: int) -> int:
    """Return for how many seconds a push service may keep a message, 0 to `most`.

    That is its ttl, and never longer than until it expires. Raises Unfit.
    """
    seconds = whole_number(message, "ttl", "ttl_invalid")
    left = most if seconds is None else seconds
    if message.expires_at is not None:
        left = min(left, int((message.expires_at - now).total_seconds()))
    return min(max(left, 0), most)


def whole_number(message: ContentMessage, name: str, reason: str = "invalid_payload") -> int | None:
    """Return a field that is a whole number, 0 or more; None without it. Raises Unfit."""
    value = message.content.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)):
        raise Unfit(reason, f"{name} must be a whole number, 0 or more")
    return int(value)


def collapse_key(message: ContentMessage, allowed: str, most: int) -> str | None:
    """Return the key under which a newer message takes the place of an older one.

    One that has other characters than `allowed` (a class of a regular expression), or more than
    `most`, becomes its digest, which tells messages apart as well.
    """
    key = str(message.content.get("collapse_key") or "")
    if not key:
        return None
    if re.fullmatch(f"[{allowed}]{{1,{most}}}", key):
        return key
    return hashlib.sha256(key.encode()).hexdigest()[:most]


def carried(message: ContentMessage) -> dict[str, Any]:
    """Return what travels beside the words: the author's data, where to go, and our tag."""
    content = message.content
    data: Mapping[str, Any] = content.get("data") or {}
    known = {name: content[name] for name in ("url", "image") if content.get(name)}
    return {**data, **known, TAG: message.attempt_id}


def compact(document: Any) -> bytes:
    """Return JSON without spaces, as its octets are counted."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def check_size(octets: int, most: int, vendor: str) -> None:
    """Raise Unfit for a message that is too large."""
    if octets > most:
        raise Unfit(
            "payload_too_large",
            f"title, body and data together have {octets:,} octets; {vendor} takes {most:,}",
        )
