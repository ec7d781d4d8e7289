"""What a vendor is to the rest: a kind that can be configured, and an open account that sends.

An account is whatever can `send` a message and `close`. A vendor of a protocol with connections of
its own, as SMTP, is given a pool by the composition root; it opens no socket itself. A vendor over
HTTP is pure functions (request of a message, outcome of a response, and so on), which
`vendors/over_http.py` makes into the same `Vendor`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from domain.http import HttpExchange, HttpRequest, Webhook
from domain.message import ContentMessage, EmailMessage, Message
from domain.outcome import Outcome
from domain.report import Heard, Report
from domain.return_paths import ReturnPaths
from domain.sealed_settings import SealedSettings
from domain.vocabulary import Channel

Keep = Callable[[ContentMessage], Awaitable[None]]
"""Keeps a message where people can look at it, once per attempt id."""


class Vendor(Protocol):
    """An account at a vendor, ready to send.

    `takes_fields` says that its e-mails, too, are handed over as rendered content.
    """

    @property
    def takes_fields(self) -> bool:
        """Whether it takes ContentMessage in every channel, and never EmailMessage."""

    @property
    def default_from(self) -> str:
        """The sender of mail that names none; empty: the installation's."""

    async def send(self, message: Message, *, deadline: float) -> Outcome:
        """Try once, until `deadline` (of time.monotonic()) at the latest, and say how it ended.

        It raises only for our own bugs, and when it is cancelled.
        """

    async def close(self) -> None:
        """Give back connections."""


@runtime_checkable
class BatchVendor(Vendor, Protocol):
    """An account whose vendor takes several messages, each for another recipient, in one call."""

    @property
    def batch(self) -> int:
        """How many messages one call may carry."""

    async def send_batch(
        self, messages: Sequence[Message], *, deadline: float
    ) -> Sequence[Outcome]:
        """Try once, as `send`; one outcome for each message, in order."""


@runtime_checkable
class InTurnVendor(Vendor, Protocol):
    """An account that carries messages one after the other over one connection, without a pause."""

    @property
    def most_in_turn(self) -> int:
        """How many of them had better go over one connection."""

    async def send_in_turn(
        self, messages: Sequence[Message], *, deadline: float
    ) -> Sequence[Outcome]:
        """Try each once, as `send`; one outcome for each message, in order."""


@dataclass(frozen=True, slots=True)
class Sought:
    """An attempt of which it is not known whether it was sent."""

    attempt_id: str
    vendor_id: str
    channel: Channel
    address: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class Absent:
    """A vendor's own word that it never had a message."""


@runtime_checkable
class LookUpVendor(Vendor, Protocol):
    """An account whose vendor can be asked what became of an attempt."""

    async def look_up(self, sought: Sought, *, deadline: float) -> Report | Absent | None:
        """Return what the vendor knows; None when nobody can tell now."""


class MailReply(Protocol):
    """A mail server's reply."""

    @property
    def code(self) -> int:
        """Its three digits."""

    @property
    def enhanced(self) -> str:
        """Its enhanced status code (RFC 3463), or nothing."""

    @property
    def text(self) -> str:
        """Its words."""


class MailExchange(Protocol):
    """How far a message came at a mail server.

    `phase`: pool, dns, connect, tls, greeting, ehlo, auth, rset, mail, rcpt, data, body, final-dot.
    `problem`, when there is no reply: lost, timeout, malformed, unsupported (what we insist on is
    not offered), or sender, recipient, message, size (unfit, and nothing of it was written).
    """

    @property
    def phase(self) -> str:
        """The step that ended it."""

    @property
    def reply(self) -> MailReply | None:
        """The server's last word; None when there is a problem instead."""

    @property
    def problem(self) -> str:
        """Why there is no reply."""

    @property
    def detail(self) -> str:
        """The problem in words."""


class MailPool(Protocol):
    """Connections to one mail server, signed in."""

    async def send(self, message: EmailMessage, *, deadline: float) -> MailExchange:
        """Try once to hand over a message; never raises for what server or network do."""

    async def send_all(
        self, messages: Sequence[EmailMessage], *, deadline: float
    ) -> Sequence[MailExchange]:
        """Try once to hand over messages, over one connection; one exchange for each, in order."""

    async def close(self) -> None:
        """Close the connections."""


class HttpPool(Protocol):
    """Connections to the servers of one account, over HTTP."""

    async def exchange(self, request: HttpRequest, *, deadline: float) -> HttpExchange:
        """Try once; never raises for what server or network do."""

    async def close(self) -> None:
        """Close the connections."""


class VendorSettings(SealedSettings):
    """The settings of an account; secrets are SecretStr and never shown."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root lends to kinds that need more than their settings."""

    mail_pool: Callable[[Any], MailPool]
    keep: Keep
    http_pool: Callable[[Any], HttpPool]
    """Over HTTP/1.1, or over HTTP/2 where the settings say `http2`."""
    return_paths: ReturnPaths = field(default_factory=ReturnPaths)
    """Makes the return paths of mail; without a key it makes none."""


@dataclass(frozen=True, slots=True)
class Checking:
    """What a signature is checked with: the clock, what `Webhooks.needs` had fetched, and the keys
    that return paths were made with.
    """

    now: datetime
    material: Mapping[str, bytes] = field(default_factory=dict)
    """Bodies by URL."""
    return_paths: ReturnPaths = field(default_factory=ReturnPaths)


def _needs_nothing(webhook: Webhook, settings: Any) -> Sequence[HttpRequest]:  # noqa: ARG001
    return ()


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How a vendor's calls are read. All three are pure; `settings` are the account's.

    `needs` names what must be fetched before the signature can be checked (a certificate), only
    from places that the vendor itself is known by. `verify` raises ReceiptForged. `receipts` is
    called after it, and raises ValueError for a call that cannot be read.
    """

    verify: Callable[[Webhook, Any, Checking], None]
    receipts: Callable[[Webhook, Any], Heard]
    needs: Callable[[Webhook, Any], Sequence[HttpRequest]] = _needs_nothing


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a vendor can do; docs/vendors.md shows it as a table."""

    batch: int = 1
    """Recipients of one call."""
    receipts: bool = False
    """Whether it tells later what became of a message."""
    idempotency: bool = False
    """Whether the same attempt id twice is one message, so that a repeat is safe."""
    scheduled: bool = False
    """Whether it could hold a message itself; Tocsin's own timers are used all the same."""
    replies: bool = False
    """Whether it passes on what recipients write back."""
    look_up: bool = False
    """Whether it can be asked what became of an attempt; over HTTP known by its `LookUp`."""
    platforms: frozenset[str] = frozenset()
    """Of push: whose phones it reaches (android, ios); empty: no matter."""


@dataclass(frozen=True, slots=True)
class VendorKind:
    """A vendor that accounts can be made of; `settings` is also the form that people fill in."""

    name: str
    title: str
    channels: frozenset[Channel]
    settings: type[VendorSettings]
    open_account: Callable[[Any, Parts], Vendor]
    capabilities: Capabilities = Capabilities()
    webhooks: Webhooks | None = None

    def read(self, settings: Mapping[str, Any]) -> VendorSettings:
        """Return settings checked; raises pydantic.ValidationError."""
        return self.settings.model_validate(dict(settings))

    def open(self, settings: Mapping[str, Any], parts: Parts) -> Vendor:
        """Return an account open; raises pydantic.ValidationError for wrong settings."""
        return self.open_account(self.read(settings), parts)
