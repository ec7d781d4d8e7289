"""What is asked over HTTP and what comes back, as plain values: vendors make and read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MAIL: Final = "message/rfc822"
"""The type of a body that is one whole mail (RFC 2046 §5.2.1)."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, complete: the transport adds only Host, Content-Length and Connection."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer that arrived whole; names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """How far a request came.

    `phase`: pool, dns, connect, tls, headers, body, response. `problem`, when there is no
    response: lost, timeout, too_large (the answer), refused (an address that must not be
    reached) or unsupported (there are no authorities to trust). `unprocessed` says that the
    server promised not to have processed it (RFC 9113 §8.7), `sent` that the whole body was
    handed to the network.
    """

    response: HttpResponse | None = None
    problem: str = ""
    phase: str = ""
    detail: str = ""
    sent: bool = False
    unprocessed: bool = False


@dataclass(frozen=True, slots=True)
class Webhook:
    """A call that a vendor made: `url` is the public one that the vendor was given, with its query.

    Names of `headers` are in lower case; `body` is as it came, since signatures cover its bytes.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def is_mail(headers: Mapping[str, str]) -> bool:
    """Whether a body is one whole mail; names of `headers` are in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == MAIL
