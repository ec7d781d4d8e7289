"""What an author should know of a mail's page before it is published: links, pictures, markup.

It reads a whole page, so it is asked when words are published or previewed, never for each mail.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from channels.html_tags import open_tags
from channels.problems import ContentProblem, error, fault_of_link, warning
from domain.vocabulary import Channel

_WEB: Final = frozenset({"http", "https"})
_DIALLED: Final = frozenset({"mailto", "tel", "sms", "cid"})
_UNSAFE: Final = frozenset({"javascript", "data", "vbscript", "file", "blob"})
_REMOVED: Final = frozenset({"script", "iframe", "object", "embed", "form", "video", "audio"})
"""Elements that mail programs take away: https://www.caniemail.com"""

_LEAVING: Final = re.compile(r"unsubscri|opt[-_]?out|preference", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"')\]]+|mailto:[^\s<>\"')\]]+", re.IGNORECASE)
_LINKING: Final = frozenset({"a", "area"})
_LONGEST_SHOWN: Final = 80
_MOST: Final = 50


def review(html: str) -> list[ContentProblem]:
    """Return what is wrong or unwise in rendered HTML; each thing is told once."""
    found: dict[ContentProblem, None] = {}
    for tag, given in open_tags(html):
        found |= dict.fromkeys(_of_tag(tag, given))
        if len(found) >= _MOST:
            break
    return list(found)


def offers_unsubscribing(html: str, text: str) -> bool:
    """Whether a rendered mail has a link that says, by its address, that it leads out."""
    links = [given.get("href", "") for tag, given in open_tags(html) if tag in _LINKING]
    return any(_LEAVING.search(link) for link in (*links, *_ADDRESS.findall(text)))


def _of_tag(tag: str, given: Mapping[str, str]) -> Iterator[ContentProblem]:
    if tag in _REMOVED:
        yield _unwise(f"has <{tag}>, which mail programs take away")
    if any(name.startswith("on") for name in given):
        yield _wrong(f"has a script in an attribute of <{tag}>")
    if tag in _LINKING and "href" in given:
        yield from _of_link(given["href"])
    if tag == "img":
        yield from _of_picture(given)


def _of_link(link: str) -> Iterator[ContentProblem]:
    if link in ("", "#"):
        yield _unwise("has a link that leads nowhere")
    elif fault := fault_of_mail_link(link):
        yield _wrong(f"has the link {_shown(link)}, which {fault}")
    elif urlsplit(link).scheme == "http":
        yield _unwise(f"has the link {_shown(link)} without TLS; give an https:// address")


def _of_picture(given: Mapping[str, str]) -> Iterator[ContentProblem]:
    source = given.get("src", "")
    if "alt" not in given:
        yield _unwise(f"has the picture {_shown(source)} without alternative text (alt)")
    if source.startswith("data:"):
        yield _unwise("has a picture inside an address (data:), which Gmail does not show")
    elif fault := fault_of_mail_link(source):
        yield _wrong(f"has the picture {_shown(source)}, whose address {fault}")


def _unwise(message: str) -> ContentProblem:
    return warning(Channel.EMAIL, "html", message)


def _wrong(message: str) -> ContentProblem:
    return error(Channel.EMAIL, "html", message)


def fault_of_mail_link(link: str) -> str | None:
    """Return why a link cannot be followed from a mail; a mail has no page to be relative to."""
    try:
        scheme = urlsplit(link).scheme
    except ValueError:
        return "is not an address (RFC 3986)"
    if scheme in _UNSAFE:
        return f"begins with {scheme}:, which is no place to go to"
    if scheme in _DIALLED or link.startswith("#"):
        return None
    return fault_of_link(link, _WEB)


def _shown(link: str) -> str:
    return link if len(link) <= _LONGEST_SHOWN else f"{link[:_LONGEST_SHOWN]}…"
