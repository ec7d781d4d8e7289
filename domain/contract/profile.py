"""What a client sends to keep recipients and groups."""

from typing import Annotated

from pydantic import Field

from domain.contract.base import Json, Line, Request
from domain.contract.notification import Email, Locale, Phone, Timezone

GroupName = Annotated[Line, Field(min_length=1, max_length=256)]


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
