"""Notices on phones and in browsers: deep links checked, and weighed before they are sent.

https://firebase.google.com/docs/cloud-messaging, https://developer.apple.com/documentation/
usernotifications/generating-a-remote-notification, RFC 8030 and RFC 8291.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from channels.occasion import NO_OCCASION, Occasion
from channels.problems import TOO_LARGE, ContentProblem, error, fault_of_link
from domain.vocabulary import Channel

MOST_BYTES: Final = {Channel.PUSH: 4096, Channel.WEBPUSH: 3993}
"""What fits: the payload of FCM and APNs; a Web Push body less its header, tag and delimiter."""

_COLLAPSE_BYTES: Final = 64  # apns-collapse-id
_FIELDS: Final = ("title", "body", "url", "image", "badge", "sound", "collapse_key", "ttl", "data")
_SCRIPTS: Final = frozenset({"javascript", "data", "vbscript", "file", "blob"})
_PICTURES: Final = frozenset({"http", "https"})


def transform(
    content: Mapping[str, Any],
    occasion: Occasion = NO_OCCASION,  # noqa: ARG001
) -> dict[str, Any]:
    """Return {title, body, url?, image?, badge?, sound?, collapse_key?, ttl?, data?}.

    Texts that rendered to nothing are left out, but for title and body.
    """
    given = {name: content[name] for name in _FIELDS if content.get(name) not in (None, "", {})}
    return {"title": content["title"], "body": content.get("body") or "", **given}


def problems(content: Mapping[str, Any], channel: Channel = Channel.PUSH) -> list[ContentProblem]:
    """Return what is wrong with a rendered notice on one of the channels of MOST_BYTES."""
    made = transform(content)
    found = []
    if not made["title"].strip():
        found.append(error(channel, "title", "is empty"))
    if fault := _fault_of_deep_link(made.get("url", "")):
        found.append(error(channel, "url", fault))
    if made.get("image") and (fault := fault_of_link(made["image"], _PICTURES)):
        found.append(error(channel, "image", fault))
    if len(made.get("collapse_key", "").encode()) > _COLLAPSE_BYTES:
        message = f"has more than {_COLLAPSE_BYTES} bytes"
        found.append(error(channel, "collapse_key", message))
    size, most = weigh(made), MOST_BYTES[channel]
    if size > most:
        message = f"makes a payload of about {size:,} bytes, of which {most:,} fit; shorten it"
        found.append(error(channel, _heaviest(made), message, TOO_LARGE))
    return found


def weigh(notice: Mapping[str, Any]) -> int:
    """Return about how many bytes a notice has as JSON, in the shape of APNs."""
    alert = {"title": notice["title"], "body": notice["body"]}
    aps = {"alert": alert, **{one: notice[one] for one in ("badge", "sound") if one in notice}}
    rest = {one: notice[one] for one in ("url", "image", "data") if one in notice}
    return _bytes({"aps": aps, **rest})


def _heaviest(notice: Mapping[str, Any]) -> str:
    weights = {name: _bytes(notice[name]) for name in ("data", "body", "title") if name in notice}
    return max(weights, key=weights.__getitem__)


def _fault_of_deep_link(url: str) -> str | None:
    """A path, a page or an app's own scheme will do; what runs or reads locally will not."""
    if not url:
        return None
    if not url.isprintable() or " " in url:
        return "holds a space or a control character, which no address may have"
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return "is not an address (RFC 3986)"
    return f"begins with {scheme}:, which is no place to go to" if scheme in _SCRIPTS else None


def _bytes(document: Any) -> int:
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
