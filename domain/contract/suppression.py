"""What a client sends to keep the list of suppressed addresses."""

from typing import Annotated

from pydantic import Field, model_validator

from domain.contract.base import Line, Moment, Request, WrongField
from domain.contract.notification import Key, check_email, check_phone
from domain.ids import InvalidId, decode
from domain.suppression import SuppressionReason, comparable
from domain.vocabulary import Channel, ModuleScope

Note = Annotated[Line, Field(max_length=500)]


def check_address(channel: Channel, value: str) -> str:
    """Return an address as sending uses it and suppressions keep it; raises ValueError."""
    match channel:
        case Channel.EMAIL:
            return comparable(channel, check_email(value))
        case Channel.SMS | Channel.WHATSAPP:
            return check_phone(value)
        case Channel.INAPP:
            try:
                return str(decode("prf", value))
            except InvalidId:
                raise ValueError("is not a profile's id of the form prf_…") from None
        case Channel.TELEGRAM | Channel.PUSH | Channel.WEBPUSH:
            return value


class SuppressionRequest(Request):
    """An address that must not be used: on a channel, for one category or for all."""

    channel: Channel
    address: Annotated[Line, Field(min_length=1, max_length=4096)]
    category: Key | None = None
    reason: SuppressionReason = SuppressionReason.MANUAL
    scope: ModuleScope = ModuleScope.MODULE
    expires_at: Moment | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _normal_address(self) -> "SuppressionRequest":
        try:
            self.address = check_address(self.channel, self.address)
        except ValueError as error:
            raise WrongField("address", str(error)) from None
        return self


class SuppressionPatch(Request):
    """A change by RFC 7396: null for `expires_at` means that it never ends."""

    expires_at: Moment | None = None
    note: Note | None = None
