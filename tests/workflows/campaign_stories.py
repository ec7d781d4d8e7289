"""Stories of campaigns for the recorder: what each look finds, told by scripted activities."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.testing import WorkflowEnvironment

from domain.orders import CampaignOrder, Outlook, ShardOrder, ShardPass, Stage

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Look:
    """What a look, or a closing, finds; `comes_back` counts from now."""

    stage: Stage
    state: str
    comes_back: timedelta | None = None
    why: str = ""
    shards: tuple[int, ...] = ()


@dataclass(frozen=True)
class CampaignStory:
    """The looks of a campaign's workflow and its closings; a wake ends its first hold.

    `stopped_at` is the shard that finds the gate shut, once.
    """

    looks: tuple[Look, ...]
    closings: tuple[Look, ...] = (Look(Stage.CLOSE, "completed"),)
    stopped_at: int | None = None


APPROVAL: Final = Look(Stage.WAIT, "awaiting_approval", HOUR, "waits for approval")
END: Final = Look(Stage.CLOSE, "sending")

CAMPAIGNS: Final = {
    "campaign_sent": CampaignStory(
        (
            Look(Stage.RESOLVE, "resolving"), APPROVAL,
            Look(Stage.WAIT, "approved", 9 * HOUR, "waits for 22:00-06:00 in Europe/Paris"),
            Look(Stage.DELIVER, "sending", shards=tuple(range(9))),
            Look(Stage.WAIT, "sending", HOUR, "email: throttled, retry 1 of 8; 3 wait"),
            Look(Stage.DELIVER, "sending", shards=(4,)), END,
        )
    ),
    "campaign_paused": CampaignStory(
        (
            Look(Stage.DELIVER, "sending", shards=tuple(range(9))),
            Look(Stage.WAIT, "paused", HOUR, "paused"),
            Look(Stage.DELIVER, "sending", shards=(2, 3, 4, 5, 6, 7, 8)), END,
        ),
        stopped_at=2,
    ),
    "campaign_aborted": CampaignStory(
        (Look(Stage.DELIVER, "sending", shards=(0, 1)), Look(Stage.CLOSE, "aborted")),
        (
            Look(Stage.WAIT, "aborted", HOUR, "1 are being sent"),
            Look(Stage.CLOSE, "aborted"),
        ),
        stopped_at=1,
    ),
}  # fmt: skip


class CampaignTeller:
    """Activities of the product's names that tell a campaign's story."""

    def __init__(self, story: CampaignStory, env: WorkflowEnvironment) -> None:
        self._looks = list(story.looks)
        self._closings = list(story.closings)
        self._stopped_at = story.stopped_at
        self._env = env

    @property
    def all(self) -> list[Callable[..., Any]]:
        """The activities."""
        return [self.look, self.resolve, self.deliver, self.close]

    @activity.defn(name="look_at_campaign")
    async def look(self, order: CampaignOrder) -> Outlook:
        """Tell the next look."""
        return await self._outlook(self._looks.pop(0))

    @activity.defn(name="resolve_campaign")
    async def resolve(self, order: CampaignOrder) -> None:
        """Resolve nothing."""

    @activity.defn(name="deliver_shard")
    async def deliver(self, order: ShardOrder) -> ShardPass:
        """Deliver a shard; the gate shuts once."""
        stopped = order.shard == self._stopped_at
        if stopped:
            self._stopped_at = None
        return ShardPass(1_000, stopped)

    @activity.defn(name="close_campaign")
    async def close(self, order: CampaignOrder) -> Outlook:
        """Tell the next closing."""
        return await self._outlook(self._closings.pop(0))

    async def _outlook(self, found: Look) -> Outlook:
        now = await self._env.get_current_time()
        due = None if found.comes_back is None else now + found.comes_back
        return Outlook(found.stage, found.state, due, found.why, list(found.shards))
