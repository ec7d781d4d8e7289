"""What recipients do with a message that arrived: open it, follow a link, refuse more, complain."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from domain.vocabulary import ReceiptKind


class EngagementKind(StrEnum):
    """What a recipient did."""

    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


OF_RECEIPTS: Final[Mapping[ReceiptKind, EngagementKind]] = {
    ReceiptKind.OPENED: EngagementKind.OPENED,
    ReceiptKind.CLICKED: EngagementKind.CLICKED,
    ReceiptKind.COMPLAINED: EngagementKind.COMPLAINED,
}
"""What vendors' receipts say of recipients."""

_LONGEST_URL: Final = 300


@dataclass(frozen=True, slots=True)
class Engagement:
    """Something done with a delivery; `machine` by a program, and then `reason` says which.

    `link` is the number of the link in its template, from 1; 0 where there is none or none is
    known. `url` is what the link opens, as `plain_url` makes it.
    """

    delivery_id: UUID
    kind: EngagementKind
    at: datetime
    link: int = 0
    url: str = ""
    machine: bool = False
    reason: str = ""
    times: int = 1


def plain_url(url: str) -> str:
    """Return an address without what may be secret or personal in it: user, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:_LONGEST_URL] if host else ""
