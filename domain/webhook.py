"""Outgoing webhooks: which events they carry, what is said, and when a call is repeated."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from domain.engagement import EngagementKind
from domain.vocabulary import ReceiptKind, State

TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "notification": ("accepted", "changed", *EngagementKind),
    "delivery": (*State, "removed"),
    "receipt": tuple(ReceiptKind),
    "reply": (),
}
"""Groups of events, and what may stand after the dot; what a campaign planned and never sent is
removed when it goes back to a draft.
"""

TEST: Final = "webhook.test"
SCHEDULE: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before repetition 1, 2, …; after the last one a call is given up."""

PATIENCE: Final = timedelta(days=3)
"""A webhook that has failed for so long, without any success, is switched off."""

_UNSAID: Final = frozenset({"type", "at", "event"})


def type_of(event: Mapping[str, Any]) -> str:
    """Return the type of an event of the outbox, such as `delivery.sent`."""
    detail = {"notification": "event", "delivery": "to", "receipt": "kind"}.get(event["type"], "")
    word = event.get(detail)
    return f"{event['type']}.{word}" if word else str(event["type"])


def wants(patterns: Sequence[str], type: str) -> bool:
    """Whether one of the patterns names a type: itself, its group, `group.*` or `*`."""
    group = type.partition(".")[0]
    return any(one in ("*", type, group, f"{group}.*") for one in patterns)


def check_pattern(value: str) -> str:
    """Return a pattern; raises ValueError for one that no event could fit."""
    group, dot, rest = value.partition(".")
    if value == "*" or (group in TYPES and (not dot or rest == "*" or rest in TYPES[group])):
        return value
    raise ValueError(
        f"is neither `*` nor an event such as delivery.sent or delivery.*; the groups are "
        f"{', '.join(TYPES)}"
    )


def document(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of an event: ids, states and reasons, never addresses or content."""
    data = {name: value for name, value in event.items() if name not in _UNSAID}
    return {"type": type_of(event), "timestamp": event["at"], "data": data}


def next_wait(attempts: int, retry_after: float | None, scale: float) -> float | None:
    """Return the seconds before the next try after so many; None when there is none left."""
    if attempts > len(SCHEDULE):
        return None
    return max(SCHEDULE[attempts - 1] * scale, retry_after or 0)
