"""One immutable version of a template, as sending needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


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

    def content_for(self, locale: str | None) -> Mapping[str, Any]:
        """Return the content in the nearest locale: fr-CA, else fr, else the default.

        A channel that a translation lacks keeps the default's words.
        """
        known = {name.replace("_", "-").lower(): words for name, words in self.locales.items()}
        wanted = (locale or "").replace("_", "-").lower()
        while wanted:
            if wanted in known:
                return {**self.content, **known[wanted]}
            wanted = wanted.rpartition("-")[0]
        return self.content
