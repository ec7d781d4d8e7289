"""Categories in PostgreSQL; all modules share them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.category import Category
from domain.tracking import Tracking
from domain.vocabulary import CategoryClass, Priority

_COLUMNS = """
    key, name, class AS class_, mandatory, priority, track_opens, track_clicks, created_at, version
"""


async def load_all(conn: AsyncConnection) -> dict[str, Category]:
    """Return every category by its key."""
    rows = await conn.execute(text(f"SELECT {_COLUMNS} FROM categories"))  # noqa: S608
    return {
        row.key: Category(
            row.key,
            row.name,
            CategoryClass(row.class_),
            row.mandatory,
            Priority(row.priority),
            Tracking(row.track_opens, row.track_clicks),
        )
        for row in rows
    }


async def find(conn: AsyncConnection, *, after: str | None, most: int) -> Sequence[Row[Any]]:
    """Return categories, newest first, those that came with the schema by key."""
    result = await conn.execute(
        text(f"""
            SELECT {_COLUMNS} FROM categories
            WHERE CAST(:after AS text) IS NULL OR (created_at, key)
                < (SELECT created_at, key FROM categories WHERE key = :after)
            ORDER BY created_at DESC, key DESC LIMIT :most
        """),  # noqa: S608
        {"after": after, "most": most},
    )
    return result.all()


async def get(conn: AsyncConnection, key: str, *, lock: bool = False) -> Row[Any] | None:
    """Return a category; `lock` keeps others from changing it until the end."""
    locked = "FOR UPDATE" if lock else ""
    result = await conn.execute(
        text(f"SELECT {_COLUMNS} FROM categories WHERE key = :key {locked}"),  # noqa: S608
        {"key": key},
    )
    return result.one_or_none()


async def add(conn: AsyncConnection, category: Category) -> Row[Any] | None:
    """Insert a category; None when its key is taken."""
    result = await conn.execute(
        text(f"""
            INSERT INTO categories (key, name, class, mandatory, priority, track_opens,
                track_clicks)
            VALUES (:key, :name, :class, :mandatory, :priority, :opens, :clicks)
            ON CONFLICT (key) DO NOTHING RETURNING {_COLUMNS}
        """),  # noqa: S608
        _binds(category),
    )
    return result.one_or_none()


async def change(conn: AsyncConnection, category: Category) -> Row[Any]:
    """Replace what a category says."""
    result = await conn.execute(
        text(f"""
            UPDATE categories SET name = :name, class = :class, mandatory = :mandatory,
                priority = :priority, track_opens = :opens, track_clicks = :clicks,
                version = version + 1
            WHERE key = :key RETURNING {_COLUMNS}
        """),  # noqa: S608
        _binds(category),
    )
    return result.one()


async def uses(conn: AsyncConnection, key: str) -> list[str]:
    """Return what needs a category now: templates, suppressions, rules, unfinished notifications.

    The rows of finished ones keep its key and class, and need it no more.
    """
    result = await conn.execute(
        text("""
            SELECT CASE WHEN EXISTS (SELECT FROM templates WHERE category = :key)
                    THEN 'templates' END,
                CASE WHEN EXISTS (SELECT FROM suppressions WHERE category = :key)
                    THEN 'suppressions' END,
                CASE WHEN EXISTS (SELECT FROM rules WHERE category = :key) THEN 'rules' END,
                CASE WHEN EXISTS (SELECT FROM notifications
                    WHERE category = :key AND finished_at IS NULL)
                    THEN 'notifications that are not finished' END
        """),
        {"key": key},
    )
    return [what for what in result.one() if what]


async def was_sent(conn: AsyncConnection, key: str) -> bool:
    """Whether any notification was ever of a category; reads them all where none was."""
    result = await conn.execute(
        text("SELECT EXISTS (SELECT FROM notifications WHERE category = :key)"), {"key": key}
    )
    return bool(result.scalar_one())


async def remove(conn: AsyncConnection, key: str) -> None:
    """Take a category away."""
    await conn.execute(text("DELETE FROM categories WHERE key = :key"), {"key": key})


def _binds(category: Category) -> dict[str, Any]:
    return {
        "key": category.key, "name": category.name, "class": category.class_.value,
        "mandatory": category.mandatory, "priority": category.priority.value,
        "opens": category.tracking.opens, "clicks": category.tracking.clicks,
    }  # fmt: skip
