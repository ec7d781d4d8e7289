"""One connection to a directory: opened to a guarded address, read page by page (RFC 2696).

ldap3 waits in threads of its own for each call; referrals are not followed, since they name hosts
that nobody has judged.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import ConnectorRefused, ConnectorUnavailable, Surroundings
from connectors.ldap_library import ldap3, told
from connectors.ldap_settings import LdapSettings

PAGED: Final = "1.2.840.113556.1.4.319"
_SCOPES: Final = {"subtree": ldap3.SUBTREE, "one": ldap3.LEVEL, "base": ldap3.BASE}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the directory has under a name; values are the octets that it sent."""

    dn: str
    values: Mapping[str, Sequence[bytes]]


class Directory:
    """An open, signed-in connection. Every wait is bounded by the settings."""

    def __init__(self, settings: LdapSettings, connection: Any, deadline: float) -> None:
        self._settings = settings
        self._connection = connection
        self._deadline = deadline
        self.read = 0
        """How many entries have been read."""

    async def pages(
        self, base: str, filter: str, attributes: Sequence[str], *, scope: str = "subtree"
    ) -> AsyncIterator[list[Entry]]:
        """Yield what a search finds, a page at a time."""
        cookie: bytes | None = None
        while cookie != b"":
            self._check_time()
            found, cookie = await asyncio.to_thread(
                self._page, base, filter, list(attributes), _SCOPES[scope], cookie
            )
            self.read += len(found)
            yield found

    async def entry(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """Return the entry of a name; None when there is none."""
        try:
            async for page in self.pages(dn, "(objectClass=*)", attributes, scope="base"):
                for one in page:
                    return one
        except _Missing:
            return None
        return None

    def _page(
        self, base: str, filter: str, attributes: list[str], scope: str, cookie: bytes | None
    ) -> tuple[list[Entry], bytes]:
        try:
            self._connection.search(
                base, filter, scope, attributes=attributes or [ldap3.NO_ATTRIBUTES],
                paged_size=self._settings.page_size, paged_cookie=cookie, paged_criticality=True,
            )  # fmt: skip
        except Exception as error:
            raise self._problem(error) from None
        entries = [
            Entry(str(one["dn"]), one["raw_attributes"])
            for one in self._connection.response or ()
            if one["type"] == "searchResEntry"
        ]
        control = (self._connection.result.get("controls") or {}).get(PAGED)
        return entries, control["value"]["cookie"] if control else b""

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise ConnectorUnavailable(
                f"the search took longer than timeout_seconds ({self._settings.timeout_seconds});"
                f" {self.read:,} entries had been read, and none was kept"
            )

    def _problem(self, error: Exception) -> Exception:
        match error:
            case told.LDAPInvalidFilterError() | told.LDAPAttributeError():
                return ConnectorRefused("filter", "is no LDAP filter (RFC 4515)")
            case told.LDAPNoSuchObjectResult() | told.LDAPInvalidDnError():
                return _Missing("base_dn", "names nothing that the service account may see")
            case told.LDAPInvalidDNSyntaxResult():
                return ConnectorRefused("base_dn", "is no distinguished name (RFC 4514)")
            case told.LDAPSizeLimitExceededResult() | told.LDAPAdminLimitExceededResult():
                return ConnectorRefused(
                    "filter", f"finds more than the directory will give ({error.description})"
                )
            case told.LDAPUnavailableCriticalExtensionResult():
                return ConnectorRefused("url", "is a server without paged results (RFC 2696)")
            case told.LDAPOperationResult():
                return _refusal(error)
        return ConnectorUnavailable(
            f"the directory stopped answering after {self.read:,} entries; none was kept"
        )


class _Tls(ldap3.Tls):  # type: ignore[misc]
    """TLS as Python does it: the certificate must be for the host that the settings name, though
    the connection goes to an address.
    """

    def __init__(self, settings: LdapSettings) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = settings.host
        self._context = ssl.create_default_context(cadata=settings.ca_certificates)

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG002
        """Encrypt a connection's socket."""
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)


