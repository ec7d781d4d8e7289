"""How long a campaign takes and what it costs, as far as paces and costs of accounts tell."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.campaign_pace import Pace
from domain.frozen_campaign import Frozen
from domain.vocabulary import Channel
from services.app import App
from services.times import stamp
from stores import accounts


async def estimate(
    app: App, row: Any, frozen: Frozen, channels: Mapping[str, int], segments: float
) -> dict[str, Any]:
    """Return {channels: {channel: {messages, parts, cost, per_second}}, cost, seconds}.

    The cheapest account of a channel counts, and `segments` parts for each text. `per_second` and
    `seconds` are null where no pace limits it.
    """
    usable = await _usable(app, frozen)
    told: dict[str, dict[str, Any]] = {}
    for channel, number in sorted(channels.items()):
        having = [one for one in usable if one.channel == channel]
        paces = [one.per_second for one in having]
        parts = number * (segments if channel == Channel.SMS else 1)
        told[channel] = {
            "messages": number,
            "parts": round(parts),
            "cost": round(parts * min((one.cost for one in having), default=0.0), 4),
            "per_second": sum(paces) if paces and all(paces) else None,
        }
    seconds = [one["messages"] / one["per_second"] for one in told.values() if one["per_second"]]
    pace = Pace.of(row.per_second, row.ramp)
    if pace is not None:
        seconds.append(pace.seconds_for(sum(channels.values())))
    return {
        "channels": told,
        "cost": round(sum(one["cost"] for one in told.values()), 4),
        "seconds": round(max(seconds), 1) if seconds else None,
    }


async def senders(
    app: App, frozen: Frozen, contents: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return {channel, from, accounts} of each channel: from whom it comes, where the words or the
    settings say so (else null: the account does), and over which accounts.
    """
    usable = await _usable(app, frozen)
    told = []
    for channel in frozen.channels:
        said = {one["content"].get("from") for one in contents if one["channel"] == channel}
        usual = app.settings.mail_from if channel is Channel.EMAIL else None
        names = [one.name for one in usable if one.channel == channel]
        named = sorted({str(one or usual) for one in said if one or usual})
        told.append({"channel": channel, "from": named or None, "accounts": sorted(names)})
    return told


async def _usable(app: App, frozen: Frozen) -> list[Any]:
    async with app.db.leader() as conn:
        found = await accounts.find_enabled(conn)
    return [one for one in found if not one.categories or frozen.category in one.categories]


def timetable(row: Any, frozen: Frozen, zones: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return when the recipients of each time zone are sent to, the first ones first.

    `too_late` says that the window is over by then, and nothing would be sent to them.
    """
    window = row.definition.get("window", {})
    now = datetime.now(UTC)
    begins = max(row.start_at or _moment(window.get("start_at")) or now, now)
    ends = row.end_at or _moment(window.get("end_at"))
    hours = frozen.off_hours
    rows = [
        (hours.opens(begins, zone) if hours else begins, zone, number)
        for zone, number in zones.items()
    ]
    return [
        {
            "timezone": zone, "messages": number, "opens_at": stamp(at),
            "too_late": ends is not None and at >= ends,
        }
        for at, zone, number in sorted(rows, key=lambda one: (one[0], -one[2], one[1]))
    ]  # fmt: skip


def _moment(given: str | None) -> datetime | None:
    return datetime.fromisoformat(given) if given else None
