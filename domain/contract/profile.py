"""What a client sends to keep recipients and groups."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from domain.addresses import PLAIN, Address
from domain.contract.base import Json, Line, Request, WrongField
from domain.contract.notification import (
    Email,
    Locale,
    Phone,
    Timezone,
    check_email,
    check_phone,
)
from domain.vocabulary import Channel

_LONGEST_TELEGRAM = 64
GroupName = Annotated[Line, Field(min_length=1, max_length=256)]


class ProfileAddress(Request):
    """An address of a profile; the primary one of a channel is the plain field of the profile."""

    channel: Literal[Channel.EMAIL, Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM]
    address: Annotated[Line, Field(min_length=1, max_length=320)]
    verified: bool = False
    label: Annotated[Line, Field(min_length=1, max_length=100)] | None = None
    primary: bool = False

    @model_validator(mode="after")
    def _usable(self) -> "ProfileAddress":
        try:
            if self.channel is Channel.EMAIL:
                self.address = check_email(self.address)
            elif self.channel is not Channel.TELEGRAM:
                self.address = check_phone(self.address)
            elif len(self.address) > _LONGEST_TELEGRAM:
                raise ValueError(f"has more than {_LONGEST_TELEGRAM} characters")
        except ValueError as error:
            raise WrongField("address", str(error)) from None
        return self

    def known(self) -> Address:
        """Return it as the domain has it."""
        return Address(self.channel, self.address, self.verified, self.label, self.primary)


class ProfileFields(Request):
    """What is known of a recipient; groups are named by id or name."""

    external_id: Annotated[Line, Field(min_length=1, max_length=255)] | None = None
    name: Annotated[Line, Field(max_length=255)] | None = None
    email: Email | None = None
    phone: Phone | None = None
    telegram: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    whatsapp: Phone | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None
    attributes: Json | None = None
    groups: Annotated[list[GroupName], Field(max_length=200)] | None = None
    addresses: Annotated[list[ProfileAddress], Field(max_length=50)] | None = None

    @model_validator(mode="after")
    def _one_truth(self) -> "ProfileFields":
        seen: set[Any] = set()
        primary: set[Channel] = set()
        for number, one in enumerate(self.addresses or []):
            if one.known().key in seen:
                raise WrongField(f"addresses[{number}].address", "is listed twice on its channel")
            seen.add(one.known().key)
            if not one.primary:
                continue
            field = PLAIN[one.channel]
            if one.channel in primary:
                message = f"{one.channel} has a primary address already; only one can be"
                raise WrongField(f"addresses[{number}].primary", message)
            primary.add(one.channel)
            if field in self.model_fields_set and getattr(self, field) != one.address:
                message = f"is not the address in {field}, which is the primary one; name one only"
                raise WrongField(f"addresses[{number}].primary", message)
        return self


class ProfileRequest(ProfileFields):
    """A new profile."""


class ProfilePatch(ProfileFields):
    """A change by RFC 7396: null takes a value away, attributes are merged."""


class DeviceRequest(Request):
    """A phone's push token or a browser's push subscription."""

    channel: Annotated[str, Field(pattern=r"^(push|webpush)$")]
    platform: Annotated[Line, Field(max_length=20)] | None = None
    token: Annotated[Line, Field(min_length=1, max_length=4096)] | None = None
    subscription: Json | None = None


class GroupRequest(Request):
    """A named set of profiles."""

    name: GroupName


MemberIds = Annotated[list[Annotated[Line, Field(max_length=100)]], Field(max_length=1_000)]


class MembersRequest(Request):
    """Who joins a group and who leaves it, by the ids of their profiles."""

    add: MemberIds = []
    remove: MemberIds = []

    @model_validator(mode="after")
    def _says_something(self) -> "MembersRequest":
        if not self.add and not self.remove:
            raise WrongField("add", "is needed, or remove: ids of profiles")
        both = set(self.add) & set(self.remove)
        for number, one in enumerate(self.remove):
            if one in both:
                raise WrongField(f"remove[{number}]", "is in add too; name it once")
        return self
