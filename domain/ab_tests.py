"""A/B tests: who gets which variant, and which of them the others get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID


class AbTestState(StrEnum):
    """How far a test is; `skipped` is one that was the whole campaign."""

    TESTING = "testing"
    WAITING = "waiting"
    DECIDED = "decided"
    SKIPPED = "skipped"


UNDECIDED: Final = (AbTestState.TESTING, AbTestState.WAITING)


class Measure(StrEnum):
    """What a recipient of a good variant does more often; what programs do does not count."""

    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    EVENT = "event"


class DecidedBy(StrEnum):
    """Why a variant won, where nobody chose it by hand."""

    MEASURE = "measure"
    TIE = "tie"
    TOO_LITTLE_DATA = "too_little_data"


@dataclass(frozen=True, slots=True)
class Variant:
    """A published template that a share of all recipients gets; `data` are its defaults."""

    template: tuple[UUID, int]
    template_key: str
    share: float
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AbTest:
    """Variants, and how long after all of them were sent which measure decides. A variant of which
    fewer than `at_least` recipients were sent it cannot win if another one can.
    """

    variants: tuple[Variant, ...]
    decide_after_seconds: float
    measure: Measure
    at_least: int
    event_type: str | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> "AbTest | None":
        """Return what a submission froze; None where nothing is tested."""
        if not document:
            return None
        variants = tuple(
            Variant(
                (UUID(one["template_id"]), one["template_version"]), one["template_key"],
                one["share"], one["data"],
            )
            for one in document["variants"]
        )  # fmt: skip
        return cls(
            variants, document["decide_after_seconds"], Measure(document["measure"]),
            document["at_least"], document.get("event_type"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """To how many recipients a variant was sent, and how many of them did what is measured."""

    sent: int = 0
    hits: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The number of the variant that won, and why."""

    winner: int
    by: DecidedBy


def decide(counts: Sequence[Count], at_least: int) -> Decision:
    """Return which variant the others get: that with the highest share of hits.

    The first of those that have the same; the first one of all where none was sent often enough.
    """
    able = [number for number, one in enumerate(counts) if one.sent >= max(at_least, 1)]
    if not able:
        return Decision(0, DecidedBy.TOO_LITTLE_DATA)
    best = able[0]
    for number in able[1:]:
        if _compare(counts[number], counts[best]) > 0:
            best = number
    equal = [number for number in able if _compare(counts[number], counts[best]) == 0]
    return Decision(best, DecidedBy.TIE if len(equal) > 1 else DecidedBy.MEASURE)


def _compare(one: Count, other: Count) -> int:
    """Return more than 0 if the share of `one` is the higher; whole numbers, so exactly."""
    return one.hits * other.sent - other.hits * one.sent


class Dealer:
    """Gives recipients to variants in turn, so that all are balanced at any moment."""

    def __init__(self, shares: Sequence[float]) -> None:
        self._shares = [*shares, max(0.0, 1.0 - sum(shares))]
        self._dealt = [0] * len(self._shares)

    @property
    def tested(self) -> int:
        """How many got a variant."""
        return sum(self._dealt[:-1])

    def deal(self) -> int | None:
        """Return the variant of the next one: that which is furthest behind its share; None for
        who waits for the winner.
        """
        number = sum(self._dealt) + 1
        behind = [
            share * number - dealt for share, dealt in zip(self._shares, self._dealt, strict=True)
        ]
        arm = behind.index(max(behind))
        self._dealt[arm] += 1
        return arm if arm < len(self._shares) - 1 else None


def place_of(campaign: UUID, key: UUID) -> bytes:
    """Return where a recipient stands when variants are dealt: the same whenever it is asked, and
    in each campaign another one.
    """
    return blake2b(campaign.bytes + key.bytes, digest_size=16).digest()


LETTERS: Final = tuple("abcde")
"""How variants are called."""


def letter(variant: int | None) -> str | None:
    """Return how a variant is called: a, b, c and so on."""
    return None if variant is None else LETTERS[variant]
