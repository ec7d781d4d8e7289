"""What an author sends to make, version and preview a template."""

from typing import Annotated

from pydantic import Field

from domain.contract.base import Json, Line, Request, Text
from domain.contract.content import Content
from domain.contract.notification import Key, Locale
from domain.vocabulary import Channel, Priority


class TemplateVersionRequest(Request):
    """The words of one version: a default locale, translations, and a JSON Schema of its data."""

    locale: Locale = "en"
    content: Content
    locales: Annotated[dict[Locale, Content], Field(max_length=100)] = {}
    schema_: Annotated[Json, Field(alias="schema")] = {}
    note: Annotated[Text, Field(max_length=1000)] | None = None


class TemplateRequest(TemplateVersionRequest):
    """A new template; its first version is a draft."""

    key: Key
    name: Annotated[Line, Field(max_length=255)] | None = None
    category: Key | None = None
    priority: Priority | None = None


class TemplatePatch(Request):
    """A change of what is not versioned."""

    name: Annotated[Line, Field(max_length=255)] | None = None
    category: Key | None = None
    priority: Priority | None = None


class PublishRequest(Request):
    """Which version is to be sent from now on."""

    version: Annotated[int, Field(ge=1)]


class PreviewRequest(Request):
    """What to render a version with, for looking at only."""

    version: Annotated[int, Field(ge=1)] | None = None
    data: Json = {}
    locale: Locale | None = None
    channel: Channel | None = None
    device: Annotated[Line, Field(max_length=40)] | None = None
