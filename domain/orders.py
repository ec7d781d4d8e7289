"""What workflows and activities hand each other: ids and numbers, never addresses or content."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
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
BUILD: Final = "tocsin"
"""What workers call their build: the library's own is a hash over all modules, a second's work."""


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
class CampaignOrder:
    """A run of a campaign; `run` counts its submissions, and stands in the campaign's row.

    `recovery` counts the workflows that were started for the run after a lost one; the row knows
    which is the present one.
    """

    campaign_id: str
    run: int
    priority: str
    recovery: int = 0


@dataclass(frozen=True)
class ShardOrder:
    """A part of a campaign's run: the deliveries with this shard's number."""

    campaign_id: str
    run: int
    shard: int
    priority: str


@dataclass(frozen=True)
class Progress:
    """What a pass over an order found: when to come back, why, and how far it is.

    `next_due` is None when nothing waits any more; `states` counts deliveries by state.
    """

    next_due: datetime | None = None
    why: str = ""
    states: dict[str, int] = field(default_factory=dict)


class Stage(StrEnum):
    """What a campaign's workflow does next."""

    RESOLVE = "resolve"
    WAIT = "wait"
    DELIVER = "deliver"
    CLOSE = "close"


@dataclass(frozen=True)
class Outlook:
    """How a campaign stands, as a look at its row and its deliveries found it.

    `state` is the campaign's. WAIT: until `due_at`, or only until it is waked where that is None;
    `why` says for what. DELIVER: the `shards` of which something is due now.
    """

    stage: Stage
    state: str
    due_at: datetime | None = None
    why: str = ""
    shards: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class ShardPass:
    """What a pass over a shard came to: deliveries handed to it, and whether it was stopped."""

    leased: int = 0
    stopped: bool = False
