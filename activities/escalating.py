"""Begins the steps of escalations: whom each goes to, and when the one after it is due."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.decision import Effect, Rule
from domain.delivery import Planned, Unplanned
from domain.escalation import NOBODY_ON_DUTY, Step
from domain.ids import new_id
from domain.rota import Rota, next_of
from domain.vocabulary import State
from stores import rotas
from stores.ledger import escalations
from stores.ledger.escalations import Begun


async def still_wanted(conn: AsyncConnection, due: Sequence[Unplanned]) -> list[Unplanned]:
    """Return notifications without those whose next step is needless: these have stopped."""
    going_on = [one.id for one in due if one.step is not None and one.step > 1]
    stopped = set(await escalations.stop_met(conn, going_on)) if going_on else set()
    return [one for one in due if one.id not in stopped]


async def addressed(
    conn: AsyncConnection, due: Sequence[Unplanned]
) -> tuple[list[Unplanned], list[Planned]]:
    """Return notifications as their steps address them, and for each whose rota has nobody now the
    suppressed delivery that says so.
    """
    steps = {one.id: one.steps[one.step - 1] for one in due if one.step is not None}
    wanted = [step.rota_id for step in steps.values() if step.rota_id is not None]
    known = await rotas.load(conn, wanted)
    now = datetime.now(UTC)
    reached: list[Unplanned] = []
    nobody: list[Planned] = []
    for one in due:
        step = steps.get(one.id)
        if step is None or step.is_own:
            reached.append(one)
        elif (profile := _addressee(step, one, known, now)) is not None:
            reached.append(replace(one, profile_id=profile, recipient={}, addressee=profile))
        else:
            nobody.append(_nobody(one, step))
    return reached, nobody


async def begin(
    conn: AsyncConnection, due: Sequence[Unplanned], planned: Sequence[Planned]
) -> None:
    """Note the steps that begin with what was planned for them."""
    now = datetime.now(UTC)
    await escalations.begin(
        conn,
        [
            Begun(one.id, one.step, _next_due(one, one.step, planned, now))
            for one in due
            if one.step is not None
        ],
    )


def _addressee(step: Step, one: Unplanned, known: dict[UUID, Rota], now: datetime) -> UUID | None:
    if step.rota_id is None:
        return step.profile_id
    rota = known.get(step.rota_id)
    return None if rota is None else next_of(rota.order(now), one.told)


def _nobody(one: Unplanned, step: Step) -> Planned:
    why = Rule("rota", Effect.SUPPRESSES, "nobody of the rota is on duty").body()
    channel = step.channels[0]
    return Planned(new_id(), one, channel, "", State.SUPPRESSED, NOBODY_ON_DUTY, decision=[why])


def _next_due(
    one: Unplanned, number: int, planned: Sequence[Planned], now: datetime
) -> datetime | None:
    """Return when the step after this one is due: its wait runs from when this one's messages may
    go, which its recipient's quiet hours may hold.
    """
    if number >= len(one.steps):
        return None
    mine = [each for each in planned if each.notification.id == one.id]
    goes = [each.due_at or now for each in mine if each.state in (State.ACCEPTED, State.HELD)]
    return min(goes, default=now) + one.steps[number].wait
