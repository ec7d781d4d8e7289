"""Reports that come by mail: of delivery (RFC 3464, 6533) and of complaints (RFC 5965).

Only what a program wrote for programs is believed: of a mail that is no multipart/report, such as
an automatic answer (RFC 3834), nothing is made but a note.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser, HeaderParser
from email.utils import parsedate_to_datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from domain.report import Report
from domain.vocabulary import ReceiptKind
from vendors.email.smtp_answers import meaning_of
from vendors.http_outcomes import Unreadable

ACTIONS: Final = {
    "failed": ReceiptKind.BOUNCED,
    "delayed": None,
    "delivered": ReceiptKind.DELIVERED,
    "relayed": ReceiptKind.SENT,
    "expanded": ReceiptKind.DELIVERED,
}
"""Action (RFC 3464 §2.3.3) → receipt; None and unknown words are notes. What was expanded had been
delivered to the address; of what was relayed nobody will say more."""

HARD: Final = frozenset({"invalid_address"})
"""Reasons of a failure with a status of 5.x.x that make an address unusable for good."""

FEEDBACK: Final = {
    "abuse": ReceiptKind.COMPLAINED,
    "fraud": ReceiptKind.COMPLAINED,
    "virus": ReceiptKind.COMPLAINED,
    "other": ReceiptKind.COMPLAINED,
    "not-spam": None,
    "auth-failure": None,
}
"""Feedback-Type (RFC 5965 §7.3, 6430, 6591) → receipt; unknown words are notes."""

UNSUBSCRIBES: Final = "opt-out"
"""The Feedback-Type of those who only want no more of this kind."""

MOST_READ: Final = 262_144
"""Octets of a mail that are looked at: the report stands before the mail that it returns."""

_REPORT: Final = "multipart/report"
_STATUS_PARTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_FEEDBACK_PART: Final = "message/feedback-report"
_READ_PARTS: Final = _STATUS_PARTS | {_FEEDBACK_PART}
_RETURNED_PARTS: Final = frozenset({"message/rfc822", "text/rfc822-headers", "message/global"})
_MOST_PARTS: Final = 20
_MOST_RECIPIENTS: Final = 100
_MOST_FIELDS: Final = 40
_LONGEST_FIELD: Final = 500
_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_UNSAYING: Final = re.compile(r"(?:[245]\.0\.0)?")
_WORD: Final = re.compile(r"[a-z-]+")
_BLANK_LINE: Final = re.compile(r"\r?\n[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail by its headers, and the parts of a multipart one by theirs; they are not unfolded."""

    headers: Message
    parts: Sequence[Message]

    def part(self, kinds: frozenset[str]) -> Message | None:
        """Return the first part of a report that is of one of these types."""
        if self.headers.get_content_type() != _REPORT:
            return None
        return next((one for one in self.parts if one.get_content_type() in kinds), None)


def read_mail(body: bytes) -> ReceivedMail:
    """Return a mail taken apart, one level deep; raises Unreadable for what is none."""
    body = body[:MOST_READ]
    headers = BytesHeaderParser().parsebytes(body)
    if not headers.keys():
        raise Unreadable("the body is no mail: it has no header")
    return ReceivedMail(headers, tuple(_parts(body, headers)))


def original_senders(mail: ReceivedMail) -> Iterator[str]:
    """Give the return paths that a feedback report says the mail of its complaint had."""
    if (feedback := mail.part(frozenset({_FEEDBACK_PART}))) is None:
        return
    for block in _blocks(feedback):
        yield from (_address(one) for one in block.get_all("Original-Mail-From", []))
    if (returned := mail.part(_RETURNED_PARTS)) is not None:
        for block in _blocks(returned)[:1]:
            yield from (_address(one) for one in block.get_all("Return-Path", []))


def reports_of(mail: ReceivedMail, attempt_id: str, now: datetime) -> tuple[Report, ...]:
    """Return what a mail says of an attempt; raises Unreadable for a report that lacks its fields.

    Its own time counts where it has one that is not in the future of `now`.
    """
    at = _time(mail.headers.get("Date"), now)
    if (status := mail.part(_STATUS_PARTS)) is not None:
        return tuple(_of_delivery(mail, status, attempt_id, at))
    if (feedback := mail.part(frozenset({_FEEDBACK_PART}))) is not None:
        return (_of_complaint(mail, feedback, attempt_id, at),)
    kind = str(mail.headers.get_param("report-type", "")).lower()
    if mail.headers.get_content_type() == _REPORT and f"message/{kind}" in _READ_PARTS:
        raise Unreadable(f"the report has no part of type message/{kind}")
    raw = _fields(mail.headers, ("Auto-Submitted", "Content-Type", "Precedence"))
    return (Report(None, attempt_id, f"mail:{_key(mail.headers)}", at, raw=raw),)


