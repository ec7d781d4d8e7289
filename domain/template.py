"""One immutable version of a template, as sending needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

T = TypeVar("T")


def nearest(locales: Mapping[str, T], locale: str | None) -> T | None:
    """Return what stands for the nearest locale: fr-CA, else fr, else None (RFC 4647 §3.4)."""
    known = {name.replace("_", "-").lower(): found for name, found in locales.items()}
    wanted = (locale or "").replace("_", "-").lower()
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("-")[0]
    return None


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """The words of a version: `content` in the default `locale`, and its translations."""

    template_id: UUID
    key: str
    version: int
    category: str | None
    priority: str | None
    locale: str
    content: Mapping[str, Any]
    locales: Mapping[str, Mapping[str, Any]]
    schema: Mapping[str, Any]
    digest: Mapping[str, Any] | None = None
    """{key, window_seconds}: what its messages are collected into."""
    escalation: Mapping[str, Any] | None = None
    """{steps}: how its messages escalate, as its author asked for it."""

    def content_for(self, locale: str | None) -> Mapping[str, Any]:
        """Return the content in the nearest locale: fr-CA, else fr, else the default.

        A channel that a translation lacks keeps the default's words.
        """
        found = nearest(self.locales, locale)
        return self.content if found is None else {**self.content, **found}
