"""What an author should know of a mail's page before it is published: links, pictures, markup.

It reads a whole page, so it is asked when words are published or previewed, never for each mail.
"""

import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from channels.problems import ContentProblem, error, fault_of_link, warning
from domain.vocabulary import Channel

_WEB: Final = frozenset({"http", "https"})
_DIALLED: Final = frozenset({"mailto", "tel", "sms", "cid"})
_UNSAFE: Final = frozenset({"javascript", "data", "vbscript", "file", "blob"})
_REMOVED: Final = frozenset({"script", "iframe", "object", "embed", "form", "video", "audio"})
"""Elements that mail programs take away: https://www.caniemail.com"""

_LEAVING: Final = re.compile(r"unsubscri|opt[-_]?out|preference", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"')\]]+|mailto:[^\s<>\"')\]]+", re.IGNORECASE)
_LONGEST_SHOWN: Final = 80


def review(html: str) -> list[ContentProblem]:
    """Return what is wrong or unwise in rendered HTML; each thing is told once."""
    page = _Page()
    page.feed(html)
    page.close()
    return list(dict.fromkeys(page.found))


def offers_unsubscribing(html: str, text: str) -> bool:
    """Whether a rendered mail has a link that says, by its address, that it leads out."""
    page = _Page()
    page.feed(html)
    page.close()
    return any(_LEAVING.search(link) for link in (*page.links, *_ADDRESS.findall(text)))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[ContentProblem] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: (value or "").strip() for name, value in attrs}
        if tag in _REMOVED:
            self._warn(f"has <{tag}>, which mail programs take away")
        if any(name.startswith("on") for name in given):
            self._fail(f"has a script in an attribute of <{tag}>")
        if tag in ("a", "area") and "href" in given:
            self.links.append(given["href"])
            self._link(given["href"])
        if tag == "img":
            self._picture(given)

    def _link(self, link: str) -> None:
        if link in ("", "#"):
            self._warn("has a link that leads nowhere")
        elif fault := fault_of_mail_link(link):
            self._fail(f"has the link {_shown(link)}, which {fault}")
        elif urlsplit(link).scheme == "http":
            self._warn(f"has the link {_shown(link)} without TLS; give an https:// address")

    def _picture(self, given: dict[str, str]) -> None:
        source = given.get("src", "")
        if "alt" not in given:
            self._warn(f"has the picture {_shown(source)} without alternative text (alt)")
        if source.startswith("data:"):
            self._warn("has a picture inside an address (data:), which Gmail does not show")
        elif fault := fault_of_mail_link(source):
            self._fail(f"has the picture {_shown(source)}, whose address {fault}")

    def _warn(self, message: str) -> None:
        self.found.append(warning(Channel.EMAIL, "html", message))

    def _fail(self, message: str) -> None:
        self.found.append(error(Channel.EMAIL, "html", message))


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
