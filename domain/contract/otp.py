"""What a client sends to have a one-time code made, checked and sent again."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from domain.contract.base import Json, Line, Request, WrongField
from domain.contract.notification import Recipient, TemplateRef
from domain.hosts import check_domain
from domain.vocabulary import Channel

MADE: tuple[str, ...] = ("code", "ttl_minutes")
"""Names of the data that are ours to give."""


def _sends_codes(channel: Channel) -> Channel:
    if channel is Channel.INAPP:
        raise ValueError("keeps what it shows, and codes are kept nowhere; use another channel")
    return channel


CodeChannel = Annotated[Channel, AfterValidator(_sends_codes)]


class OtpRequest(Request):
    """One code for one recipient; `data` goes to the words, beside code, ttl_minutes and domain."""

    recipient: Recipient
    channels: Annotated[list[CodeChannel], Field(min_length=1, max_length=6)] | None = None
    length: Annotated[int, Field(ge=4, le=8)] = 6
    ttl_seconds: Annotated[int, Field(ge=1, le=900)] = 300
    data: Json = {}
    template: TemplateRef | None = None

    @model_validator(mode="after")
    def _fits(self) -> "OtpRequest":
        if self.channels is not None and len(set(self.channels)) != len(self.channels):
            raise WrongField("channels", "names a channel twice")
        for name in MADE:
            if name in self.data:
                raise WrongField(f"data.{name}", "is given by the service; remove it")
        if self.data.get("domain"):
            try:
                check_domain(str(self.data["domain"]))
            except ValueError as error:
                raise WrongField("data.domain", str(error)) from None
        return self


class OtpVerifyRequest(Request):
    """A guess; whatever it is, it spends an attempt."""

    code: Annotated[Line, Field(min_length=1, max_length=64)]


class OtpResendRequest(Request):
    """Which channel to use; without one it is the next of the code's channels."""

    channel: CodeChannel | None = None
