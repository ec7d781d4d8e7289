"""When a campaign may send: its window, and its hours on the site's clock or the recipient's."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.rules import Rule
from domain.rules_hours import RECIPIENT, hold_until, opens_at

OFF_HOURS = "off_hours"
"""The reason of a delivery that waits for the campaign's hours where its recipient is."""

Hours = Mapping[str, str] | None
"""{start, end, timezone}; None: at any hour."""


def site_opens_at(hours: Hours, now: datetime) -> datetime | None:
    """Return when hours on the clock of a site begin; None when all may go on now.

    Hours on the clocks of the recipients never keep the campaign itself.
    """
    if hours is None or hours["timezone"] == RECIPIENT:
        return None
    return opens_at(hours, now, None)


def held_until(
    hours: Hours, rules: Sequence[Rule], now: datetime, zone: str | None, *, latest: datetime
) -> tuple[datetime, str] | None:
    """Return until when a recipient's delivery is held and why; None when it may go now.

    `zone` is the recipient's, None where it is not known (then UTC counts). `rules` are those that
    bind the delivery, of which some may allow other hours still.
    """
    by_rule = hold_until(rules, now, zone, latest=latest)
    if hours is None or hours["timezone"] != RECIPIENT:
        return by_rule
    opening = opens_at(hours, now, zone)
    if opening is None:
        return by_rule
    return (max(opening, by_rule[0]), by_rule[1]) if by_rule else (opening, OFF_HOURS)
