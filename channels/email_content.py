"""Mail before it is assembled: sender, text part and the way to unsubscribe, for every vendor."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from channels.mime_headers import read_mailbox
from channels.occasion import NO_OCCASION, Occasion
from channels.plain_text import html_to_text
from channels.problems import ContentProblem, error, warning
from domain.contract.base import WrongField
from domain.vocabulary import Channel

CLIPPED_BYTES: Final = 102_000
"""Gmail shows no more than about 102 kB of a mail's HTML."""

_ONE_CLICK: Final = "List-Unsubscribe=One-Click"
_USUAL: Final = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9/_.~=-]*")
"""Addresses that need no closer look, which costs time with each mail."""


def transform(content: Mapping[str, Any], occasion: Occasion = NO_OCCASION) -> dict[str, Any]:
    """Return {subject, html?, text, from?, reply_to?, attachments?, headers?}.

    A missing text is made from the html; `from` is missing only where no default is known.
    Raises WrongField for an unsubscribe_url that cannot stand in a header.
    """
    made = {name: value for name, value in content.items() if value not in (None, "", [])}
    made["subject"] = content["subject"]
    if "text" not in made:
        made["text"] = html_to_text(made["html"]) if "html" in made else ""
    if "from" not in made and occasion.default_from:
        made["from"] = occasion.default_from
    if occasion.unsubscribe_url:
        made["headers"] = {**made.get("headers", {}), **unsubscribing(occasion.unsubscribe_url)}
    return made


def unsubscribing(url: str) -> dict[str, str]:
    """Return the header fields of RFC 2369 and, for an https address, RFC 8058.

    Exactly one address, which alone names recipient and list; a DKIM signature must cover both
    fields. Raises WrongField.
    """
    if not _USUAL.fullmatch(url):
        _check(url)
    fields = {"List-Unsubscribe": f"<{url}>"}
    return fields | {"List-Unsubscribe-Post": _ONE_CLICK} if url[:6].lower() == "https:" else fields


def _check(url: str) -> None:
    if not url.isascii() or not url.isprintable() or set(url) & set(' <>"\\'):
        raise WrongField("unsubscribe_url", "is not an address in ASCII (RFC 3986)")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise WrongField("unsubscribe_url", "is not an address (RFC 3986)") from None
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise WrongField("unsubscribe_url", "must begin with https://")


def problems(content: Mapping[str, Any]) -> list[ContentProblem]:
    """Return what is wrong with a rendered mail."""
    found = []
    for name in ("from", "reply_to"):
        if content.get(name):
            try:
                read_mailbox(content[name], name)
            except WrongField as fault:
                found.append(error(Channel.EMAIL, name, str(fault)))
    if not content["subject"].strip():
        found.append(warning(Channel.EMAIL, "subject", "is empty"))
    if _is_clipped(content.get("html") or ""):
        message = "has more than 102 kB, after which Gmail cuts a mail"
        found.append(warning(Channel.EMAIL, "html", message))
    return found


def _is_clipped(html: str) -> bool:
    """Count bytes only of what may have enough of them."""
    return len(html) > CLIPPED_BYTES or (
        len(html) * 4 > CLIPPED_BYTES and len(html.encode()) > CLIPPED_BYTES
    )
