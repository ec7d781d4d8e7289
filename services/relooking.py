"""Lets what is held for recipients be looked at again, once they chose anew."""

from collections.abc import Sequence

from services import starting
from services.app import App


async def wake_all(app: App, workflows: Sequence[str]) -> None:
    """Wake the workflows of what was made due; the sweeper finds those that cannot be woken."""
    for one in workflows:
        await starting.wake(app, one)
