"""What an administrator sends to keep users, and a user to name a deputy."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from domain.contract.base import Line, Moment, Request, Text, WrongField
from domain.contract.notification import check_email
from domain.vocabulary import Role

MIN_PASSWORD, MAX_PASSWORD = 12, 1_024
Name = Annotated[Line, Field(min_length=1, max_length=255)]


class UserRequest(Request):
    """A new user; without a password one is made and answered once. Either is temporary."""

    name: Name
    email: Annotated[Line, Field(max_length=320), AfterValidator(check_email)]
    role: Role
    password: Annotated[Text, Field(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)] | None = None


class UserPatch(Request):
    """A change of a user (RFC 7396); `active: false` ends their sessions and stops their keys."""

    name: Name | None = None
    role: Role | None = None
    active: bool | None = None

    @model_validator(mode="after")
    def _nothing_taken_away(self) -> "UserPatch":
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise WrongField(name, "cannot be taken away")
        return self


class DelegationRequest(Request):
    """Who decides in a user's stead (`to`, a user's id), from when until when."""

    to: Annotated[Line, Field(max_length=100)]
    from_at: Annotated[Moment, Field(alias="from")]
    until: Moment

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, given: Any) -> Any:
        if isinstance(given, dict) and "from_at" in given:
            raise WrongField("from_at", "is called `from` here")
        return given

    @model_validator(mode="after")
    def _some_time(self) -> "DelegationRequest":
        if self.until <= self.from_at:
            raise WrongField("until", "must be later than from")
        return self
