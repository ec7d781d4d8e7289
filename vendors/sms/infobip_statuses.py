"""What Infobip's status and error codes mean: the same stand in answers, reports and logs.

https://www.infobip.com/docs/essentials/response-status-and-error-codes and
https://www.infobip.com/docs/developer-resources/api-fundamentals/error-code-reference
"""

from collections.abc import Mapping
from typing import Any, Final

from domain.vocabulary import OutcomeKind, ReceiptKind, Scope
from vendors.calls import part, word

_REJECTED: Final = OutcomeKind.REJECTED

REFUSALS: Final[dict[tuple[int, ...], tuple[OutcomeKind, Scope, str]]] = {
    (4, 9, 31): (_REJECTED, Scope.RECIPIENT, "unreachable"),
    (6,): (_REJECTED, Scope.ACCOUNT, "not_allowed_in_region"),
    (8, 51, 52): (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    (10,): (_REJECTED, Scope.RECIPIENT, "opted_out"),
    (11, 13): (_REJECTED, Scope.ACCOUNT, "sender_not_registered"),
    (12, 17): (_REJECTED, Scope.ACCOUNT, "no_credit"),
    (14,): (_REJECTED, Scope.RECIPIENT, "suppressed"),
    (15,): (_REJECTED, Scope.MESSAGE, "expired"),
    (18, 19): (_REJECTED, Scope.ACCOUNT, "config_missing"),
    (20,): (OutcomeKind.THROTTLED, Scope.RECIPIENT, "rate_recipient"),
    (21, 100): (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable"),
    (24,): (_REJECTED, Scope.MESSAGE, "invalid_payload"),
    (25,): (_REJECTED, Scope.MESSAGE, "payload_too_large"),
    (87,): (_REJECTED, Scope.RECIPIENT, "withheld"),
}
"""Id of a status → outcome. 6: the network is not covered, or not for this account. 14: the
account's own blocklist. 20: by default 20 texts, or 6 equal ones, to a number in an hour. 87: taken
for fraud.
"""

DUPLICATE: Final = 23
"""Status of a message whose id was used before: Infobip has it already."""

REPORTS: Final[dict[int, ReceiptKind | None]] = {
    2: ReceiptKind.SENT,
    3: ReceiptKind.SENT,
    5: ReceiptKind.DELIVERED,
    7: ReceiptKind.SENT,
    DUPLICATE: None,
    26: ReceiptKind.SENT,
    29: None,
}
"""Id of a status → receipt, where its group does not tell. 2: the operator has it. 29: no report
ever came, so that nobody knows whether it arrived, and it must not be made up for.
"""

GROUPS: Final[dict[int, ReceiptKind]] = {
    0: ReceiptKind.SENT,
    1: ReceiptKind.SENT,
    2: ReceiptKind.FAILED,
    3: ReceiptKind.DELIVERED,
    4: ReceiptKind.FAILED,
    5: ReceiptKind.FAILED,
}
"""Group of a status (accepted, pending, undeliverable, delivered, expired, rejected) → receipt."""

ERRORS: Final[dict[tuple[int, ...], str]] = {
    (1, 9): "invalid_address",
    (6, 27): "handset_off",
    (13, 2049, 2050): "blocked",
    (4101,): "expired",
}
"""Id of an error → reason of a message that an operator did not deliver."""

HARD: Final = frozenset({"invalid_address", "opted_out", "blocked"})
"""Reasons that make an address unusable, where the error is permanent or the message rejected."""

UNLISTED: Final = (_REJECTED, Scope.MESSAGE, "invalid_payload")
"""What a refusal of tomorrow means: this message stops, and nobody is suppressed."""

MEANINGS: Final = {id: meaning for ids, meaning in REFUSALS.items() for id in ids}
_REASONS: Final = {id: reason for ids, reason in ERRORS.items() for id in ids}
_EXPIRED, _REFUSED = 4, 5


def number(given: Mapping[str, Any], name: str) -> int:
    """Return an id of a status, a group or an error; -1 for what is none."""
    value = given.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def kind_of(status: Mapping[str, Any]) -> ReceiptKind | None:
    """Return what a status says of a message; None for a note."""
    id = number(status, "id")
    return REPORTS[id] if id in REPORTS else GROUPS.get(number(status, "groupId"))


def failure(result: Mapping[str, Any]) -> tuple[str, bool]:
    """Return (reason, whether it is for good) of a message that failed.

    A message that Infobip itself rejected tells by its status why, another one by its error.
    """
    status, error = part(result, "status"), part(result, "error")
    group, listed = number(status, "groupId"), MEANINGS.get(number(status, "id"))
    usual = listed[2] if listed else "expired" if group == _EXPIRED else "unreachable"
    if group == _REFUSED:
        return usual, usual in HARD
    reason = _REASONS.get(number(error, "id"), usual)
    return reason, reason in HARD and error.get("permanent") is True


def code_of(result: Mapping[str, Any]) -> str:
    """Return Infobip's own word: the error's name if there is one, else the status's."""
    status, error = part(result, "status"), part(result, "error")
    named = error if number(error, "id") > 0 else status
    return word(named.get("name")) or word(named.get("id"))
