"""What an author sends to make, version and preview a template."""

from typing import Annotated

from pydantic import Field

from domain.contract.base import Json, Line, Request, Text
from domain.contract.content import Content
from domain.contract.digest import DigestRequest
from domain.contract.escalation import EscalationRequest
from domain.contract.notification import Key, Locale, Recipient, Timezone
from domain.vocabulary import Channel, Priority

Note = Annotated[Text, Field(max_length=1000)]


class TemplateVersionRequest(Request):
    """The words of one version: a default locale, translations, a JSON Schema of its data, and the
    steps by which its messages escalate that say nothing else.
    """

    locale: Locale = "en"
    content: Content
    locales: Annotated[dict[Locale, Content], Field(max_length=100)] = {}
    schema_: Annotated[Json, Field(alias="schema")] = {}
    escalation: EscalationRequest | None = None
    note: Note | None = None


class TemplateRequest(TemplateVersionRequest):
    """A new template; its first version is a draft."""

    key: Key
    name: Annotated[Line, Field(max_length=255)] | None = None
    category: Key | None = None
    priority: Priority | None = None
    digest: DigestRequest | None = None


class TemplatePatch(Request):
    """A change of what is not versioned."""

    name: Annotated[Line, Field(max_length=255)] | None = None
    category: Key | None = None
    priority: Priority | None = None
    digest: DigestRequest | None = None


class PublishRequest(Request):
    """Which version is to be sent from now on, and why."""

    version: Annotated[int, Field(ge=1)]
    note: Note | None = None


class NoteRequest(Request):
    """Why something is done."""

    note: Note | None = None


class PreviewRequest(Request):
    """What to render a version with, for looking at only."""

    version: Annotated[int, Field(ge=1)] | None = None
    data: Json | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None
    channel: Channel | None = None
    device: Annotated[Line, Field(max_length=40)] | None = None


class TemplateTestRequest(Request):
    """Whom to send a version as a test; without data the schema's examples are used."""

    recipient: Recipient
    version: Annotated[int, Field(ge=1)] | None = None
    data: Json | None = None
    locale: Locale | None = None
    channels: Annotated[list[Channel], Field(min_length=1, max_length=7)] | None = None


class PartialPut(Request):
    """What a partial says: its source, and translations of it."""

    source: Annotated[Text, Field(min_length=1, max_length=300_000)]
    locales: Annotated[
        dict[Locale, Annotated[Text, Field(max_length=300_000)]], Field(max_length=100)
    ] = {}
    note: Note | None = None


class PartialRequest(PartialPut):
    """A new partial, which templates use by its key."""

    key: Key
