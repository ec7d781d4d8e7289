"""What a client sends to keep a schedule: what it does, and when."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, RootModel, model_validator

from domain.calendars import BadField, parse
from domain.contract.base import Json, Line, Moment, Request, WrongField
from domain.contract.notification import Key, Timezone
from domain.cron import parse_cron

MOST_NEXT = 100
MOST_BACKFILLED = 1_000
RULES = ("every", "calendar", "cron", "at")
"""Exactly one of them says when a schedule fires."""


class Overlap(StrEnum):
    """What happens when a time comes while what an earlier one began is unfinished."""

    SKIP = "skip"
    BUFFER_ONE = "buffer_one"
    BUFFER_ALL = "buffer_all"
    CANCEL_OTHER = "cancel_other"
    ALLOW_ALL = "allow_all"


def _whole(value: datetime) -> datetime:
    return value.replace(microsecond=0)


def _cron(value: str) -> str:
    parse_cron(value)
    return value


_Second = Annotated[Moment, AfterValidator(_whole)]
_Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
_Part = Annotated[int, Field(ge=-1, le=2500)] | Annotated[Line, Field(min_length=1, max_length=200)]
_Field = _Part | Annotated[list[_Part], Field(min_length=1, max_length=60)] | None


class EveryRequest(Request):
    """A period; units of one kind add up: elapsed time, days, or months."""

    seconds: _Count | None = None
    minutes: _Count | None = None
    hours: _Count | None = None
    days: _Count | None = None
    weeks: _Count | None = None
    months: _Count | None = None
    years: _Count | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "EveryRequest":
        seconds, days, months = self.totals()
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if not given:
            raise ValueError("needs a unit: seconds, minutes, hours, days, weeks, months or years")
        if sum(1 for total in (seconds, days, months) if total) > 1:
            raise WrongField(
                given[-1],
                "cannot be added here: seconds, minutes and hours go together, days and weeks do,"
                " and months and years do",
            )
        if seconds > 86_400 * 36_600 or days > 36_600 or months > 1_200:
            raise WrongField(given[-1], "makes a period of more than a hundred years")
        return self

    def totals(self) -> tuple[int, int, int]:
        """Return its seconds, days and months."""
        return (
            (self.seconds or 0) + 60 * (self.minutes or 0) + 3600 * (self.hours or 0),
            (self.days or 0) + 7 * (self.weeks or 0),
            (self.months or 0) + 12 * (self.years or 0),
        )


class CalendarRequest(Request):
    """Times of the wall clock by field; any when left out, but 0 for hour, minute and second."""

    second: _Field = None
    minute: _Field = None
    hour: _Field = None
    day: _Field = None
    month: _Field = None
    year: _Field = None
    weekday: _Field = None

    @model_validator(mode="after")
    def _readable(self) -> "CalendarRequest":
        try:
            parse(self.model_dump())
        except BadField as error:
            raise WrongField(error.field, str(error)) from None
        return self


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict | CalendarRequest) else value


class Action(Request):
    """What a schedule does at each of its times: one of these."""

    notification: Json | None = None
    campaign: Json | None = None
    report: Json | None = None

    @model_validator(mode="after")
    def _one(self) -> "Action":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("needs exactly one of notification, campaign and report")
        return self


class ScheduleRequest(Request):
    """A schedule; exactly one of every, calendar, cron and at says when."""

    name: Key
    action: Action
    every: EveryRequest | None = None
    calendar: (
        Annotated[
            list[CalendarRequest], BeforeValidator(_listed), Field(min_length=1, max_length=20)
        ]
        | None
    ) = None
    cron: Annotated[Line, Field(max_length=200), AfterValidator(_cron)] | None = None
    at: _Second | None = None
    timezone: Timezone = "UTC"
    start_at: _Second | None = None
    end_at: _Second | None = None
    jitter_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    skip: Annotated[list[date], Field(max_length=1_000)] = []
    overlap: Overlap | None = None
    catchup_seconds: Annotated[int, Field(ge=10, le=31_536_000)] = 600

    @model_validator(mode="after")
    def _one_rule(self) -> "ScheduleRequest":
        given = [name for name in RULES if getattr(self, name) is not None]
        if not given:
            raise WrongField("every", "needs one of every, calendar, cron and at")
        if len(given) > 1:
            raise WrongField(given[-1], f"stands alone: {given[0]} says already when")
        if self.start_at and self.end_at and self.end_at <= self.start_at:
            raise WrongField("end_at", "must be later than start_at")
        return self


class SchedulePatch(RootModel[Json]):
    """A change by RFC 7396 of anything that a schedule says; another rule replaces the present."""

    def given(self) -> dict[str, Any]:
        """Return the merge patch, to be judged once it is applied."""
        return self.root


class BackfillRequest(Request):
    """Past times to be made up for: start_at ≤ t ≤ end_at, but for those that have fired."""

    start_at: Moment
    end_at: Moment

    @model_validator(mode="after")
    def _some_time(self) -> "BackfillRequest":
        if self.end_at < self.start_at:
            raise WrongField("end_at", "must not be earlier than start_at")
        return self


class PauseRequest(Request):
    """Why a schedule is paused, for those who see it."""

    note: Annotated[Line, Field(max_length=500)] = ""


class StandingApproval(Request):
    """An approval of what a schedule sends: of this hash, for each run to so many at most, and for
    those whose time is before `until`.
    """

    hash: Annotated[Line, Field(min_length=1, max_length=128)]
    largest: Annotated[int, Field(ge=1, le=1_000_000_000)]
    until: Moment
    reason: Annotated[str, Field(max_length=1_000)] = ""
    on_behalf_of: Annotated[Line, Field(max_length=64)] | None = None


class Revoke(Request):
    """That standing approvals are taken back, with the reason."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000)]
