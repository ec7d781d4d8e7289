"""Rotas: who is on duty at a moment, and who comes next.

Members take turns of a day or a week, handed over at a time on the wall clock of the rota's zone.
A time that clocks leave out is the end of the gap, one that they show twice is the first
(domain/wall_clock.py), so at each moment from the start on exactly one turn runs. An override puts
somebody in the place of whoever has the turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final
from uuid import UUID

from domain.wall_clock import moment_of, wall, zone_of

MOST_MEMBERS: Final = 100
MOST_OVERRIDES: Final = 200


class Turn(StrEnum):
    """How long a member is on duty before the next one takes over."""

    DAY = "day"
    WEEK = "week"


_DAYS: Final = {Turn.DAY: 1, Turn.WEEK: 7}


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody who is on duty instead of whoever has the turn: from `start_at`, until `end_at`."""

    profile_id: UUID
    start_at: datetime
    end_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it covers a moment; its end belongs to it no more."""
        return self.start_at <= at < self.end_at


@dataclass(frozen=True, slots=True)
class Shift:
    """A span in which one profile is on duty, `end_at` not included."""

    profile_id: UUID
    start_at: datetime
    end_at: datetime
    override: bool


@dataclass(frozen=True, slots=True)
class Rota:
    """Members in the order of their turns; the first turn begins on `start`, at `handover`."""

    members: tuple[UUID, ...]
    every: Turn
    start: date
    handover: time
    timezone: str
    overrides: tuple[Override, ...] = ()

    def on_duty(self, at: datetime) -> UUID | None:
        """Return who is on duty at a moment (with a zone); None before the start, and where the
        rota has no members. Of overrides that overlap, the one that begins last holds.
        """
        return self._instead(at) or self._member(at)

    def order(self, at: datetime) -> list[UUID]:
        """Return whom to ask at a moment, one after the other: who is on duty, then those whose
        turns come next. A member in whose place somebody is on duty comes last.
        """
        first, member = self.on_duty(at), self._member(at)
        if first is None:
            return []
        turns = list(dict.fromkeys(self._from(self.turn(at)))) if member else []
        later = turns[1:] + turns[:1] if first != member else turns
        return [first, *(one for one in later if one != first)]

    def shifts(self, start_at: datetime, end_at: datetime) -> list[Shift]:
        """Return who is on duty from `start_at` until `end_at`, without gaps from the rota's start
        on. A new turn is a new shift, also when the same profile goes on.
        """
        begun = {self.begins(one) for one in self._turns(start_at, end_at)}
        cuts = sorted({start_at, end_at, *self._changes(begun, start_at, end_at)})
        found: list[Shift] = []
        for begins, ends in pairwise(cuts):
            profile, override = self.on_duty(begins), self._instead(begins) is not None
            if profile is None:
                continue
            shift = Shift(profile, begins, ends, override)
            if found and _goes_on(found[-1], shift) and (override or begins not in begun):
                found[-1] = replace(found[-1], end_at=ends)
            else:
                found.append(shift)
        return found

    def turn(self, at: datetime) -> int:
        """Return the number of the turn that runs at a moment: 0 is the first, less is before."""
        zone = zone_of(self.timezone)
        days = (wall(at, zone).date() - self.start).days
        near = days // _DAYS[self.every]
        # A zone may leave out a day, or stand behind its handover: the turn is next to the guess.
        return max(n for n in range(near - 2, near + 2) if self.begins(n) <= at)

    def begins(self, turn: int) -> datetime:
        """Return the moment (UTC) at which a turn begins."""
        day = self.start + timedelta(days=turn * _DAYS[self.every])
        return moment_of(datetime.combine(day, self.handover), zone_of(self.timezone))

    def _member(self, at: datetime) -> UUID | None:
        number = self.turn(at)
        return self.members[number % len(self.members)] if self.members and number >= 0 else None

    def _from(self, turn: int) -> Iterable[UUID]:
        place = turn % len(self.members)
        return (*self.members[place:], *self.members[:place])

    def _instead(self, at: datetime) -> UUID | None:
        holding = [one for one in self.overrides if one.holds(at)]
        return max(holding, key=lambda one: one.start_at).profile_id if holding else None

    def _turns(self, start_at: datetime, end_at: datetime) -> range:
        return range(max(0, self.turn(start_at)), self.turn(end_at) + 1)

    def _changes(
        self, begun: Iterable[datetime], start_at: datetime, end_at: datetime
    ) -> list[datetime]:
        moments = [at for one in self.overrides for at in (one.start_at, one.end_at)]
        return [one for one in (*begun, *moments) if start_at < one < end_at]


def _goes_on(before: Shift, after: Shift) -> bool:
    same = (before.profile_id, before.override) == (after.profile_id, after.override)
    return same and before.end_at == after.start_at


def next_of(order: Sequence[UUID], told: Iterable[UUID]) -> UUID | None:
    """Return the first in an order who was not told yet; once all were, the one told longest ago.

    `told` has profiles in the order in which they were told, one perhaps several times.
    """
    latest = {profile: number for number, profile in enumerate(told)}
    return min(order, key=lambda one: latest.get(one, -1), default=None)
