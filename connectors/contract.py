"""What a connector is to the rest: a kind with settings, and a stream of members in pages.

A connector keeps nothing and remembers nothing. It yields pages of at most a few thousand members,
so that a million of them need no more memory than a page. Whatever goes wrong ends the stream with
one of the two errors below, and then nothing of it is used.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.sealed_settings import SealedSettings

MEMBER_FIELDS = (
    "external_id", "email", "phone", "telegram", "whatsapp", "name", "locale", "timezone",
)  # fmt: skip
"""What a member may have besides attributes."""


@dataclass(frozen=True, slots=True)
class Member:
    """A recipient as somebody else's system knows them.

    Addresses are taken as they are: what is no address of its kind is left out when the audience
    is resolved.
    """

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    telegram: str | None = None
    whatsapp: str | None = None
    name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


class ConnectorSettings(SealedSettings):
    """The settings of a connector; secrets are SecretStr and never shown."""


class ConnectorRefused(Exception):
    """What is asked for is wrong or not allowed; `field` is the setting to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ConnectorUnavailable(Exception):
    """The other side does not answer, or stopped answering; it may be tried again later."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the composition root lends to connectors."""

    addresses: Callable[[str, int], Awaitable[Sequence[str]]]
    """Resolves a host to the addresses that may be connected to. Raises OSError when there are
    none, and its kind AddressRefused when the network must not be reached. Connect to what it
    returns, not to the name, so that a name that changes its mind gains nothing.
    """
    files: str = ""
    """Folder whose database files may be read; empty: none."""


@dataclass(frozen=True, slots=True)
class ConnectorKind:
    """A source of members; `settings` is also the form that people fill in."""

    name: str
    title: str
    settings: type[ConnectorSettings]
    members: Callable[[Any, Surroundings], AsyncGenerator[Sequence[Member], None]]
    """Yields pages of members; raises ConnectorRefused and ConnectorUnavailable."""
    bound: frozenset[str] = frozenset()
    """Settings that say where secrets go: changed, the secrets must be given anew."""
