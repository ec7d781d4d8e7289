"""AWS Signature Version 4: what proves to an AWS service who asks, and that nothing was changed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from domain.http import HttpRequest

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_USUAL_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs; `session_token` belongs to credentials that live for a while only."""

    key_id: str
    secret: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def sign(
    request: HttpRequest, credentials: Credentials, *, region: str, service: str, now: datetime
) -> HttpRequest:
    """Return the request with X-Amz-Date and Authorization, and the session token if there is one.

    Every header that the request has is signed, and Host, which the transport adds. `now` is
    aware of its zone; AWS takes five minutes of difference.
    """
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {**request.headers, "X-Amz-Date": moment}
    if credentials.session_token:
        headers["X-Amz-Security-Token"] = credentials.session_token
    dated = replace(request, headers=headers)
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical_request(dated).encode()).hexdigest()
    text = "\n".join((ALGORITHM, moment, scope, digest))
    key = signing_key(credentials.secret, moment[:8], region, service)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.key_id}/{scope}, "
        f"SignedHeaders={';'.join(_signed(dated))}, Signature={signature}"
    )
    return replace(request, headers=headers)


def canonical_request(request: HttpRequest) -> str:
    """Return the one spelling of a request that is hashed and signed."""
    parts = urlsplit(request.url)
    headers = _signed(request)
    return "\n".join(
        (
            request.method,
            quote(parts.path or "/", safe="/-_.~"),
            _query(parts.query),
            *(f"{name}:{value}" for name, value in headers.items()),
            "",
            ";".join(headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """Return the key of one day (YYYYMMDD), region and service."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _signed(request: HttpRequest) -> Mapping[str, str]:
    """Return the headers that are signed, by lower-case name, in order, with spaces folded."""
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    return dict(sorted({**headers, "host": _host(request.url)}.items()))


def _host(url: str) -> str:
    """Return Host as HTTP clients send it: without the scheme's usual port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return host.removesuffix(f":{_USUAL_PORTS[parts.scheme]}")


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = ((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))
