"""Several messages as one: by the layout that their template gives, else a list of what each says.

A layout is rendered in the same sandbox as all words, with `items` (each with subject, body, url
and data) and `count`. One that cannot be rendered or sent gives way to the list, so that it holds
no message back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from channels import telegram
from channels.localization import find_locale
from channels.plain_text import html_to_text
from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render
from channels.transforms import check_sendable
from domain.vocabulary import Channel

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "de": ("{} Nachrichten", "und {} weitere"),
    "en": ("{} messages", "and {} more"),
    "es": ("{} mensajes", "y {} más"),
    "fr": ("{} messages", "et {} de plus"),
}
_SUBJECT: Final = 150
_KEPT: Final[Mapping[Channel, Sequence[str]]] = {
    Channel.EMAIL: ("from", "reply_to"),
    Channel.SMS: ("fold",),
    Channel.PUSH: ("badge", "sound", "collapse_key", "ttl"),
    Channel.WEBPUSH: ("collapse_key", "ttl"),
}
"""What the one message has of the newest of its items."""
_LENGTHS: Final[Mapping[Channel, tuple[int, int]]] = {
    Channel.SMS: (100, 500),
    Channel.PUSH: (80, 400),
    Channel.WEBPUSH: (80, 400),
    Channel.INAPP: (200, 3_500),
    Channel.TELEGRAM: (400, 3_500),
    Channel.WHATSAPP: (400, 3_500),
}
"""Characters of one item, and of all; what is longer is cut, what does not fit is counted."""
_MAIL: Final = 400_000
_CHARACTERS_OF_ITEM: Final = 20_000
_RULE: Final = "\n\n-----\n\n"


@dataclass(frozen=True, slots=True)
class Item:
    """One of the messages: its rendered words, its data, and the layout that goes with it."""

    rendered: Mapping[str, Any]
    data: Mapping[str, Any]
    layout: Mapping[str, Any] | None = None
    origin: object = None
    """What wrote its words; a layout is used where all items have the same."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The one message before it is transformed; `fault` tells why its layout was not used."""

    content: Mapping[str, Any]
    fault: str = ""


def compose(
    channel: Channel,
    items: Sequence[Item],
    *,
    locale: str | None = None,
    timezone: str | None = None,
    marked: bool = False,
) -> Composed:
    """Return several items, oldest first, as one message's rendered words; with `marked` the links
    of its layout are marked.
    """
    newest = items[-1]
    kept = {
        name: newest.rendered[name]
        for name in _KEPT.get(channel, ())
        if newest.rendered.get(name) is not None
    }
    fault = ""
    if newest.layout and all(one.origin == newest.origin for one in items):
        data = {"items": [_shown(channel, one) for one in items], "count": len(items)}
        try:
            made = render(
                channel, newest.layout, data, locale=locale, timezone=timezone, marked=marked
            )
            content = {**kept, **made}
            check_sendable(channel, content)
            return Composed(content)
        except (RenderFailed, ContentRefused) as error:
            fault = str(error) or type(error).__name__
    return Composed({**kept, **_listed(channel, items, locale)}, fault)


def _listed(channel: Channel, items: Sequence[Item], locale: str | None) -> dict[str, Any]:
    many, more = _WORDS.get(find_locale(locale).language, _WORDS["en"])
    title = many.format(len(items))
    shown = [_shown(channel, one) for one in items]
    if channel is Channel.EMAIL:
        return _mail(title, shown, more)
    lines = _lines(channel, shown, more)
    if channel in (Channel.PUSH, Channel.WEBPUSH, Channel.INAPP):
        urls = {one["url"] for one in shown}
        url = {"url": urls.pop()} if len(urls) == 1 and "" not in urls else {}
        return {"title": title, "body": "\n".join(lines), **url}
    return {"text": "\n".join([f"{title}:", *lines])}


def _mail(title: str, shown: Sequence[Mapping[str, Any]], more: str) -> dict[str, Any]:
    subjects = ", ".join(one["subject"] for one in shown)
    texts: list[str] = []
    pages: list[str] = []
    length = 0
    for one in shown:
        body = _cut(one["body"].strip(), _CHARACTERS_OF_ITEM)
        length += len(body)
        if length > _MAIL:
            left = more.format(len(shown) - len(texts))
            return _mail_of(_cut(f"{title}: {subjects}", _SUBJECT), [*texts, left],
                            [*pages, f"<p>{escape(left)}</p>"])  # fmt: skip
        texts.append(f"{one['subject']}\n\n{body}")
        lines = escape(body).replace("\n", "<br>\n")
        pages.append(f"<h2>{escape(one['subject'])}</h2>\n<p>{lines}</p>")
    return _mail_of(_cut(f"{title}: {subjects}", _SUBJECT), texts, pages)


def _mail_of(subject: str, texts: Sequence[str], pages: Sequence[str]) -> dict[str, Any]:
    return {
        "subject": subject,
        "text": f"{_RULE.join(texts)}\n",
        "html": "<!doctype html>\n<html><body>\n{}\n</body></html>\n".format(
            "\n<hr>\n".join(pages)
        ),
    }


def _lines(channel: Channel, shown: Sequence[Mapping[str, Any]], more: str) -> list[str]:
    each, most = _LENGTHS[channel]
    lines: list[str] = []
    left = most
    for number, one in enumerate(shown):
        words = f"{one['subject']}: {one['body']}" if one["subject"] else one["body"]
        line = f"- {_cut(' '.join(words.split()), each)}"
        left -= len(line) + 1
        if left < 0:
            return [*lines, more.format(len(shown) - number)]
        lines.append(line)
    return lines


def _shown(channel: Channel, item: Item) -> dict[str, Any]:
    """Return an item as layouts see it."""
    said = item.rendered
    return {
        "subject": said.get("subject") or said.get("title") or "",
        "body": _body(channel, said),
        "url": said.get("url") or "",
        "data": item.data,
    }


def _body(channel: Channel, said: Mapping[str, Any]) -> str:
    if channel is Channel.EMAIL:
        return str(said.get("text") or html_to_text(said.get("html") or ""))
    if channel is Channel.TELEGRAM:
        return telegram.seen(said["text"], said.get("parse_mode"))
    return str(said.get("body") or said.get("text") or "")


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
