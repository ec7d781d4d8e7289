"""Who of a campaign's recipients gets it first, as its author asks for it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.contract.base import Request, WrongField

_Share = Annotated[float, Field(gt=0, le=0.5)]
_Bound = Annotated[float, Field(ge=0, lt=1)]


class CanaryBounds(Request):
    """The shares of what was sent (or tried) that may bounce, complain, fail; null: any."""

    bounced: _Bound | None = 0.05
    complained: _Bound | None = 0.001
    failed: _Bound | None = 0.1


class Canary(Request):
    """Recipients that get it first. When all had their turn, receipts are waited for; if a bound
    is passed, the campaign is paused, else it goes on by itself.
    """

    share: _Share
    at_least: Annotated[int, Field(ge=1, le=100_000)] = 100
    wait_seconds: Annotated[float, Field(ge=1, le=604_800)] = 600
    bounds: CanaryBounds = CanaryBounds()

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.bounds.model_dump(exclude_none=True):
            raise WrongField("bounds", "must have one bound at least, or nothing is tested")
        return self
