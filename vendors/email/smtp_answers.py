"""What a mail server's words mean: replies, losses, and the status codes of its reports.

RFC 5321 §4.2 (replies), 3463 (enhanced codes), 1047 (a loss after the final dot). A reply is judged
by its code, its enhanced code and the step that it ends: what is refused at MAIL is the account's
affair, at RCPT the recipient's, at the final dot the message's.
"""

import re
from dataclasses import replace
from typing import Final, NamedTuple

from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope
from vendors.contract import MailExchange, MailReply

GREYLIST_SECONDS: Final = 300.0


class Status(NamedTuple):
    """What a reply means: its codes, its enhanced codes (`*` ends any), and the outcome."""

    codes: str
    enhanced: str
    kind: OutcomeKind
    scope: Scope
    reason: str


_REJECTED: Final = OutcomeKind.REJECTED
_TRANSIENT: Final = OutcomeKind.TRANSIENT
_THROTTLED: Final = OutcomeKind.THROTTLED
_ACCOUNT, _RECIPIENT, _MESSAGE = Scope.ACCOUNT, Scope.RECIPIENT, Scope.MESSAGE

STATUSES: Final = (
    # The first that fits counts.
    Status("421 450 451", "4.7.28 4.7.500 4.7.650 4.7.651", _THROTTLED, _ACCOUNT, "rate_account"),
    Status("452", "4.5.3", _THROTTLED, _ACCOUNT, "rate_account"),
    Status("450 452", "4.2.2", _TRANSIENT, _RECIPIENT, "mailbox_full"),
    Status("450", "4.2.0", _TRANSIENT, _RECIPIENT, "greylisted"),
    Status("450 451", "4.7.1", _TRANSIENT, _RECIPIENT, "greylisted"),
    Status("421 452", "*", _TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    Status("454", "4.7.0", _TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    Status("451", "4.3.*", _TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    Status("501 550 553", "5.1.3", _REJECTED, _RECIPIENT, "invalid_address"),
    Status("500 501 502 503 504", "*", _REJECTED, _MESSAGE, "invalid_payload"),
    Status("530 534 535 538", "*", _REJECTED, _ACCOUNT, "auth_failed"),
    Status(
        "550 551 553 554",
        "5.1.1 5.1.0 5.1.10 5.1.2 5.1.6 5.4.4",
        _REJECTED,
        _RECIPIENT,
        "invalid_address",
    ),
    Status("556", "*", _REJECTED, _RECIPIENT, "invalid_address"),
    Status("550 554", "5.2.1 5.2.0", _REJECTED, _RECIPIENT, "unreachable"),
    Status("550 552 554", "5.2.2", _TRANSIENT, _RECIPIENT, "mailbox_full"),
    Status("550 552 554", "5.3.4 5.2.3", _REJECTED, _MESSAGE, "payload_too_large"),
    Status("550 554", "5.7.*", _REJECTED, _MESSAGE, "content_filtered"),
    Status("550 553", "5.1.7 5.1.8", _REJECTED, _ACCOUNT, "sender_not_registered"),
    Status("555", "*", _REJECTED, _ACCOUNT, "sender_not_registered"),
)
"""RFC 5321 §4.2.3 and RFC 3463 §3, with what large receivers make of 4.7.x. A full mailbox is a
passing state, whatever the first digit says."""

UNLISTED: Final = {
    "greeting": (_ACCOUNT, "forbidden"),
    "ehlo": (_ACCOUNT, "forbidden"),
    "tls": (_ACCOUNT, "config_missing"),
    "auth": (_ACCOUNT, "auth_failed"),
    "rset": (_ACCOUNT, "forbidden"),
    "mail": (_ACCOUNT, "sender_not_registered"),
    "rcpt": (_RECIPIENT, "unreachable"),
    "data": (_MESSAGE, "content_filtered"),
    "final-dot": (_MESSAGE, "content_filtered"),
}
"""Whose affair a 5yz is that stands in no row, by the step that it ends."""

PROBLEMS: Final = {
    "unsupported": (_REJECTED, _ACCOUNT, "config_missing"),
    "sender": (_REJECTED, _ACCOUNT, "sender_not_registered"),
    "recipient": (_REJECTED, _RECIPIENT, "invalid_address"),
    "message": (_REJECTED, _MESSAGE, "invalid_payload"),
    "size": (_REJECTED, _MESSAGE, "payload_too_large"),
}
"""What ends a message without a reply and without a loss."""

LOST_AFTER_DOT: Final = {
    "lost": "connection_lost_after_body",
    "timeout": "timeout_after_body",
    "malformed": "malformed_response",
}
"""Why it is unknown whether the message was sent (RFC 1047)."""

_CONNECTING: Final = frozenset({"pool", "dns", "connect", "tls"})
_MESSAGE_REASONS: Final = frozenset({"payload_too_large", "invalid_payload"})
_RATE: Final = re.compile(r"\b(rate|too many|too fast)\b", re.IGNORECASE)
_RELAY: Final = re.compile(r"\brelay", re.IGNORECASE)
_QUEUED_AS: Final = re.compile(
    r"(?:queued as|queued mail for delivery as|id=)\s*<?([^\s<>;,]+)", re.I
)
_DETAIL_LENGTH: Final = 500


def outcome(reply: MailReply, stage: str) -> Outcome:
    """Return what a reply means that ended the dialogue at this stage."""
    code = f"{reply.code} {reply.enhanced}".strip()
    found = Outcome(
        OutcomeKind.UNKNOWN, vendor_code=code, phase=stage, detail=reply.text[:_DETAIL_LENGTH]
    )
    if 200 <= reply.code < 300 and stage == "final-dot":
        queued = _QUEUED_AS.search(reply.text)
        vendor_id = queued[1] if queued else reply.text
        return replace(found, kind=OutcomeKind.ACCEPTED, vendor_id=vendor_id[:_DETAIL_LENGTH])
    if reply.code < 400:  # neither yes nor no: the server has lost its way
        return _lost(found, "malformed")
    kind, scope, reason = _at_stage(_judge(reply, stage), reply, stage)
    wait = GREYLIST_SECONDS if reason == "greylisted" else None
    return replace(found, kind=kind, scope=scope, reason=reason, retry_after=wait)


def outcome_without_reply(exchange: MailExchange) -> Outcome:
    """Return what it means that a problem, not a reply, ended the dialogue."""
    found = Outcome(
        OutcomeKind.UNKNOWN, phase=exchange.phase, detail=exchange.detail[:_DETAIL_LENGTH]
    )
    if exchange.problem in PROBLEMS:
        kind, scope, reason = PROBLEMS[exchange.problem]
        return replace(found, kind=kind, scope=scope, reason=reason)
    return _lost(found, exchange.problem)


def meaning_of(code: str) -> str:
    """Return the reason that an enhanced status code alone stands for, as a report has it."""
    fitting = (one for one in STATUSES if one.enhanced != "*" and _fits(code, one.enhanced))
    return next((one.reason for one in fitting), "unreachable")


def _lost(found: Outcome, problem: str) -> Outcome:
    if found.phase == "final-dot":
        return replace(found, scope=_MESSAGE, reason=LOST_AFTER_DOT[problem])
    reason = "connect_failed" if found.phase in _CONNECTING else "vendor_unavailable"
    return replace(found, kind=_TRANSIENT, scope=_ACCOUNT, reason=reason)


def _judge(reply: MailReply, stage: str) -> tuple[OutcomeKind, Scope, str]:
    if reply.code < 500 and reply.enhanced.startswith("4.7.") and _RATE.search(reply.text):
        return _THROTTLED, _ACCOUNT, "rate_account"
    for status in STATUSES:
        if str(reply.code) in status.codes.split() and _fits(reply.enhanced, status.enhanced):
            return status.kind, status.scope, status.reason
    if reply.code < 500:
        return _TRANSIENT, _ACCOUNT, "vendor_unavailable"
    return _REJECTED, *UNLISTED[stage]


def _fits(enhanced: str, wanted: str) -> bool:
    return any(
        enhanced.startswith(one[:-1]) if one.endswith("*") else enhanced == one
        for one in wanted.split()
    )


def _at_stage(
    judged: tuple[OutcomeKind, Scope, str], reply: MailReply, stage: str
) -> tuple[OutcomeKind, Scope, str]:
    """Return a judgement narrowed to whom the stage can be about."""
    kind, scope, reason = judged
    if stage == "rcpt" and kind is _REJECTED and _RELAY.search(reply.text):
        return kind, _ACCOUNT, "forbidden"
    if stage == "rcpt" or scope is _ACCOUNT:
        return judged
    if stage == "mail" and reason in _MESSAGE_REASONS:
        return judged
    if stage in ("data", "final-dot"):
        told = reason if scope is _MESSAGE or kind is not _REJECTED else "content_filtered"
        return kind, _MESSAGE if kind is _REJECTED else scope, told
    if kind is not _REJECTED:
        return kind, _ACCOUNT, "vendor_unavailable"
    policy = stage == "mail" and reason == "content_filtered"
    return kind, _ACCOUNT, "forbidden" if policy else UNLISTED[stage][1]