def _of_delivery(
    mail: ReceivedMail, part: Message, attempt_id: str, at: datetime
) -> Iterator[Report]:
    blocks = _blocks(part)
    recipients = [one for one in blocks[1:] if _action(one)]
    if not recipients:
        raise Unreadable("the delivery status names no recipient with an action")
    went_on = any(
        ACTIONS.get(_action(one)) not in (None, ReceiptKind.BOUNCED) for one in recipients
    )
    for number, one in enumerate(recipients):
        action, code = _action(one), _code(one)
        kind = ACTIONS.get(action)
        failed = kind is ReceiptKind.BOUNCED
        reason = meaning_of(code) if failed else ""
        yield Report(
            kind,
            attempt_id,
            f"{action}:{code}:{_key(mail.headers, one)}:{number}",
            _time(one.get("Last-Attempt-Date"), at),
            address=_address(str(one.get("Final-Recipient", "")).partition(";")[2]),
            reason=reason,
            # Where others behind the address got it, the address itself is good.
            hard=failed and code.startswith("5") and reason in HARD and not went_on,
            vendor_code=code,
            raw={**_fields(blocks[0]), **_fields(one)},
        )


def _of_complaint(mail: ReceivedMail, part: Message, attempt_id: str, at: datetime) -> Report:
    [block, *_] = _blocks(part) or [part]
    word = _first_word(block.get("Feedback-Type"))
    if not word:
        raise Unreadable("the feedback report has no Feedback-Type")
    return Report(
        FEEDBACK.get(word),
        attempt_id,
        f"feedback:{word}:{_key(mail.headers, block)}",
        at,
        unsubscribes=word == UNSUBSCRIBES,
        vendor_code=word,
        raw=_fields(block),
    )


def _parts(body: bytes, headers: Message) -> Iterator[Message]:
    """Give the parts of a multipart mail.

    They are parted by hand: the library's parser goes into what is returned as deep as it goes,
    and looks at each line once for each level, which a hostile mail would use.
    """
    boundary = headers.get_boundary()
    if headers.get_content_maintype() != "multipart" or not boundary:
        return
    mark = re.escape(boundary.encode("utf-8", "replace"))
    line = re.compile(rb"(?:^|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|$)")
    found = list(islice(line.finditer(body), _MOST_PARTS + 1))
    ends = [following.start() for following in found[1:]] + [len(body)]
    for this, end in zip(found[:_MOST_PARTS], ends, strict=False):
        if this[1]:
            return
        piece = body[this.end() : end]
        yield BytesHeaderParser().parsebytes(piece.lstrip(b"\r").removeprefix(b"\n"))


def _blocks(part: Message) -> list[Message]:
    """Return the groups of fields of a part, which blank lines separate."""
    content = part.get_payload(decode=True)
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
    pieces = _BLANK_LINE.split(text.strip("\r\n"), _MOST_RECIPIENTS + 1)
    blocks = [HeaderParser().parsestr(one.lstrip("\r\n")) for one in pieces]
    return [one for one in blocks if one.keys()]


def _action(block: Message) -> str:
    return _first_word(block.get("Action"))


def _code(block: Message) -> str:
    """Return the enhanced status code: that of the server's own words where Status says no more
    than the class (Exim's always does).
    """
    status = _first_code(block.get("Status"))
    if not _UNSAYING.fullmatch(status):
        return status
    told = _first_code(block.get("Diagnostic-Code"))
    return told if told and (not status or told[0] == status[0]) else status


def _first_code(value: Any) -> str:
    found = _ENHANCED.search(str(value or ""))
    return found[1] if found else ""


def _first_word(value: Any) -> str:
    found = _WORD.search(str(value or "").lower())
    return found[0] if found else ""


def _address(value: Any) -> str:
    return str(value).strip().strip("<>")


def _time(value: Any, otherwise: datetime) -> datetime:
    try:
        found = parsedate_to_datetime(str(value))
        return min(found if found.tzinfo else found.replace(tzinfo=UTC), otherwise)
    except (ValueError, TypeError, OverflowError, IndexError):
        return otherwise


def _key(headers: Message, block: Message | None = None) -> str:
    """Return what tells one report from another, whichever way it came."""
    id = " ".join(str(headers.get("Message-ID") or "").split())
    said = id or repr([(name, str(value)) for name, value in (block or headers).items()])
    return sha256(said.encode("utf-8", "replace")).hexdigest()[:32]


def _fields(block: Message, names: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of a group, cut to what is worth keeping."""
    items = [(name, value) for name, value in block.items() if not names or name in names]
    return {
        name: " ".join(str(value).split())[:_LONGEST_FIELD] for name, value in items[:_MOST_FIELDS]
    }
