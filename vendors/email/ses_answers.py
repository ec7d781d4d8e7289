"""What answers of Amazon SES v2 mean, to one mail and to a bulk call.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors and
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope
from vendors.aws_api import Fault, Meaning, refusal
from vendors.http_outcomes import accepted, outcome_of, read_json

_REJECTED, _UNKNOWN = OutcomeKind.REJECTED, OutcomeKind.UNKNOWN

REFUSALS: Final[dict[tuple[str, ...], Meaning]] = {
    ("LimitExceededException",): (_REJECTED, Scope.ACCOUNT, "quota_exhausted"),
    ("AccountSuspendedException", "SendingPausedException"): (
        _REJECTED, Scope.ACCOUNT, "suspended",
    ),
    ("MailFromDomainNotVerifiedException", "NotFoundException"): (
        _REJECTED, Scope.ACCOUNT, "config_missing",
    ),
    ("MessageRejected",): (_REJECTED, Scope.MESSAGE, "content_filtered"),
    ("BadRequestException",): (_REJECTED, Scope.MESSAGE, "invalid_payload"),
}  # fmt: skip
"""Exception → outcome, where WORDS says nothing."""

ENTRIES: Final[dict[tuple[str, ...], Meaning]] = {
    ("MESSAGE_REJECTED",): (_REJECTED, Scope.MESSAGE, "content_filtered"),
    ("INVALID_PARAMETER",): (_REJECTED, Scope.MESSAGE, "invalid_payload"),
    (
        "MAIL_FROM_DOMAIN_NOT_VERIFIED", "CONFIGURATION_SET_NOT_FOUND", "TEMPLATE_NOT_FOUND",
        "INVALID_SENDING_POOL_NAME",
    ): (_REJECTED, Scope.ACCOUNT, "config_missing"),
    ("ACCOUNT_SUSPENDED", "ACCOUNT_SENDING_PAUSED", "CONFIGURATION_SET_SENDING_PAUSED"): (
        _REJECTED, Scope.ACCOUNT, "suspended",
    ),
    ("ACCOUNT_THROTTLED",): (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account"),
    ("ACCOUNT_DAILY_QUOTA_EXCEEDED",): (_REJECTED, Scope.ACCOUNT, "quota_exhausted"),
    ("TRANSIENT_FAILURE", "FAILED"): (
        OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable",
    ),
}  # fmt: skip
"""Status of one mail of a bulk call → outcome, where WORDS says nothing."""

_ADDRESS: Final[Meaning] = (_REJECTED, Scope.RECIPIENT, "invalid_address")
_UNLISTED: Final[Meaning] = (_UNKNOWN, Scope.MESSAGE, "malformed_response")
_REJECTS: Final = ("MessageRejected", "MESSAGE_REJECTED")
_BAD: Final = ("BadRequestException", "INVALID_PARAMETER")

WORDS: Final[tuple[tuple[tuple[str, ...], str, Meaning], ...]] = (
    (("TooManyRequestsException",), "quota exceeded", (
        _REJECTED, Scope.ACCOUNT, "quota_exhausted",
    )),
    (_REJECTS, "not verified", (_REJECTED, Scope.ACCOUNT, "sender_not_registered")),
    (_BAD, "message length is more than", (_REJECTED, Scope.MESSAGE, "payload_too_large")),
    (_BAD, "illegal address", _ADDRESS),
    (_BAD, "invalid email address", _ADDRESS),
    (_BAD, "missing final '@domain'", _ADDRESS),
    (_BAD, "missing local name", _ADDRESS),
    (_BAD, "missing domain", _ADDRESS),
    (_BAD, "local address ", _ADDRESS),
    (_BAD, "domain contains ", _ADDRESS),
    (_BAD, "domain starts with ", _ADDRESS),
)  # fmt: skip
"""Codes, words in their message (in lower case) → outcome. SES does not say which address it
means; sender and reply address are checked before, so it is the recipient's.
"""

_CODES: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}
_STATUSES: Final = {status: meaning for some, meaning in ENTRIES.items() for status in some}


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer to one mail means; raises Unreadable."""
    if response.status == 200:
        return accepted(str(read_json(response).get("MessageId") or ""), response)
    return refusal(response, _judge)


def outcomes(messages: Sequence[ContentMessage], response: HttpResponse) -> Sequence[Outcome]:
    """Return what an answer to a bulk call means for each mail, in order; raises Unreadable."""
    if response.status != 200:
        return [refusal(response, _judge)] * len(messages)
    entries: Sequence[Mapping[str, Any]] = read_json(response)["BulkEmailEntryResults"]
    return [_of_entry(one, response) for one in entries]


def _of_entry(entry: Mapping[str, Any], response: HttpResponse) -> Outcome:
    status, words = str(entry["Status"]), str(entry.get("Error") or "")
    if status == "SUCCESS":
        return accepted(str(entry.get("MessageId") or ""), response)
    meaning = _by_words(status, words) or _STATUSES.get(status, _UNLISTED)
    return outcome_of(meaning, code=status, detail=words)


def _judge(fault: Fault) -> Meaning | None:
    return _by_words(fault.code, fault.words) or _CODES.get(fault.code)


def _by_words(code: str, words: str) -> Meaning | None:
    said = words.lower()
    found = (meaning for codes, part, meaning in WORDS if code in codes and part in said)
    return next(found, None)
