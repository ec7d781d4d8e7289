"""What is wrong with a channel's words: errors keep them from being sent, warnings do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from domain.errors import FieldError
from domain.vocabulary import Channel


class Severity(StrEnum):
    """Whether words with a problem may be sent."""

    ERROR = "error"
    WARNING = "warning"


INVALID = "invalid_payload"
TOO_LARGE = "payload_too_large"
"""Reasons of a delivery that fails for its words; docs/vendors.md lists them."""


@dataclass(frozen=True, slots=True)
class ContentProblem:
    """One problem of one field, as `content.sms.text`; `reason` is what a delivery fails with."""

    severity: Severity
    channel: Channel
    field: str
    message: str
    reason: str = INVALID

    def shown(self) -> dict[str, Any]:
        """Return it as previews show it."""
        return {
            "severity": self.severity.value,
            "channel": self.channel.value,
            "field": self.field,
            "message": self.message,
        }


class ContentRefused(Exception):
    """The words cannot be sent on their channel; `reason` is one of docs/vendors.md."""

    def __init__(self, problems: Sequence[ContentProblem]) -> None:
        super().__init__("; ".join(f"{one.field} {one.message}" for one in problems))
        self.errors = [FieldError(one.field, one.message) for one in problems]
        self.reason = problems[0].reason


def error(channel: Channel, field: str, message: str, reason: str = INVALID) -> ContentProblem:
    """Return an error of a field of a channel's words."""
    place = f"content.{channel.value}.{field}"
    return ContentProblem(Severity.ERROR, channel, place, message, reason)


def warning(channel: Channel, field: str, message: str) -> ContentProblem:
    """Return a warning of a field of a channel's words."""
    return ContentProblem(Severity.WARNING, channel, f"content.{channel.value}.{field}", message)


def fault_of_link(url: str, schemes: frozenset[str]) -> str | None:
    """Return why something cannot be a link of one of these schemes; None when it can."""
    if not url.isprintable() or " " in url:
        return "holds a space or a control character, which no address may have"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "is not an address (RFC 3986)"
    if parts.scheme not in schemes:
        return f"must begin with {' or '.join(f'{one}://' for one in sorted(schemes))}"
    return None if parts.netloc else "names no host"
