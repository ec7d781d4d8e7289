"""How fast a campaign sends, as its author or an operator asks for it."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from domain.contract.base import Request, WrongField

FASTEST: Final = 100_000.0
SLOWEST: Final = 0.001
"""At the start of a ramp: one message in 1,000 seconds."""
LONGEST_SECONDS: Final = 7_776_000.0
"""90 days."""


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("must be more than 0; to stop a campaign, pause it")
    return value


Rate = Annotated[float, AfterValidator(_positive), Field(le=FASTEST)]
_Seconds = Annotated[float, Field(ge=1, le=LONGEST_SECONDS)]


class Ramp(Request):
    """How a pace is reached: evenly over some seconds, or twice as fast each time that some
    seconds have passed. Only the seconds in which the campaign sends count.
    """

    start_per_second: Annotated[float, Field(ge=SLOWEST, le=FASTEST)]
    over_seconds: _Seconds | None = None
    doubles_every_seconds: _Seconds | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.over_seconds is None) == (self.doubles_every_seconds is None):
            raise WrongField("over_seconds", "give either over_seconds or doubles_every_seconds")
        return self


class Pace(Request):
    """How fast a campaign sends at the most, beside the pace of each account."""

    per_second: Rate
    ramp: Ramp | None = None

    @model_validator(mode="after")
    def _upwards(self) -> Self:
        if self.ramp is not None and self.ramp.start_per_second >= self.per_second:
            raise WrongField(
                "ramp.start_per_second",
                "must be less than per_second, which the ramp leads up to; without a ramp, say"
                " ramp: null",
            )
        return self
