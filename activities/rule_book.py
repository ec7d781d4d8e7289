"""The rules of modules as sending looks at them: kept in memory, never older than a few seconds."""

import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from domain.delivery import Leased
from domain.rules import Rule, binding
from domain.rules_content import violations
from stores import rules
from stores.database import Database

FRESH_SECONDS: Final = 5.0
_MOST_KEPT: Final = 1_000


class RuleBroken(Exception):
    """Rendered words break a rule; `reason` is its name, with which the delivery fails."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RuleBook:
    """Looks up rules by module: one query in a few seconds, whatever is sent meanwhile."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[UUID, tuple[float, tuple[Rule, ...]]] = {}

    async def of(self, leased: Leased) -> list[Rule]:
        """Return the rules that bind a delivery."""
        until, found = self._kept.get(leased.module_id, (0.0, ()))
        if time.monotonic() >= until:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            async with self._db.leader() as conn:
                standings = await rules.of_modules(conn, [leased.module_id])
            found = standings[leased.module_id].rules
            self._kept[leased.module_id] = (time.monotonic() + FRESH_SECONDS, found)
        return binding(found, leased.category, leased.class_)


def check(bound: list[Rule], leased: Leased, rendered: Mapping[str, Any]) -> None:
    """Raise RuleBroken for words that must not leave."""
    broken = violations(bound, leased.channel, rendered)
    if broken:
        raise RuleBroken(broken[0].rule)
