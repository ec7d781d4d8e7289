"""What the transport wants to know of an account's servers, and the TLS context for them."""

import ssl
from functools import lru_cache
from typing import Protocol


class HttpServer(Protocol):
    """The servers of one account."""

    @property
    def connections(self) -> int:
        """Connections at once, per process."""

    @property
    def connect_seconds(self) -> float:
        """Patience for DNS, TCP and TLS together."""

    @property
    def reply_seconds(self) -> float:
        """Patience for the answer."""

    @property
    def ca_file(self) -> str:
        """PEM file of the authorities to trust; empty: the system's."""


class NoAuthorities(OSError):
    """The file of authorities cannot be read, or holds no certificate."""


@lru_cache(maxsize=64)
def tls_context(ca_file: str, *, http2: bool = False) -> ssl.SSLContext:
    """Return a context that checks certificates and names; raises NoAuthorities."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise NoAuthorities(f"ca_file cannot be used: {error.strerror or error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if http2:
        context.set_alpn_protocols(["h2"])
    return context
