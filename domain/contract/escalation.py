"""How a request or a template asks to go on by steps until somebody has read or acknowledged."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from domain.contract.base import Line, Request, WrongField
from domain.contract.profile_ref import ProfileRef
from domain.escalation import LONGEST_TOTAL, LONGEST_WAIT, MOST_STEPS, StopOn
from domain.vocabulary import Channel

RotaRef = Annotated[
    Line, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]


class StepRequest(Request):
    """A step: to the notification's recipient, or to another profile, or to whoever a rota says.

    It begins `wait_seconds` after the one before, unless `stop_on` has happened by then. Without
    `channels` it uses those of the notification.
    """

    recipient: ProfileRef | None = None
    rota: RotaRef | None = None
    channels: Annotated[list[Channel], Field(min_length=1, max_length=7)] | None = None
    wait_seconds: Annotated[int, Field(ge=1, le=LONGEST_WAIT, strict=True)] | None = None
    stop_on: StopOn | None = None

    @model_validator(mode="after")
    def _one_addressee(self) -> "StepRequest":
        if self.recipient is not None and self.rota is not None:
            raise WrongField("rota", "a step goes either to a recipient or to a rota, not to both")
        if self.channels is not None and len(set(self.channels)) != len(self.channels):
            raise WrongField("channels", "names a channel twice")
        return self


class EscalationRequest(Request):
    """Ordered steps; the first one is sent at once, or when the notification is due."""

    steps: Annotated[list[StepRequest], Field(min_length=2, max_length=MOST_STEPS)]

    @model_validator(mode="after")
    def _waits(self) -> "EscalationRequest":
        first, *others = self.steps
        for name in ("wait_seconds", "stop_on"):
            if getattr(first, name) is not None:
                raise WrongField(
                    f"steps[0].{name}", "is for later steps: the first one waits for none before it"
                )
        for number, one in enumerate(others, start=1):
            if one.wait_seconds is None:
                raise WrongField(f"steps[{number}].wait_seconds", "is required")
        seconds = sum(one.wait_seconds or 0 for one in others)
        if seconds > LONGEST_TOTAL:
            raise WrongField(
                "steps", f"take {seconds:,} seconds in all; at most {LONGEST_TOTAL:,} are possible"
            )
        return self

    def document(self) -> dict[str, Any]:
        """Return it as it is stored with a template: names as they were given."""
        return self.model_dump(mode="json", exclude_none=True)
