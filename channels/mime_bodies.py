"""Bodies of mail as MIME entities of 7-bit lines that are never longer than 76 (RFC 2045, 2046)."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from channels.mime_headers import check_line, encode_filename
from domain.contract.base import WrongField

_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_COMPOSITE: Final = ("multipart/", "message/")
_BASE64_LINE: Final = 76
_BASE64_ABOVE: Final = 5
"""Text of which more than a fifth of the octets is not ASCII is shorter in base64."""

ALTERNATIVE: Final = "=_tocsin.alternative"
MIXED: Final = "=_tocsin.mixed"
"""Boundaries: `=_` stands in no quoted-printable and in no base64, so in none of our bodies."""


def encode_body(subtype: str, text: str, field: str) -> bytes:
    """Return a text entity: its headers, an empty line and its encoded lines.

    Line ends of all kinds become CRLF. Raises WrongField for half a surrogate pair.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        raise WrongField(field, "holds half of a surrogate pair, which is no character") from None
    head = b"Content-Type: text/%s; charset=utf-8\r\n" % subtype.encode()
    if (len(octets) - len(text)) * _BASE64_ABOVE > len(octets):
        body = _base64_lines(octets.replace(b"\n", b"\r\n"))
        return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + body
    body = binascii.b2a_qp(octets, istext=True).replace(b"\n", b"\r\n")
    return head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + body


def encode_attachment(attachment: Mapping[str, Any], field: str) -> bytes:
    """Return an entity to be saved under a name.

    Composite types (multipart, message), which may not be base64 (RFC 2046 §5), become
    application/octet-stream, so that the file stays what it is. Raises WrongField.
    """
    filename = check_line(str(attachment["filename"]), f"{field}.filename")
    given = attachment.get("content_type") or "application/octet-stream"
    kind = check_line(str(given), f"{field}.content_type")
    if not _TYPE.fullmatch(kind):
        raise WrongField(f"{field}.content_type", "is not a media type such as application/pdf")
    if kind.lower().startswith(_COMPOSITE):
        kind = "application/octet-stream"
    try:
        octets = base64.b64decode(attachment["base64"], validate=True)
    except ValueError:
        raise WrongField(f"{field}.base64", "is not base64 (RFC 4648 §4)") from None
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{encode_filename(filename)}\r\n\r\n"
    )
    return head.encode() + _base64_lines(octets)


def join_parts(subtype: str, boundary: str, parts: list[bytes]) -> bytes:
    """Return a multipart entity of these entities."""
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    delimiter = f"--{boundary}\r\n".encode()
    body = b"".join(delimiter + part + b"\r\n" for part in parts)
    return head + body + f"--{boundary}--\r\n".encode()


def _base64_lines(octets: bytes) -> bytes:
    text = base64.b64encode(octets)
    lines = (text[at : at + _BASE64_LINE] for at in range(0, len(text), _BASE64_LINE))
    return b"\r\n".join(lines)
