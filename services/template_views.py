"""Templates and versions as the API answers them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from domain.ids import encode
from domain.template import TemplateVersion
from domain.vocabulary import TemplateState
from services.times import stamp


def summary(row: Row[Any]) -> dict[str, Any]:
    """Return a template as lists show it.

    `version` is the newest version's number; `revision` counts changes and is the ETag.
    """
    return {
        "id": encode("tpl", row.id),
        "key": row.key,
        "name": row.name,
        "module": row.module_key,
        "category": row.category,
        "priority": row.priority,
        "digest": row.digest,
        "state": _state_of(row),
        "version": row.latest_version,
        "published_version": row.published_version,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "archived_at": stamp(row.archived_at),
        "revision": row.version,
    }


def detail(row: Row[Any], versions: Sequence[Row[Any]]) -> dict[str, Any]:
    """Return a template with its newest words and all its versions, newest first."""
    return {
        **summary(row),
        **words_of(versions[0]),
        "versions": [version_summary(row, version) for version in versions],
    }


def version_summary(row: Row[Any], version: Row[Any]) -> dict[str, Any]:
    """Return a version without its words."""
    return {
        "version": version.version,
        "state": _state(row, version),
        "locale": version.locale,
        "channels": sorted(version.content),
        "author": version.author,
        "note": version.note,
        "created_at": stamp(version.created_at),
        "published_at": stamp(version.published_at),
        "published_by": version.published_by,
        "partials": version.partials,
    }


def version_detail(row: Row[Any], version: Row[Any]) -> dict[str, Any]:
    """Return a version with its words."""
    return {
        "template": encode("tpl", row.id),
        "key": row.key,
        **version_summary(row, version),
        **words_of(version),
    }


def as_version(row: Row[Any], version: Row[Any]) -> TemplateVersion:
    """Return a version as checking and rendering need it."""
    return TemplateVersion(
        template_id=row.id,
        key=row.key,
        version=version.version,
        category=row.category,
        priority=row.priority,
        locale=version.locale,
        content=version.content,
        locales=version.locales,
        schema=version.schema,
        digest=row.digest,
        escalation=version.escalation,
    )


def words_of(version: Row[Any]) -> dict[str, Any]:
    """Return a version's words as their author wrote them."""
    return {
        "locale": version.locale,
        "content": given(version.content),
        "locales": {name: given(content) for name, content in version.locales.items()},
        "schema": version.schema,
        "escalation": version.escalation,
    }


def given(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return content without the fields that were left empty."""
    return {
        channel: {name: value for name, value in words.items() if value not in ("", [])}
        for channel, words in content.items()
    }


def _state_of(row: Row[Any]) -> TemplateState:
    if row.archived_at is not None:
        return TemplateState.ARCHIVED
    return TemplateState.DRAFT if row.published_version is None else TemplateState.PUBLISHED


def _state(row: Row[Any], version: Row[Any]) -> TemplateState:
    """Return a version's state: published before and replaced since means archived."""
    if version.version == row.published_version:
        return TemplateState.PUBLISHED
    return TemplateState.DRAFT if version.published_at is None else TemplateState.ARCHIVED
