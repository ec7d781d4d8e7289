"""What a vendor over HTTP is made of: settings, and pure functions for requests and answers.

A vendor file says what to ask (`request`) and what an answer means (`outcome`); where the vendor
takes several messages in one call, a `Batch` says the same of many; where it wants an access token
first, a `Login` says how to get one, or an `OwnToken` how to make one; where it can be asked
afterwards, a `LookUp`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Report
from domain.vocabulary import Scope
from vendors.contract import Absent, Sought, VendorSettings


class HttpSettings(VendorSettings):
    """What every account over HTTP has; vendors give `base_url` its default."""

    http2: ClassVar[bool] = False
    """Whether the vendor speaks HTTP/2 only."""

    base_url: str = Field(description="Where the vendor's API is", max_length=500)
    connections: int = Field(50, ge=1, le=1000, description="Connections at once, per process")
    connect_seconds: float = Field(5, gt=0, description="Patience for DNS, TCP and TLS together")
    reply_seconds: float = Field(30, gt=0, description="Patience for the answer")
    ca_file: str = Field(
        "", description="PEM file of the authorities to trust; empty: the system's"
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")) or any(c.isspace() for c in value):
            raise ValueError("must begin with https:// (or http://) and hold no spaces")
        try:
            parts = urlsplit(value)
            named = parts.hostname and parts.port != 0
        except ValueError:
            named = False
        if not named:
            raise ValueError("must name a host, and a port between 1 and 65535 if any")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(
                "must hold neither a user nor a query: secrets have fields of their own"
            )
        return value.rstrip("/")


class Unfit(Exception):
    """A message that the vendor would refuse, seen before anything was sent.

    `reason` is one of docs/vendors.md; the words say how to mend it, with the count.
    """

    def __init__(self, reason: str, detail: str, scope: Scope = Scope.MESSAGE) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.scope = reason, detail, scope


@dataclass(frozen=True, slots=True)
class Moment:
    """What a request may depend on beside message and settings; tests fix it."""

    now: datetime
    token: str = ""
    """The access token, where there is a Login."""
    random: Callable[[int], bytes] = os.urandom


@dataclass(frozen=True, slots=True)
class Batch:
    """One call for several messages. `fits` keeps out those that must go alone.

    `divide` gives the messages of each call, where what one call shares (a sender) or how large it
    may be does not let all go together; each message stands in one of them.
    """

    size: int
    request: Callable[[Sequence[ContentMessage], Any, Moment], HttpRequest]
    outcomes: Callable[[Sequence[ContentMessage], HttpResponse], Sequence[Outcome]]
    fits: Callable[[ContentMessage], bool] = lambda message: True  # noqa: ARG005
    divide: Callable[[Sequence[ContentMessage]], Sequence[Sequence[ContentMessage]]] = (
        lambda messages: (messages,)
    )


@dataclass(frozen=True, slots=True)
class Login:
    """How to get an access token: `token` reads (token, seconds that it lives) from the answer.

    `expired` tells an answer that means that the token is used up: then it is renewed, once.
    """

    request: Callable[[Any, Moment], HttpRequest]
    token: Callable[[HttpResponse], tuple[str, float]]
    expired: Callable[[HttpResponse], bool]


@dataclass(frozen=True, slots=True)
class OwnToken:
    """An access token that we sign ourselves: `issue` returns (token, seconds that it is used).

    `expired` tells an answer that means that it is used up: then a new one is issued, once.
    """

    issue: Callable[[Any, Moment], tuple[str, float]]
    expired: Callable[[HttpResponse], bool]


@dataclass(frozen=True, slots=True)
class LookUp:
    """How to ask what became of an attempt; `found` returns None when the answer cannot tell."""

    request: Callable[[Sought, Any, Moment], HttpRequest]
    found: Callable[[HttpResponse, Sought], Report | Absent | None]


@dataclass(frozen=True, slots=True)
class HttpApi:
    """A vendor's pure functions.

    `request` raises Unfit for a message that must not be sent. `outcome` may raise Unreadable
    (or any ValueError, KeyError, TypeError of taking an answer apart): then the status decides.
    An accepted message that the vendor gives no id is known by ours, its attempt's.
    `skewed` tells an answer that means that our clock is wrong: it is then set by the answer's
    Date and the request is made again, once. `moved` returns the recipient's new address of an
    answer that says that nothing was sent because the old one is no more, else nothing: the
    message then goes there, once. `endpoint` says that the address itself is the URL to be
    reached, so that one which must not or cannot be reached is the recipient's affair.
    """

    request: Callable[[ContentMessage, Any, Moment], HttpRequest]
    outcome: Callable[[HttpResponse], Outcome]
    batch: Batch | None = None
    login: Login | OwnToken | None = None
    look_up: LookUp | None = None
    skewed: Callable[[HttpResponse], bool] | None = None
    moved: Callable[[HttpResponse], str] | None = None
    endpoint: bool = False
