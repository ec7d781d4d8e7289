"""An escalation as the API shows it: its steps, where each stands, and what stopped it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from domain.escalation import StepState
from domain.ids import encode
from services.times import stamp


def view(
    row: Row[Any], deliveries: Sequence[Row[Any]], rota_names: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return {state, stopped, steps} of a notification; None for one that does not escalate.

    `state` is waiting while a step is to come, done once every step has begun, or stopped. A step's
    `recipient` is null where it goes to the notification's own, and where its rota had nobody.
    """
    if row.escalation is None:
        return None
    return {
        "state": _state(row),
        "stopped": _stopped(row),
        "steps": [
            _step(row, number, one, deliveries, rota_names)
            for number, one in enumerate(row.escalation["steps"], start=1)
        ],
    }


def acknowledged(row: Row[Any]) -> dict[str, Any] | None:
    """Return when and by whom a notification was acknowledged; None while it was not."""
    if row.acknowledged_at is None:
        return None
    return {"at": stamp(row.acknowledged_at), "by": row.acknowledged_by}


def story(row: Row[Any], deliveries: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return the events of an escalation for the timeline: steps after the first, and the stop."""
    begun = {one.step: one.created_at for one in reversed(deliveries) if (one.step or 0) > 1}
    told: list[dict[str, Any]] = [
        {"at": stamp(at), "event": "escalated", "step": number}
        for number, at in sorted(begun.items())
    ]
    if row.acknowledged_at is not None:
        told.append({"event": "acknowledged", **(acknowledged(row) or {})})
    if row.stopped_at is not None:
        told.append({"event": "stopped", **(_stopped(row) or {})})
    return told


def _step(
    row: Row[Any],
    number: int,
    asked: Mapping[str, Any],
    deliveries: Sequence[Row[Any]],
    rota_names: Mapping[str, str],
) -> dict[str, Any]:
    mine = [one for one in deliveries if one.step == number]
    whom = next((encode("prf", one.profile_id) for one in mine if one.profile_id), None)
    state, rota = _state_of(row, number), asked.get("rota")
    return {
        "number": number,
        "state": state,
        "channels": asked["channels"],
        "recipient": whom or asked.get("recipient"),
        "rota": None if rota is None else {"id": rota, "name": rota_names.get(rota)},
        "wait_seconds": asked["wait_seconds"],
        "stop_on": asked["stop_on"] if number > 1 else None,
        "began_at": stamp(min(one.created_at for one in mine)) if mine else None,
        "due_at": stamp(row.step_due_at or row.due_at) if state is StepState.WAITING else None,
        "deliveries": [encode("dlv", one.id) for one in mine],
    }


def _state(row: Row[Any]) -> str:
    if row.stopped_at is not None:
        return "stopped"
    over = row.finished_at is not None or row.step == _many(row)
    return "done" if over else "waiting"


def _state_of(row: Row[Any], number: int) -> StepState:
    if number <= row.step:
        return StepState.DONE
    if row.stopped_at is not None or row.finished_at is not None:
        return StepState.NOT_SENT
    return StepState.WAITING if number == row.step + 1 else StepState.LATER


def _stopped(row: Row[Any]) -> dict[str, Any] | None:
    """Return {at, because, left}: `left` is how many steps were not sent."""
    if row.stopped_at is None:
        return None
    return {
        "at": stamp(row.stopped_at),
        "because": row.stop_reason,
        "left": _many(row) - row.step,
    }


def _many(row: Row[Any]) -> int:
    return len(row.escalation["steps"])