class _Missing(ConnectorRefused):
    """A name that the directory does not have."""


@asynccontextmanager
async def open_directory(
    settings: LdapSettings, surroundings: Surroundings
) -> AsyncIterator[Directory]:
    """Give a directory, signed in; raises ConnectorRefused and ConnectorUnavailable."""
    deadline = time.monotonic() + settings.timeout_seconds
    connection = await _connect(settings, surroundings.addresses)
    try:
        yield Directory(settings, connection, deadline)
    finally:
        await asyncio.to_thread(_close, connection)


async def _connect(
    settings: LdapSettings, resolve: Callable[[str, int], Awaitable[Sequence[str]]]
) -> Any:
    try:
        addresses = await resolve(settings.host, settings.port)
    except OSError as error:
        # A guard's own words tell which setting would allow the network.
        allowed = "ALLOW_NETWORKS" in str(error)
        if allowed:
            raise ConnectorRefused("url", str(error)) from None
        raise ConnectorUnavailable(f"the name {settings.host} has no address") from None
    problem: Exception = ConnectorUnavailable(f"the name {settings.host} has no address")
    for address in addresses:
        try:
            return await asyncio.to_thread(_open, settings, address)
        except ConnectorUnavailable as error:
            problem = error
    raise problem


def _open(settings: LdapSettings, address: str) -> Any:
    server = ldap3.Server(
        address, settings.port, use_ssl=settings.scheme == "ldaps", tls=_Tls(settings),
        get_info=ldap3.NONE, connect_timeout=settings.connect_seconds,
    )  # fmt: skip
    secret = settings.bind_password.get_secret_value() if settings.bind_password else None
    connection = ldap3.Connection(
        server, user=settings.bind_dn, password=secret,
        authentication=ldap3.SIMPLE if settings.bind_dn else ldap3.ANONYMOUS,
        client_strategy=ldap3.SYNC, raise_exceptions=True, read_only=True,
        auto_referrals=False, check_names=False, receive_timeout=settings.reply_seconds,
    )  # fmt: skip
    try:
        connection.open(read_server_info=False)
        if settings.starttls:
            connection.start_tls(read_server_info=False)
        connection.bind(read_server_info=False)
    except Exception as error:
        _close(connection)
        raise _opening_problem(error, address, settings) from None
    return connection


def _opening_problem(error: Exception, address: str, settings: LdapSettings) -> Exception:
    where = f"{settings.host}:{settings.port} ({address})"
    match error:
        case told.LDAPInvalidCredentialsResult():
            return ConnectorRefused("bind_password", "the directory knows no such name or password")
        case told.LDAPInvalidDNSyntaxResult():
            return ConnectorRefused("bind_dn", "is no distinguished name (RFC 4514)")
        case told.LDAPConfidentialityRequiredResult() | told.LDAPStrongerAuthRequiredResult():
            return ConnectorRefused("starttls", "the directory asks for TLS before signing in")
        case told.LDAPOperationResult():
            return _refusal(error)
    if "certificate" in str(error).lower():
        return ConnectorRefused(
            "ca_certificates", f"the certificate of {where} is not signed by them, or not for it"
        )
    if isinstance(error, told.LDAPStartTLSError | told.LDAPSSLConfigurationError):
        return ConnectorRefused("starttls", f"{where} does not begin TLS")
    return ConnectorUnavailable(f"the directory at {where} does not answer")


def _refusal(error: Any) -> Exception:
    """Return what a result code means that has no words of its own (RFC 4511 §4.1.9)."""
    if isinstance(error, told.LDAPBusyResult | told.LDAPUnavailableResult):
        return ConnectorUnavailable(f"the directory says {error.description}")
    if isinstance(error, told.LDAPTimeLimitExceededResult):
        return ConnectorUnavailable("the directory's own time limit was reached")
    return ConnectorRefused("filter", f"the directory says {error.description}")


def _close(connection: Any) -> None:
    sock = connection.socket
    with suppress(told.LDAPException, OSError):  # it may have been lost before
        connection.unbind()
    if sock is not None:
        sock.close()
