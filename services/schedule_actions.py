"""What schedules can do: one entry each, by the name that the request gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.notification import NotificationRequest
from domain.contract.schedule import Overlap
from domain.errors import Conflict, Invalid, Problem
from domain.ids import encode
from domain.vocabulary import CategoryClass
from services import starting
from services.acceptance import Accepted, judge, look_up
from services.access import Actor
from services.app import App
from services.fields import validated
from services.promising import promise
from services.times import stamp
from stores import schedule_runs
from stores.ledger import change as changes

_NOT_GIVEN: Final = ("send_at", "expires_at")


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time of a schedule: which it is of, when, and when what it does is due (jitter)."""

    schedule_id: UUID
    at: datetime
    due_at: datetime


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


class Notify:
    """Sends a notification, judged anew each time."""

    prefix = "ntf"
    scope = "notifications:write"
    overlap = Overlap.ALLOW_ALL  # each is a message of its own

    async def check(
        self, app: App, conn: AsyncConnection, actor: Actor, body: Mapping[str, Any]
    ) -> None:
        """Judge the body as POST /v1/notifications does."""
        for name in _NOT_GIVEN:
            if body.get(name) is not None:
                raise Invalid.field(name, "is the schedule's to say; leave it out")
        request = validated(NotificationRequest, body)
        known = await look_up(conn, actor, [request])
        found = judge(request, actor, known, otp_start_seconds=app.settings.otp_start_seconds)
        if found.class_ is CategoryClass.OTP:
            raise Invalid.field("category", "is for codes that somebody asked for this moment")

    async def fire(
        self,
        app: App,
        conn: AsyncConnection,
        actor: Actor,
        body: Mapping[str, Any],
        occasions: Sequence[Occasion],
    ) -> list[Any | Problem]:
        """Promise one notification for each occasion; its metadata names schedule and time."""
        request = validated(NotificationRequest, body)
        asked = [
            request.model_copy(
                update={
                    "send_at": one.due_at,
                    "metadata": {
                        **request.metadata,
                        "schedule": encode("sch", one.schedule_id),
                        "scheduled_at": stamp(one.at),
                    },
                }
            )
            for one in occasions
        ]
        return list(await promise(app, conn, actor, asked))

    async def begin(self, app: App, actor: Actor, done: Sequence[Accepted]) -> None:
        """Start the workflows; what cannot be started now is left to the sweeper."""
        await starting.start_all(app, actor, done)

    async def unfinished(self, conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        """Return which notifications are unfinished."""
        return await schedule_runs.unfinished(conn, ids)

    async def cancel(self, conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        """Cancel notifications that are not being sent yet."""
        for id in sorted(ids):
            try:
                await changes.cancel(conn, id)
            except Conflict:
                continue


ACTIONS: Final[Mapping[str, Action]] = {"notification": Notify()}
"""Those that can be scheduled; the contract knows more."""


def action_of(given: Mapping[str, Any]) -> tuple[str, Action, Mapping[str, Any]]:
    """Return the one action of a request, with its name and body; raises Invalid."""
    [(name, body)] = [(name, body) for name, body in given.items() if body is not None]
    if name not in ACTIONS:
        known = ", ".join(sorted(ACTIONS))
        raise Invalid.field(f"action.{name}", f"cannot be scheduled yet; what can is {known}")
    return name, ACTIONS[name], body
