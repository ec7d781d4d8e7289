"""Reads the address of a mail server, as in smtp://user:password@host:587?starttls=required."""

from typing import Any, Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Security = Literal["tls", "starttls", "opportunistic", "plain"]
"""TLS from the first byte; STARTTLS or nothing; STARTTLS if it is offered; never TLS."""

_SCHEMES: Final[dict[str, Security]] = {
    "smtp": "opportunistic",
    "smtp+starttls": "starttls",
    "smtps": "tls",
}
_STARTTLS: Final[dict[str, Security]] = {
    "required": "starttls",
    "optional": "opportunistic",
    "never": "plain",
}
_PARAMETERS: Final = frozenset(
    {"ca_file", "client_name", "from", "connections", "bounces", "delivery_reports"}
)


def read_smtp_url(url: object) -> dict[str, Any]:
    """Return the fields of the settings that a URL gives.

    Raises ValueError; its words never repeat the URL, which holds the password.
    """
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port
    except ValueError:
        raise ValueError("url cannot be read: percent-encode special characters") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("url must begin with smtp://, smtp+starttls:// or smtps://")
    fields: dict[str, Any] = {"host": parts.hostname or "", "security": _SCHEMES[parts.scheme]}
    fields |= {"port": port} if port is not None else {}
    fields |= {"user": unquote(parts.username)} if parts.username else {}
    fields |= {"password": unquote(parts.password)} if parts.password else {}
    return fields | _read_query(parts)


def _read_query(parts: SplitResult) -> dict[str, Any]:
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError("url has no path: percent-encode special characters in the password")
    query: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls = query.pop("starttls", None)
    if unknown := set(query) - _PARAMETERS:
        raise ValueError(f"url has unknown parameters: {', '.join(sorted(unknown))}")
    if starttls is None:
        return query
    if starttls not in _STARTTLS or parts.scheme != "smtp":
        raise ValueError("url: starttls=required, optional or never goes with smtp:// only")
    return query | {"security": _STARTTLS[starttls]}
