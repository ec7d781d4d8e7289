"""What a module sends to be called when something happens."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from domain.contract.base import Line, Request
from domain.webhook import check_pattern

_SCHEMES = ("https", "http")


def _is_a_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_one = parts.port != 0
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in _SCHEMES or not parts.hostname or not port_is_one:
        raise ValueError("must be a URL that begins with https:// (or http://) and names a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password: calls are signed instead")
    if parts.fragment or any(not "!" <= char <= "~" for char in value):
        raise ValueError("must be percent-encoded, without spaces and without a #fragment")
    return value


Url = Annotated[Line, Field(max_length=2000), AfterValidator(_is_a_url)]
Events = Annotated[
    list[Annotated[Line, Field(max_length=100), AfterValidator(check_pattern)]],
    Field(min_length=1, max_length=50),
]


class WebhookRequest(Request):
    """Where to call, and for which events: `*`, `delivery.*`, `delivery.failed`, `reply` …"""

    url: Url
    events: Events = ["*"]
    enabled: bool = True


class WebhookPatch(Request):
    """A change by RFC 7396; the secret stays as it is."""

    url: Url | None = None
    events: Events | None = None
    enabled: bool | None = None
