"""The step that fires what is due of a schedule."""

from collections.abc import Awaitable, Callable

from temporalio import activity


class Firing:
    """Lets a workflow reach a use case that lies above it: the worker process hands it in."""

    def __init__(self, fire: Callable[[str], Awaitable[int]]) -> None:
        self._fire = fire

    @activity.defn(name="fire")
    async def fire(self, schedule_id: str) -> int:
        """Fire what is due; return how often."""
        return await self._fire(schedule_id)
