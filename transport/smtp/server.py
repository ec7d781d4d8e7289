"""What must be known of a mail server to talk to it."""

import ssl
from ipaddress import ip_address
from typing import Literal, Protocol

from pydantic import SecretStr

Security = Literal["tls", "starttls", "opportunistic", "plain"]
"""TLS from the first byte; STARTTLS or nothing; STARTTLS if it is offered; never TLS."""


class Server(Protocol):
    """A mail server and how to sign in; times are in seconds, per step."""

    @property
    def host(self) -> str:
        """Name or address."""

    @property
    def port(self) -> int:
        """TCP port."""

    @property
    def security(self) -> Security:
        """How the connection is encrypted."""

    @property
    def user(self) -> str:
        """Whom to sign in as; empty: nobody."""

    @property
    def password(self) -> SecretStr:
        """The user's password."""

    @property
    def ca_file(self) -> str:
        """PEM file with the authorities to trust; empty: the system's."""

    @property
    def client_name(self) -> str:
        """Name to introduce ourselves by; empty: our host name or address."""

    @property
    def connections(self) -> int:
        """How many connections may be open at once."""

    @property
    def connect_seconds(self) -> float:
        """Patience for DNS, for TCP and for TLS."""

    @property
    def reply_seconds(self) -> float:
        """Patience for a reply and for a block of content to leave."""

    @property
    def final_seconds(self) -> float:
        """Patience for the reply to the final dot."""


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its very name."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def must_encrypt(server: Server) -> bool:
    """Return whether the dialogue may not go on in the clear.

    Opportunistic TLS can be stripped by anyone on the way, so a password makes it compulsory,
    except on the way to this machine. `plain` is the operator's explicit wish.
    """
    if server.security == "opportunistic":
        return bool(server.user) and not is_loopback(server.host)
    return server.security != "plain"


def make_tls_context(server: Server) -> ssl.SSLContext:
    """Return the TLS settings; certificates go unchecked only where the clear would do (RFC 7435).

    Raises OSError or ssl.SSLError when `ca_file` cannot be read.
    """
    context = ssl.create_default_context(cafile=server.ca_file or None)
    if not must_encrypt(server) and not server.ca_file:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
