"""What workflows and activities hand each other: ids and numbers, never addresses or content."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.vocabulary import Priority

LANES: Final = {
    Priority.HIGH: "tocsin-high",
    Priority.MEDIUM: "tocsin-medium",
    Priority.LOW: "tocsin-low",
}
"""The task queue of each lane."""

CONTROL_QUEUE: Final = "tocsin-control"
"""The task queue of the lane that carries upkeep and wakes for schedules."""


@dataclass(frozen=True)
class Order:
    """The notifications that one workflow carries; `workflow_id` stands in their rows.

    `due_at` is when the first of them is due (send_at); None means now.
    """

    workflow_id: str
    notification_ids: list[str]
    priority: str
    due_at: datetime | None = None


@dataclass(frozen=True)
class Progress:
    """What a pass over an order found: when to come back, why, and how far it is.

    `next_due` is None when nothing waits any more; `states` counts deliveries by state.
    """

    next_due: datetime | None = None
    why: str = ""
    states: dict[str, int] = field(default_factory=dict)
