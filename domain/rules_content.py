"""What rules demand of rendered words: banned words, footers, senders and attachments."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parseaddr
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from domain.rules import Rule, RuleKind, Violation
from domain.vocabulary import Channel

Words = Mapping[str, Any]
_READ: Final = ("subject", "html", "text", "title", "body")
"""Fields of words that a recipient reads."""
_FOOTED: Final = ("html", "text")
_TAG: Final = re.compile(r"<[^>]*>")


def violations(rules: Sequence[Rule], channel: Channel, words: Words) -> list[Violation]:
    """Return how rendered words of a channel break rules, field by field."""
    return [
        Violation(rule.name, f"content.{channel.value}.{field}", message)
        for rule in rules
        for field, message in _CHECKS.get(rule.kind, _nothing)(rule.settings, channel, words)
    ]


def with_footers(rules: Sequence[Rule], words: Words) -> dict[str, Any]:
    """Return inline words by channel with the footers that are appended and not yet there.

    A page that is written in MJML has its footer where its author puts it; none is appended.
    """
    footers = [
        rule.settings
        for rule in rules
        if rule.kind is RuleKind.FOOTER and rule.settings["action"] == "append"
    ]
    return {
        channel: _footed(footers, Channel(channel), said) if said else said
        for channel, said in words.items()
    }


def _footed(footers: Sequence[Mapping[str, Any]], channel: Channel, said: Words) -> dict[str, Any]:
    done = dict(said)
    for footer in footers:
        if channel not in footer["channels"]:
            continue
        for field in _FOOTED:
            words = done.get(field)
            if not isinstance(words, str) or _has(words, footer["text"], field):
                continue
            done[field] = _with_footer(words, footer["text"], field)
    return done


def _with_footer(words: str, footer: str, field: str) -> str:
    if field == "text":
        return f"{words}\n\n{footer}"
    if "<mjml" in words:
        return words
    paragraph = f"<p>{html.escape(footer)}</p>"
    head, body, rest = words.rpartition("</body>")
    return f"{head}{paragraph}{body}{rest}" if body else f"{words}{paragraph}"


def _has(words: str, footer: str, field: str) -> bool:
    return folded(footer) in folded(_seen(words, field))


def _nothing(_settings: Words, _channel: Channel, _words: Words) -> Iterator[tuple[str, str]]:
    yield from ()


def _banned(settings: Words, _channel: Channel, words: Words) -> Iterator[tuple[str, str]]:
    for field in _READ:
        said = words.get(field)
        if not isinstance(said, str):
            continue
        found = _pattern(tuple(settings["words"])).search(folded(_seen(said, field)))
        if found:
            yield field, f"{found[0]!r} is a banned word; write it otherwise"


def _footer(settings: Words, channel: Channel, words: Words) -> Iterator[tuple[str, str]]:
    if channel not in settings["channels"]:
        return
    for field in _FOOTED:
        said = words.get(field)
        if isinstance(said, str) and not _has(said, settings["text"], field):
            yield field, f"it must hold the footer {settings['text']!r}"


def _sender(settings: Words, channel: Channel, words: Words) -> Iterator[tuple[str, str]]:
    given = words.get("from")
    if channel is not Channel.EMAIL or not given:
        return
    address = parseaddr(str(given))[1].lower()
    allowed = [one.lower() for one in settings["allowed"]]
    if address not in allowed and address.rpartition("@")[2] not in allowed:
        yield "from", f"the sender must be one of {', '.join(settings['allowed'])}"


def _attachments(settings: Words, channel: Channel, words: Words) -> Iterator[tuple[str, str]]:
    files = words.get("attachments") or []
    if channel is not Channel.EMAIL or not files:
        return
    if not settings["types"]:
        yield "attachments", "no files may be attached"
        return
    for number, one in enumerate(files):
        kind = str(one.get("content_type", "")).lower()
        if not any(fnmatchcase(kind, allowed.lower()) for allowed in settings["types"]):
            allowed = ", ".join(settings["types"])
            yield f"attachments[{number}].content_type", f"files must be of the types {allowed}"
    most, size = settings.get("most_bytes"), sum(_bytes(one) for one in files)
    if most is not None and size > most:
        yield "attachments", f"files may have {most:,} bytes together, these have {size:,}"


_CHECKS: Final[Mapping[RuleKind, Callable[[Words, Channel, Words], Iterator[tuple[str, str]]]]] = {
    RuleKind.BANNED_WORDS: _banned,
    RuleKind.FOOTER: _footer,
    RuleKind.SENDER: _sender,
    RuleKind.ATTACHMENTS: _attachments,
}


def _bytes(attachment: Words) -> int:
    """Return the size of a file from its base64 (RFC 4648 §4), without decoding it."""
    encoded = str(attachment.get("base64", ""))
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def _seen(words: str, field: str) -> str:
    """Return what a reader sees: of a page without its tags, with its entities as signs."""
    return html.unescape(_TAG.sub("", words)) if field == "html" else words


def folded(words: str) -> str:
    """Fold case, compatible forms (NFKC) and runs of white space, so that writing hides nothing."""
    return " ".join(unicodedata.normalize("NFKC", words).casefold().split())


@lru_cache(maxsize=500)
def _pattern(banned: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted((folded(one) for one in banned), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
