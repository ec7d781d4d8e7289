"""Versions with their partials in place: as they stand now for drafts, frozen once published."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from channels import partials
from channels.compiled import BadTemplate
from domain.contract.template import TemplateVersionRequest
from domain.errors import FieldError, Invalid
from domain.template import TemplateVersion, nearest
from services import escalation_judging, template_checks, template_views
from stores import partials as store

_DEEPEST = 10


@dataclass(slots=True)
class Composed:
    """A version whose partials are in place; `versions` tells which state of each went in."""

    version: TemplateVersion
    versions: dict[str, int] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)


async def composed(conn: AsyncConnection, row: Any, version: Any) -> Composed:
    """Return a stored version as it is, or would be, sent."""
    whole = template_views.as_version(row, version)
    if version.sent_content is not None:
        frozen = replace(whole, content=version.sent_content, locales=version.sent_locales)
        return Composed(frozen, dict(version.partials or {}))
    return await compose(conn, row.module_id, whole)


@dataclass(frozen=True, slots=True)
class PartialDraft:
    """A partial that is not kept, in place of the kept one of its key."""

    source: str
    locales: Mapping[str, str]
    version: int = 0


async def compose(
    conn: AsyncConnection,
    module_id: UUID,
    version: TemplateVersion,
    instead: Mapping[str, PartialDraft] | None = None,
) -> Composed:
    """Return a version with the partials of today, or those `instead`, by key.

    What cannot be composed stays as it is.
    """
    sources = [version.content, *version.locales.values()]
    named = {name for one in sources for name in _named(one)}
    known = await _load(conn, module_id, named, instead or {})
    made = Composed(version, {key: row.version for key, row in sorted(known.items())})
    content = _content(version.content, known, version.locale, "content", made.errors)
    locales = {
        locale: _content(words, known, locale, f"locales.{locale}", made.errors)
        for locale, words in version.locales.items()
    }
    made.version = replace(version, content=content, locales=locales)
    return made


async def check(
    conn: AsyncConnection, row: Any, request: TemplateVersionRequest
) -> Collection[str]:
    """Return the keys of the partials that new words use; raises Invalid for broken words."""
    made = await compose(conn, row.module_id, as_version(request))
    broken = {error.field for error in made.errors}
    errors = made.errors + [
        error for error in template_checks.check_words(made.version) if error.field not in broken
    ]
    if errors:
        raise Invalid(errors=errors)
    words = made.version.content
    await escalation_judging.check_template(conn, row.module_id, request.escalation, words)
    return made.versions


def as_version(request: TemplateVersionRequest) -> TemplateVersion:
    """Return words that are not kept yet as a version of no template."""
    return TemplateVersion(
        template_id=UUID(int=0),
        key="",
        version=0,
        category=None,
        priority=None,
        locale=request.locale,
        content=template_checks.words_of(request.content),
        locales={name: template_checks.words_of(words) for name, words in request.locales.items()},
        schema=request.schema_,
    )


async def _load(
    conn: AsyncConnection,
    module_id: UUID,
    wanted: set[str],
    instead: Mapping[str, PartialDraft],
) -> dict[str, Any]:
    """Return partials and those that they use, level by level."""
    known: dict[str, Any] = {}
    for _ in range(_DEEPEST):
        missing = wanted - known.keys()
        if not missing:
            break
        found: dict[str, Any] = {key: one for key, one in instead.items() if key in missing}
        found |= await store.load(conn, module_id, missing - instead.keys())
        known |= found
        wanted = {
            name for row in found.values() for name in _named([row.source, *row.locales.values()])
        }
    return known


def _named(value: Any) -> set[str]:
    return {name for text in partials.texts(value) for name in partials.names(text)}


def _content(
    words: Mapping[str, Any],
    known: Mapping[str, Any],
    locale: str,
    place: str,
    errors: list[FieldError],
) -> dict[str, Any]:
    def find(key: str) -> str | None:
        row = known.get(key)
        found = None if row is None else nearest(row.locales, locale)
        return row.source if row is not None and found is None else found

    def of(value: Any, path: str) -> Any:
        if isinstance(value, str):
            try:
                return partials.expand(value, find)
            except BadTemplate as fault:
                line = f" (line {fault.line})" if fault.line else ""
                errors.append(FieldError(path, f"{fault}{line}"))
                return value
        if isinstance(value, Mapping):
            return {key: of(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [of(item, f"{path}[{number}]") for number, item in enumerate(value)]
        return value

    return {
        channel: {
            name: value if name == "attachments" else of(value, f"{place}.{channel}.{name}")
            for name, value in fields.items()
        }
        for channel, fields in words.items()
    }
