"""Header fields of mail, encoded by hand: RFC 5322 (folding), 2047 (words), 2231 (parameters)."""

import base64
import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from domain.contract.base import WrongField
from transport.smtp.mailbox import InvalidMailbox, Mailbox, parse_mailbox

_LINE_LENGTH: Final = 78
_WORD_OCTETS: Final = 42
"""Octets in an encoded word, so that `Subject: ` and one word fit a line of 78."""

_BREAKS: Final = re.compile(r"[\r\n\0]")
_PLAIN: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_FILENAME: Final = re.compile(r"[A-Za-z0-9._()+,-]+(?: [A-Za-z0-9._()+,-]+)*")
_NAMED: Final = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*", re.DOTALL)
_NAME: Final = re.compile(r"[!-9;-~]{1,70}")
_OURS: Final = (
    "from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "mime-",
    "content-", "received", "return-path", "resent-", "dkim-", "arc-", "authentication-",
    "x-tocsin-",
)  # fmt: skip
"""Beginnings of names that the assembly or the mail servers on the way give."""

_LONGEST_WORD: Final = 900
_SEGMENT: Final = 60
_PIECE: Final = 18
"""Characters of a piece, each of which may take three octets."""


def check_line(value: str, field: str) -> str:
    """Return a header's value; raises WrongField for what could begin another header."""
    if _BREAKS.search(value):
        raise WrongField(field, "must be one line: line breaks and NUL characters are not allowed")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise WrongField(field, "holds half of a surrogate pair, which is no character") from None
    return value


def encode_text(name: str, value: str) -> str:
    """Return an unstructured header field, folded, without its last CRLF (RFC 5322 §2.2.1)."""
    if _PLAIN.fullmatch(value) and "=?" not in value:
        if len(name) + 2 + len(value) <= _LINE_LENGTH:
            return f"{name}: {value}"
        if folded := _fold(name, value):
            return folded
    return f"{name}: {_encode_words(value)}"


def encode_field(name: str, value: str) -> str:
    """Return a structured field that an author or we added; no word of it may be encoded.

    It is folded at its spaces; a word longer than a line stands on a line of its own (RFC 5322
    §2.1.1 allows 998 octets). Raises WrongField for a name that is none or that is ours to give,
    and for a value that is not visible ASCII.
    """
    if not _NAME.fullmatch(name) or name.lower().startswith(_OURS):
        raise WrongField(f"headers.{name[:40]}", "is not the name of a field that may be added")
    words = value.split(" ")
    if not _PLAIN.fullmatch(value) or max(map(len, words)) > _LONGEST_WORD:
        raise WrongField(f"headers.{name}", "must be one line of visible ASCII")
    lines, line = [], f"{name}: {words[0]}"
    for word in words[1:]:
        if len(line) + 1 + len(word) > _LINE_LENGTH:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line])


@lru_cache(maxsize=1024)
def read_mailbox(value: str, field: str) -> tuple[str, Mailbox]:
    """Return (display name, mailbox) of text as `Name <local@domain>` or a bare address.

    Raises WrongField unless it is exactly one mailbox.
    """
    check_line(value, field)
    named = _NAMED.fullmatch(value)
    name, address = (named[1], named[2]) if named else ("", value.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    try:
        return name, parse_mailbox(address)
    except InvalidMailbox as error:
        raise WrongField(field, str(error)) from None


def encode_mailbox(name: str, display: str, mailbox: Mailbox) -> str:
    """Return an address header field (RFC 5322 §3.4); a non-ASCII local part stays as it is."""
    display = display.strip()
    if not display:
        return f"{name}: {mailbox}"
    head = f"{name}: {_encode_phrase(display)}"
    last_line = head.rpartition("\r\n")[2]
    space = " " if len(last_line) + len(str(mailbox)) + 3 <= _LINE_LENGTH else "\r\n "
    return f"{head}{space}<{mailbox}>"


def encode_filename(filename: str) -> str:
    """Return the parameter `filename`, in numbered pieces when it is long (RFC 2231 §3, §4)."""
    if len(filename) <= _SEGMENT and _FILENAME.fullmatch(filename):
        return f';\r\n filename="{filename}"'
    encoded = quote(filename, safe="")
    if len(encoded) <= _SEGMENT:
        return f";\r\n filename*=utf-8''{encoded}"
    pieces = re.findall(rf"(?:%..|.){{1,{_PIECE}}}", encoded)
    first, *others = pieces
    lines = [f";\r\n filename*0*=utf-8''{first}"]
    lines += [f";\r\n filename*{number}*={piece}" for number, piece in enumerate(others, start=1)]
    return "".join(lines)


def _encode_phrase(display: str) -> str:
    """Return a display name as atoms, as a quoted string or as encoded words."""
    if len(display) <= _SEGMENT and "=?" not in display:
        if _ATOMS.fullmatch(display):
            return display
        if _PLAIN.fullmatch(display):
            escaped = display.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    return _encode_words(display)


def _fold(name: str, value: str) -> str:
    """Return a field broken at its single spaces; nothing when a word is too long for a line."""
    lines, line = [], f"{name}:"
    for word in value.split(" "):
        if len(line) + 1 + len(word) > _LINE_LENGTH:
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    fits = all(len(line) <= _LINE_LENGTH for line in lines) and lines[0] != f"{name}:"
    return "\r\n".join(lines) if fits else ""


def _encode_words(value: str) -> str:
    """Return encoded words of at most 75 characters, none of which splits a character."""
    octets = value.encode()
    words, start = [], 0
    while start < len(octets):
        end = min(start + _WORD_OCTETS, len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?b?{base64.b64encode(octets[start:end]).decode()}?=")
        start = end
    return "\r\n ".join(words)
