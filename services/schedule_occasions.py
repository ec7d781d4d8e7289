"""What a schedule's actions have in common: each does its work once for each occasion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.schedule import Overlap
from domain.errors import Problem
from services.access import Actor
from services.app import App


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time of a schedule: which it is of, when, and when what it does is due (jitter); in which
    zone its days are, and who wrote what it does.
    """

    schedule_id: UUID
    at: datetime
    due_at: datetime
    timezone: str = "UTC"
    authors: Sequence[UUID] = ()


class Action(Protocol):
    """What happens at each time of a schedule."""

    prefix: str
    """Of the ids of what it makes."""
    scope: str
    """Which its maker needs."""
    overlap: Overlap
    """Where the schedule names none."""

    async def check(
        self, app: App, conn: AsyncConnection, actor: Actor, body: Mapping[str, Any]
    ) -> None:
        """Raise Invalid or Forbidden for a body that could not be done now."""

    async def fire(
        self,
        app: App,
        conn: AsyncConnection,
        actor: Actor,
        body: Mapping[str, Any],
        occasions: Sequence[Occasion],
    ) -> list[Any | Problem]:
        """Do it once for each occasion, in the caller's transaction; each result has an `id`."""

    async def begin(self, app: App, actor: Actor, done: Sequence[Any]) -> None:
        """Begin the work of what was done, after the transaction."""

    async def unfinished(self, conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        """Return which of the things made are unfinished."""

    async def cancel(self, conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        """Cancel those that can still be cancelled."""
