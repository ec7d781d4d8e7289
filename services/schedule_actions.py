"""What schedules can do: one entry each, by the name that the request gives it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
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
from services.schedule_occasions import Action, Occasion
from services.scheduled_campaigns import RunCampaign
from services.times import stamp
from stores import schedule_runs
from stores.ledger import change as changes

_NOT_GIVEN: Final = ("send_at", "expires_at")


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


ACTIONS: Final[Mapping[str, Action]] = {"campaign": RunCampaign(), "notification": Notify()}
"""Those that can be scheduled; the contract knows more."""


def action_of(given: Mapping[str, Any]) -> tuple[str, Action, Mapping[str, Any]]:
    """Return the one action of a request, with its name and body; raises Invalid."""
    [(name, body)] = [(name, body) for name, body in given.items() if body is not None]
    if name not in ACTIONS:
        known = " and ".join(sorted(ACTIONS))
        raise Invalid.field(f"action.{name}", f"cannot be scheduled yet; what can be are {known}")
    return name, ACTIONS[name], body
