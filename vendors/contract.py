"""What a vendor is to the rest: a kind that can be configured, and an open account that sends.

An account is whatever can `send` a message and `close`. A vendor of a protocol with connections of
its own, as SMTP, is given a pool by the composition root; it opens no socket itself. A vendor over
HTTP needs only pure functions (request of a message, outcome of a response), which one sender of
the composition root can wrap into the same `Vendor`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from domain.message import ContentMessage, EmailMessage, Message
from domain.outcome import Outcome
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

    async def close(self) -> None:
        """Close the connections."""


class VendorSettings(BaseModel):
    """The settings of an account; secrets are SecretStr and never shown."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    def revealed(self) -> dict[str, Any]:
        """Return the document to seal and store: validating it gives these settings again."""
        return {name: _open(value) for name, value in self._fields()}

    def shown(self) -> dict[str, Any]:
        """Return the document that people may read: secrets are null."""
        return {
            name: None if isinstance(value, SecretStr) else value for name, value in self._fields()
        }

    def _fields(self) -> list[tuple[str, Any]]:
        fields = type(self).model_fields
        return [(field.alias or name, getattr(self, name)) for name, field in fields.items()]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root lends to kinds that need more than their settings."""

    mail_pool: Callable[[Any], MailPool]
    keep: Keep


@dataclass(frozen=True, slots=True)
class VendorKind:
    """A vendor that accounts can be made of; `settings` is also the form that people fill in."""

    name: str
    title: str
    channels: frozenset[Channel]
    settings: type[VendorSettings]
    open_account: Callable[[Any, Parts], Vendor]

    def open(self, settings: Mapping[str, Any], parts: Parts) -> Vendor:
        """Return an account open; raises pydantic.ValidationError for wrong settings."""
        return self.open_account(self.settings.model_validate(dict(settings)), parts)


def _open(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
