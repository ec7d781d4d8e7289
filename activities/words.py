"""The words of deliveries: inline content, or a template version in the recipient's locale."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.delivery import Leased
from domain.template import TemplateVersion
from stores import templates
from stores.database import Database

_MOST_KEPT = 1_000


class Words:
    """Looks up content; published versions never change, so they are kept in memory."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[tuple[UUID, int], TemplateVersion] = {}

    async def of(self, leased: Leased) -> Mapping[str, Any]:
        """Return the content of a delivery before rendering, by channel."""
        if leased.template is None:
            return leased.content or {}
        if leased.template not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            async with self._db.leader() as conn:
                self._kept |= await templates.load_versions(conn, [leased.template])
        return self._kept[leased.template].content_for(leased.locale)
