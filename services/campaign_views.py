"""Campaigns as the API answers them."""

from itertools import zip_longest
from typing import Any

from domain.ab_tests import letter
from domain.campaign import CampaignState
from domain.campaign_pace import Pace
from domain.ids import encode
from services.times import stamp

_HASHED = frozenset(CampaignState) - {
    CampaignState.DRAFT, CampaignState.RESOLVING, CampaignState.REJECTED,
    CampaignState.EXPIRED,
}  # fmt: skip


_STANDS = ("state", "recipients", "counts", "decide_at", "decided_at", "breaches", "by")
"""What is told of how a canary stands; null where that is not known yet."""


def view(row: Any) -> dict[str, Any]:
    """Return a campaign: as it was asked for, and where it stands."""
    asked = row.definition
    frozen = row.frozen or {}
    return {
        "id": encode("cmp", row.id),
        "name": row.name,
        "module": row.module_key,
        "state": row.state,
        "run": row.run,
        "hash": row.hash if row.state in _HASHED else None,
        "audience": asked["audience"],
        "template": asked.get("template"),
        "template_version": frozen.get("template_version"),
        "content": asked.get("content"),
        "data": asked.get("data", {}),
        "category": frozen.get("category") or asked.get("category"),
        "channels": frozen.get("channels") or asked.get("channels"),
        "channel_policy": asked.get("channel_policy", "first_success"),
        "priority": frozen.get("priority") or asked.get("priority"),
        "sender": asked.get("sender"),
        "brand": asked.get("brand"),
        "window": _window(asked.get("window", {}), frozen),
        "pace": _pace(row),
        "canary": _canary(row, asked.get("canary")),
        "ab_test": _test(row, asked.get("ab_test")),
        "metadata": asked.get("metadata", {}),
        "counts": frozen.get("counts"),
        "problem": row.problem,
        "schedule": encode("sch", row.schedule_id) if row.schedule_id else None,
        "created_by": row.created_by,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "submitted_at": stamp(row.submitted_at),
        "approve_by": stamp(row.approve_by),
        "approved_at": stamp(row.approved_at),
        "started_at": stamp(row.started_at),
        "finished_at": stamp(row.finished_at),
        "version": row.version,
    }


def _pace(row: Any) -> dict[str, Any] | None:
    """Return the pace; with a ramp also how fast it is `now`."""
    pace = Pace.of(row.per_second, row.ramp)
    if pace is None:
        return None
    ramped = {"ramp": row.ramp, "now": round(pace.rate_at(row.ramp_seconds), 3)}
    return {"per_second": pace.per_second, **(ramped if row.ramp else {})}


def _canary(row: Any, asked: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the canary as it was asked for (once submitted with all its bounds), and how it
    stands.
    """
    frozen = (row.frozen or {}).get("canary")
    said = asked if row.state == CampaignState.DRAFT else frozen or asked
    if said is None:
        return None
    stood = row.canary or {}
    return {**said, **{name: stood.get(name) for name in _STANDS}}


def _test(row: Any, asked: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the test as it was asked for, its variants with their letters, and how it stands."""
    if asked is None:
        return None
    is_draft = row.state == CampaignState.DRAFT
    frozen = [] if is_draft else ((row.frozen or {}).get("ab_test") or {}).get("variants", [])
    versions = [one["template_version"] for one in frozen]
    stood = row.ab_test or {}
    variants = [
        {"variant": letter(number), **one, **({"template_version": version} if version else {})}
        for number, (one, version) in enumerate(
            zip_longest(asked["variants"], versions[: len(asked["variants"])])
        )
    ]
    return {
        "event_type": None,
        **asked,
        "variants": variants,
        "state": stood.get("state"),
        "winner": letter(stood.get("winner")),
        "decided_by": stood.get("by"),
        "decide_at": stood.get("decide_at"),
        "decided_at": stood.get("decided_at"),
    }


def _window(asked: dict[str, Any], frozen: dict[str, Any]) -> dict[str, Any]:
    """Return the window; once submitted with the hours that hold, of the site if it said none."""
    hours = frozen["off_hours"] if "off_hours" in frozen else asked.get("off_hours")
    return {
        "start_at": asked.get("start_at"), "end_at": asked.get("end_at"), "off_hours": hours,
    }  # fmt: skip
