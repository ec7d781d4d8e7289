"""The rules of modules as sending looks at them: kept in memory, never older than a few seconds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from domain.delivery import Leased
from domain.rules import Rule, binding
from domain.rules_content import violations
from domain.vocabulary import CategoryClass
from stores import rules
from stores.database import Database

FRESH_SECONDS: Final = 5.0
_MOST_KEPT: Final = 1_000


class RuleBroken(Exception):
    """Rendered words break a rule; `reason` is its name, with which the delivery fails."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Kept:
    """The rules of a module until they are looked up anew, and those of its categories."""

    until: float
    rules: tuple[Rule, ...]
    bound: dict[tuple[str, CategoryClass], list[Rule]] = field(default_factory=dict)

    def binding(self, category: str, class_: CategoryClass) -> list[Rule]:
        found = self.bound.get((category, class_))
        if found is None:
            found = self.bound[category, class_] = binding(self.rules, category, class_)
        return found


class RuleBook:
    """Looks up rules by module: one query in a few seconds, whatever is sent meanwhile."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[UUID, _Kept] = {}

    async def of(self, leased: Leased) -> list[Rule]:
        """Return the rules that bind a delivery."""
        kept = self._kept.get(leased.module_id)
        if kept is None or time.monotonic() >= kept.until:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            async with self._db.leader() as conn:
                standings = await rules.of_modules(conn, [leased.module_id])
            kept = _Kept(time.monotonic() + FRESH_SECONDS, standings[leased.module_id].rules)
            self._kept[leased.module_id] = kept
        return kept.binding(leased.category, leased.class_)


def check(bound: list[Rule], leased: Leased, rendered: Mapping[str, Any]) -> None:
    """Raise RuleBroken for words that must not leave."""
    broken = violations(bound, leased.channel, rendered)
    if broken:
        raise RuleBroken(broken[0].rule)
