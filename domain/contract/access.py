"""What an administrator sends to make modules and keys."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from domain.contract.base import Line, Request, WrongField
from domain.contract.brand import Brand
from domain.contract.notification import Key
from domain.contract.suppression import check_address
from domain.trial import ModuleMode
from domain.vocabulary import Channel

RESOURCES = (
    "notifications",
    "otp",
    "templates",
    "profiles",
    "groups",
    "audiences",
    "modules",
    "keys",
    "categories",
    "outbox",
    "analytics",
    "accounts",
    "suppressions",
    "audit",
    "events",
    "campaigns",
    "webhooks",
    "rules",
    "scim",
    "users",
    "approvals",
    "schedules",
    "triggers",
    "rotas",
)
Redirected = Literal["email", "sms", "whatsapp", "telegram"]
"""Channels on which all messages of a trial may go to one address."""
_SCOPE = re.compile(rf"^(\*|({'|'.join(RESOURCES)}):(read|write))$")


def _known_scope(value: str) -> str:
    if not _SCOPE.match(value):
        raise ValueError(
            "is not `*` or <resource>:read|write with a resource of " + ", ".join(RESOURCES)
        )
    return value


class ModuleRequest(Request):
    """A client system that sends; it begins on trial, and then reaches its safelist only."""

    key: Key
    name: Annotated[Line, Field(max_length=255)] | None = None
    mode: ModuleMode = ModuleMode.TRIAL


Safe = Annotated[Line, Field(min_length=1, max_length=4096)]


class ModulePatch(Request):
    """A change of a module (RFC 7396): its name, how it looks to its recipients, and whom it
    reaches while it is on trial.

    `safelist` has addresses of any channel, `redirect_to` an address for each channel.
    """

    name: Annotated[Line, Field(max_length=255)] | None = None
    mode: ModuleMode | None = None
    safelist: Annotated[list[Safe], Field(max_length=1_000)] | None = None
    redirect_to: dict[Redirected, Safe | None] | None = None
    brand: Brand | None = None

    @model_validator(mode="after")
    def _normal_addresses(self) -> "ModulePatch":
        redirects = self.redirect_to or {}
        for channel, address in redirects.items():
            if address is None:
                continue
            try:
                redirects[channel] = check_address(Channel(channel), address)
            except ValueError as error:
                raise WrongField(f"redirect_to.{channel}", str(error)) from None
        if self.safelist is not None:
            self.safelist = sorted({_safe(one) for one in self.safelist})
        return self


def _safe(address: str) -> str:
    """Return an address as it will be compared: as a mailbox, a phone number, or as it is."""
    for channel in (Channel.EMAIL, Channel.SMS):
        try:
            return check_address(channel, address)
        except ValueError:
            continue
    return address


class KeyRequest(Request):
    """A new API key; without a module it belongs to the module of the key that makes it.

    One that is bound to a `user` may never do more than that user's role.
    """

    name: Annotated[Line, Field(min_length=1, max_length=255)]
    module: Annotated[Line, Field(max_length=100)] | None = None
    scopes: Annotated[
        list[Annotated[Line, AfterValidator(_known_scope)]], Field(min_length=1, max_length=50)
    ]
    user: Annotated[Line, Field(max_length=100)] | None = None
