"""Business rules, and how modules stand to them, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import Rule, RuleKind
from domain.trial import Trial

_SELECT: Final = """
    SELECT r.id, r.module_id, m.key AS module_key, r.category, r.name, r.kind, r.settings,
        r.enabled, r.created_by, r.created_at, r.updated_at, r.version
    FROM rules r LEFT JOIN modules m ON m.id = r.module_id
"""
_OF_MODULES: Final = text("""
    SELECT m.id, m.mode, m.safelist, m.redirect_to,
        coalesce((SELECT jsonb_agg(jsonb_build_object('name', r.name, 'kind', r.kind,
                'category', r.category, 'settings', r.settings) ORDER BY r.name)
            FROM rules r WHERE r.enabled AND (r.module_id IS NULL OR r.module_id = m.id)),
            '[]') AS rules
    FROM modules m WHERE m.id = ANY(CAST(:ids AS uuid[]))
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """What binds all messages of a module: its rules, and whether it is on trial."""

    rules: tuple[Rule, ...] = ()
    trial: Trial | None = None


async def of_modules(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Return what binds modules, in one query: enabled rules, and nothing for one that is gone."""
    rows = await conn.execute(_OF_MODULES, {"ids": sorted(set(ids))})
    return {id: Standing() for id in ids} | {row.id: _standing(row) for row in rows}


async def find(
    conn: AsyncConnection, *, module_id: UUID | None, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return rules, newest first: a module's with those of all modules, or every rule."""
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE (CAST(:module AS uuid) IS NULL OR r.module_id IS NULL OR r.module_id = :module)
                AND (CAST(:before AS uuid) IS NULL OR r.id < :before)
            ORDER BY r.id DESC LIMIT :most
        """),
        {"module": module_id, "before": before, "most": most},
    )
    return result.all()


async def get(conn: AsyncConnection, id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """Return a rule; `lock` keeps others from changing it until the end."""
    locked = "FOR UPDATE OF r" if lock else ""
    result = await conn.execute(text(f"{_SELECT} WHERE r.id = :id {locked}"), {"id": id})
    return result.one_or_none()


async def add(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """Insert a rule; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            INSERT INTO rules (id, module_id, category, name, kind, settings, enabled, created_by)
            VALUES (:id, CAST(:module_id AS uuid), :category, :name, :kind,
                CAST(:settings AS jsonb), :enabled, :created_by)
        """),
        row,
    )


async def change(conn: AsyncConnection, id: UUID, changed: dict[str, Any]) -> None:
    """Replace what a rule says; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            UPDATE rules SET name = :name, category = :category, enabled = :enabled,
                settings = CAST(:settings AS jsonb), updated_at = now(), version = version + 1
            WHERE id = :id
        """),
        {"id": id, **changed},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Take a rule away."""
    await conn.execute(text("DELETE FROM rules WHERE id = :id"), {"id": id})


def rule_of(row: Any) -> Rule:
    """Return a stored rule as the domain knows it."""
    return Rule(row.name, RuleKind(row.kind), row.category, row.settings)


def _standing(row: Any) -> Standing:
    rules = tuple(
        Rule(one["name"], RuleKind(one["kind"]), one["category"], one["settings"])
        for one in row.rules
    )
    trial = Trial(frozenset(row.safelist), row.redirect_to) if row.mode == "trial" else None
    return Standing(rules, trial)
