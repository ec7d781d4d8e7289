"""What an administrator sends to make modules and keys."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.contract.base import Line, Request
from domain.contract.notification import Key

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
)
_SCOPE = re.compile(rf"^(\*|({'|'.join(RESOURCES)}):(read|write))$")


def _known_scope(value: str) -> str:
    if not _SCOPE.match(value):
        raise ValueError(
            "is not `*` or <resource>:read|write with a resource of " + ", ".join(RESOURCES)
        )
    return value


class ModuleRequest(Request):
    """A client system that sends."""

    key: Key
    name: Annotated[Line, Field(max_length=255)] | None = None


class ModulePatch(Request):
    """A change of a module's name."""

    name: Annotated[Line, Field(max_length=255)]


class KeyRequest(Request):
    """A new API key; without a module it belongs to the module of the key that makes it."""

    name: Annotated[Line, Field(min_length=1, max_length=255)]
    module: Annotated[Line, Field(max_length=100)] | None = None
    scopes: Annotated[
        list[Annotated[Line, AfterValidator(_known_scope)]], Field(min_length=1, max_length=50)
    ]
