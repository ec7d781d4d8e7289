"""Schedules as the API answers them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from domain.contract.schedule import ScheduleRequest
from domain.ids import encode
from services.schedule_actions import ACTIONS
from services.schedule_firing import MOST_COUNTED, overlap_of
from services.times import stamp


def summary(row: Any) -> dict[str, Any]:
    """Return a schedule as lists show it: what it says, its state, and when it fires next."""
    said = ScheduleRequest.model_validate(row.definition).model_dump(mode="json")
    return {
        "id": encode("sch", row.id),
        **said,
        "action": row.definition["action"],
        "start_at": _moment(row.definition.get("start_at")),
        "end_at": _moment(row.definition.get("end_at")),
        "at": _moment(row.definition.get("at")),
        "every": row.definition.get("every"),
        "calendar": row.definition.get("calendar"),
        "overlap": overlap_of(row),
        "module": row.module_key,
        "state": state_of(row),
        "note": row.note,
        "next": stamp(row.next_at) if row.paused_at is None else None,
        "created_by": row.created_by,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "version": row.version,
    }


def detail(row: Any, runs: Sequence[Row[Any]], gaps: Sequence[Row[Any]]) -> dict[str, Any]:
    """Return a schedule with what became of its latest times."""
    shown = [run_view(row, run) for run in runs]
    return {
        **summary(row),
        "last": shown[0] if shown else None,
        "recent": shown,
        "missed": {
            "times": int(gaps[0].total) if gaps else 0,
            "recent": [_gap(gap) for gap in gaps],
        },
    }


def state_of(row: Any) -> str:
    """Return active, paused, or finished when no time is left."""
    if row.paused_at is not None:
        return "paused"
    return "active" if row.next_at is not None else "finished"


def run_view(row: Any, run: Any) -> dict[str, Any]:
    """Return what became of one time: fired, waiting or failed, why, and what it made."""
    subject = encode(ACTIONS[row.action].prefix, run.subject) if run.subject else None
    return {
        "at": stamp(run.at),
        "cause": run.cause,
        "state": run.state,
        "reason": run.reason or None,
        "fired_at": stamp(run.fired_at) if run.state == "fired" else None,
        row.action: subject,
    }


def _gap(gap: Any) -> dict[str, Any]:
    return {
        "from": stamp(gap.first_at),
        "to": stamp(gap.last_at),
        "times": gap.times,
        "at_least": gap.times >= MOST_COUNTED,
        "reason": gap.reason,
    }


def _moment(given: str | None) -> str | None:
    return None if given is None else given.replace("Z", ".000Z") if "." not in given else given
