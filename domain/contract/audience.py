"""What a client sends to keep audiences: a kind, and a body under the kind's own name."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from domain.contract.audience_filter import Expression
from domain.contract.base import Json, Line, Request
from domain.contract.notification import Email, Key, Locale, Phone, Timezone
from domain.vocabulary import Channel

MOST_LISTED = 10_000
AudienceName = Annotated[Line, Field(min_length=1, max_length=100)]
Kind = Annotated[Line, Field(max_length=100)]


class ListedMember(Request):
    """A recipient of an uploaded list, who need not be a profile."""

    external_id: Annotated[Line, Field(min_length=1, max_length=255)] | None = None
    email: Email | None = None
    phone: Phone | None = None
    telegram: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    whatsapp: Phone | None = None
    name: Annotated[Line, Field(max_length=255)] | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None
    attributes: Json = {}


class AudienceBody(Request):
    """A selection: exactly one body, named as its kind. Other connectors bring names of theirs."""

    model_config = ConfigDict(extra="allow")

    group: Line | None = Field(None, description="A group's id or name", max_length=100)
    module: Key | None = Field(None, description="The module whose profiles are meant")
    filter: Expression | None = None
    profiles: list[Any] | None = Field(
        None, min_length=1, max_length=MOST_LISTED, description="Profile ids, external ids, or"
        " recipients {external_id, email, phone, name, locale, timezone, attributes}",
    )  # fmt: skip
    ldap: dict[str, Any] | None = Field(None, description="Settings of a search in a directory")
    sql: dict[str, Any] | None = Field(None, description="Settings of a query on a database")
    union: list[Any] | None = Field(
        None, min_length=1, max_length=20, description="Audience ids, or selections in place"
    )
    intersect: list[Any] | None = Field(None, min_length=1, max_length=20)
    except_: list[Any] | None = Field(
        None, alias="except", min_length=2, max_length=20,
        description="The first one without the others",
    )  # fmt: skip


class AudienceRequest(AudienceBody):
    """A new audience."""

    name: AudienceName
    kind: Kind


class AudiencePatch(AudienceBody):
    """A change by RFC 7396 of the name, or of the body that the kind names."""

    name: AudienceName | None = None
    kind: Kind | None = None


class AudiencePreview(Request):
    """What a preview is asked for: the channels (none: any), the category, how many to show."""

    channels: Annotated[list[Channel], Field(max_length=7)] = []
    category: Key | None = None
    sample: Annotated[int, Field(ge=0, le=100)] = 10
