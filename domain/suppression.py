"""Addresses that must not be used: for which reasons, and which of two reasons stays."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.vocabulary import Channel


class SuppressionReason(StrEnum):
    """Why an address is suppressed, weakest first: the stronger, the harder to take back.

    A later delivery takes back a hard bounce, the recipient an unsubscription, an operator what
    was entered by hand, and an operator who says why a complaint.
    """

    HARD_BOUNCE = "hard_bounce"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"
    COMPLAINT = "complaint"


CAUSES: Final[Mapping[SuppressionReason, str]] = {
    SuppressionReason.HARD_BOUNCE: "hard_bounce",
    SuppressionReason.UNSUBSCRIBE: "unsubscribed",
    SuppressionReason.MANUAL: "manual",
    SuppressionReason.COMPLAINT: "complained",
}
"""The word that a suppressed delivery then has as its reason, where no vendor gave a finer one."""

OTHER_CAUSES: Final[Mapping[SuppressionReason, tuple[str, ...]]] = {
    SuppressionReason.UNSUBSCRIBE: ("opted_out", "blocked"),
}
"""Words of vendors besides; all that is listed nowhere is a fact of the address: a hard bounce."""

_REASONS: Final = {
    cause: reason
    for reason, first in CAUSES.items()
    for cause in (first, *OTHER_CAUSES.get(reason, ()))
}
_LOWER: Final = {ord(char): ord(char) + 32 for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def reason_of(cause: str) -> SuppressionReason:
    """Return the reason that a cause belongs to."""
    return _REASONS.get(cause, SuppressionReason.HARD_BOUNCE)


def causes_of(reason: SuppressionReason) -> tuple[str, ...]:
    """Return the causes of a reason; of a hard bounce only its own word, all others are its too."""
    return (CAUSES[reason], *OTHER_CAUSES.get(reason, ()))


def strength(cause: str) -> int:
    """Return how hard a cause is to take back, from 0."""
    return list(SuppressionReason).index(reason_of(cause))


def comparable(channel: Channel | str, address: str) -> str:
    """Return an address as suppressions keep it: mail without regard to case, others as sent to.

    Only ASCII letters are folded, as the database does it, so that both always agree.
    """
    return address.translate(_LOWER) if channel == Channel.EMAIL else address
