"""Campaigns as the API answers them."""

from typing import Any

from domain.campaign import CampaignState
from domain.ids import encode
from services.times import stamp

_HASHED = frozenset(CampaignState) - {
    CampaignState.DRAFT, CampaignState.RESOLVING, CampaignState.REJECTED,
    CampaignState.EXPIRED,
}  # fmt: skip


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
        "window": _window(asked.get("window", {}), frozen),
        "pace": {"per_second": row.per_second} if row.per_second else None,
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


def _window(asked: dict[str, Any], frozen: dict[str, Any]) -> dict[str, Any]:
    """Return the window; once submitted with the hours that hold, of the site if it said none."""
    hours = frozen["off_hours"] if "off_hours" in frozen else asked.get("off_hours")
    return {
        "start_at": asked.get("start_at"), "end_at": asked.get("end_at"), "off_hours": hours,
    }  # fmt: skip
