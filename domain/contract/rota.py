"""What a client sends to keep a rota: who takes turns, and who stands in."""

from datetime import date
from typing import Annotated

from pydantic import Field, RootModel, model_validator

from domain.contract.base import Json, Moment, Request, WrongField
from domain.contract.notification import Key, Timezone
from domain.contract.preferences import Clock
from domain.contract.profile_ref import ProfileRef
from domain.rota import MOST_MEMBERS, MOST_OVERRIDES, Turn


class OverrideRequest(Request):
    """Somebody who is on duty instead of whoever has the turn; `end_at` is not included."""

    profile: ProfileRef
    start_at: Moment
    end_at: Moment

    @model_validator(mode="after")
    def _forward(self) -> "OverrideRequest":
        if self.end_at <= self.start_at:
            raise WrongField("end_at", "must be later than start_at")
        return self


class RotaRequest(Request):
    """Members in the order of their turns, each on duty for a day or a week; nobody, without any.

    The first turn begins on `start` at the time `handover` of the wall clock in `timezone`.
    """

    name: Key
    members: Annotated[list[ProfileRef], Field(max_length=MOST_MEMBERS)] = []
    every: Turn = Turn.WEEK
    start: date
    handover: Clock = Field(default="09:00", validate_default=True)
    timezone: Timezone = "UTC"
    overrides: Annotated[list[OverrideRequest], Field(max_length=MOST_OVERRIDES)] = []

    @model_validator(mode="after")
    def _sensible(self) -> "RotaRequest":
        if not _FIRST_YEAR <= self.start.year <= _LAST_YEAR:
            raise WrongField("start", f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
        return self


class RotaPatch(RootModel[Json]):
    """A change by RFC 7396 of anything that a rota says; lists are replaced whole."""

    def given(self) -> dict[str, object]:
        """Return the merge patch, to be judged once it is applied."""
        return self.root


_FIRST_YEAR, _LAST_YEAR = 1971, 2500
