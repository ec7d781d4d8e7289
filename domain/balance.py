"""The promise in figures: whatever was asked for is in exactly one of the other numbers."""

from collections.abc import Mapping
from typing import Final

from domain.vocabulary import SENT_STATES, WAITING, State

FIELDS: Final = (
    "asked", "sent", "suppressed", "failed", "expired", "cancelled", "unknown", "waiting",
)  # fmt: skip


def balance(states: Mapping[str, int]) -> dict[str, int]:
    """Return the balance of deliveries counted by state.

    `asked` is counted on its own, as the number of all rows, so that a state nobody knows
    would break the sum and be seen.
    """
    figures = {
        "asked": sum(states.values()),
        "sent": sum(states.get(state, 0) for state in SENT_STATES),
        "waiting": sum(states.get(state, 0) for state in WAITING),
    }
    for state in (
        State.SUPPRESSED, State.FAILED, State.EXPIRED, State.CANCELLED, State.UNKNOWN,
    ):  # fmt: skip
        figures[state.value] = states.get(state, 0)
    return {field: figures[field] for field in FIELDS}


def balanced(figures: Mapping[str, int]) -> bool:
    """Whether the sum holds."""
    return figures["asked"] == sum(figures[field] for field in FIELDS[1:])
