"""From what a client asked for to a timing, and whether it ever fires."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.calendars import parse
from domain.contract.schedule import RULES, ScheduleRequest
from domain.cron import parse_cron
from domain.errors import Invalid
from domain.schedules import Every, Once, Rule, Timing, next_time


def timing_of(definition: Mapping[str, Any], anchor: datetime) -> Timing:
    """Return the timing of a stored definition."""
    return _timing(ScheduleRequest.model_validate(definition), anchor)


def first_time(request: ScheduleRequest, anchor: datetime, now: datetime) -> datetime:
    """Return when a schedule fires first after now; raises Invalid that names what keeps it."""
    timing = _timing(request, anchor)
    found = next_time(timing, now)
    if found is not None:
        return found
    name = rule_of(request)
    if request.at is not None and request.at <= now:
        raise Invalid.field("at", "lies in the past, so it would never fire")
    if timing.skip and next_time(replace(timing, skip=frozenset()), now) is not None:
        raise Invalid.field("skip", "leaves no time at which it would fire")
    if request.end_at is not None and next_time(
        replace(timing, end_at=None, skip=frozenset()), now
    ):
        raise Invalid.field("end_at", "comes before the first time at which it would fire")
    if request.at is not None:
        raise Invalid.field("at", "is earlier than start_at, so it would never fire")
    raise Invalid.field(name, "never fires: no day of the next 60 years is like that")


def rule_of(request: ScheduleRequest) -> str:
    """Return which of every, calendar, cron and at is given."""
    return next(name for name in RULES if getattr(request, name) is not None)


def _timing(request: ScheduleRequest, anchor: datetime) -> Timing:
    return Timing(
        _rule(request), anchor.replace(microsecond=0), request.timezone,
        request.start_at, request.end_at, frozenset(request.skip),
    )  # fmt: skip


def _rule(request: ScheduleRequest) -> Rule:
    if request.every is not None:
        return Every(*request.every.totals())
    if request.calendar is not None:
        return tuple(parse(one.model_dump()) for one in request.calendar)
    if request.cron is not None:
        return parse_cron(request.cron)
    if request.at is None:
        raise Invalid.field("every", "needs one of every, calendar, cron and at")
    return Once(request.at)
