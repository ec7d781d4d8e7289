"""What an operator sends to have dead letters tried once more."""

from typing import Annotated

from pydantic import Field, model_validator

from domain.contract.base import Line, Request, WrongField

DeliveryId = Annotated[str, Field(pattern=r"^dlv_[0-9a-z]{26}$")]
Words = Annotated[list[Annotated[Line, Field(max_length=100)]], Field(max_length=50)]


class RedriveRequest(Request):
    """Deliveries by id, or all that pass the filters: at most 1,000 at a time.

    What may have been sent already (`unknown`) is left alone unless `include_unknown` says that
    being sent twice is better than not at all.
    """

    deliveries: Annotated[list[DeliveryId], Field(min_length=1, max_length=1000)] | None = None
    state: Words | None = None
    reason: Words | None = None
    channel: Words | None = None
    category: Words | None = None
    account: Words | None = None
    include_unknown: bool = False

    @model_validator(mode="after")
    def _chooses(self) -> "RedriveRequest":
        named = (self.state, self.reason, self.channel, self.category, self.account)
        filtered = any(one is not None for one in named)
        if (self.deliveries is None) != filtered:
            raise WrongField("deliveries", "needs either deliveries or filters, not both")
        return self
