"""Who of a campaign's recipients gets it first, as its author asks for it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.ab_tests import Measure
from domain.contract.base import Request, WrongField
from domain.contract.event import EventType
from domain.contract.notification import TemplateRef

_Share = Annotated[float, Field(gt=0, le=0.5)]
_Bound = Annotated[float, Field(ge=0, lt=1)]


class CanaryBounds(Request):
    """The shares of what was sent (or tried) that may bounce, complain, fail; null: any."""

    bounced: _Bound | None = 0.05
    complained: _Bound | None = 0.001
    failed: _Bound | None = 0.1


class Variant(Request):
    """A published template, and the share of all recipients that gets it."""

    template: TemplateRef
    share: Annotated[float, Field(gt=0, lt=1)]


class AbTest(Request):
    """Templates that are tested against each other; who gets none of them gets the winner.

    When all who are tested had their turn, it is decided after `decide_after_seconds`, by the
    share of them that the `measure` counts.
    """

    variants: Annotated[list[Variant], Field(min_length=2, max_length=5)]
    decide_after_seconds: Annotated[float, Field(ge=1, le=2_592_000)]
    measure: Measure
    event_type: EventType | None = None
    at_least: Annotated[int, Field(ge=1, le=1_000_000)] = 10

    @model_validator(mode="after")
    def _measured(self) -> Self:
        if round(sum(one.share for one in self.variants), 9) > 1:
            raise WrongField("variants", "have shares that are more than 1 together")
        if len({one.template for one in self.variants}) < len(self.variants):
            raise WrongField("variants", "name the same template twice")
        if (self.measure is Measure.EVENT) != (self.event_type is not None):
            raise WrongField("event_type", "is given exactly where the measure is event")
        return self


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
