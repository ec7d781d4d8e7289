"""What a vendor says on its own, by webhook or look-up: of an attempt, or on behalf of somebody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.http import HttpRequest, HttpResponse
from domain.vocabulary import Channel, ReceiptKind


class ReceiptForged(Exception):
    """A call does not carry the vendor's own signature, or carries one that was used before.

    Its words never repeat a secret.
    """


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one attempt. `kind` None is a note that changes nothing (deferred, queued).

    `attempt_id` is ours (`att_…`), which travelled with the message. `event_key` tells a
    duplicate: the vendor's own event id, or what makes the event one. `hard` bounces and failures
    are for good and suppress the address; `reason` is one of docs/vendors.md.
    """

    kind: ReceiptKind | None
    attempt_id: str
    event_key: str
    at: datetime
    address: str = ""
    reason: str = ""
    hard: bool = False
    unsubscribes: bool = False
    machine: bool = False
    """An opening or a click of a program, as far as the vendor can tell."""
    url: str = ""
    """What was clicked, as the vendor says it."""
    vendor_code: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a recipient wrote back; `sender` is their address, `to` is ours."""

    channel: Channel
    sender: str
    to: str
    text: str
    event_key: str
    at: datetime
    unsubscribes: bool = False
    resubscribes: bool = False
    answered: bool = False
    """The vendor has understood it and has answered itself, so that we must not."""
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that one call says, and how it must be answered.

    `follow` is a request that confirms a subscription; it is made only after `verify`.
    """

    reports: tuple[Report, ...] = ()
    replies: tuple[Reply, ...] = ()
    answer: HttpResponse = field(default_factory=lambda: HttpResponse(200))
    follow: HttpRequest | None = None
