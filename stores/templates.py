"""Templates and their immutable versions in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.template import TemplateVersion

_SELECT = """
    SELECT t.id, t.module_id, m.key AS module_key, t.key, t.name, t.category, t.priority,
        t.digest, t.published_version, t.latest_version, t.created_at, t.updated_at, t.archived_at,
        t.version
    FROM templates t JOIN modules m ON m.id = t.module_id
"""
_SELECT_VERSION = """
    SELECT t.id AS template_id, t.key, t.category, t.priority, t.digest,
        v.version, v.locale, coalesce(v.sent_content, v.content) AS content,
        coalesce(v.sent_locales, v.locales) AS locales, v.schema, v.escalation
    FROM template_versions v JOIN templates t ON t.id = v.template_id
"""
_VERSION_COLUMNS = """
    template_id, version, locale, content, locales, schema, author, note, created_at,
    published_at, published_by, uses, partials, sent_content, sent_locales, escalation
"""

FILTERS: Mapping[str, str] = {
    "module_id": "t.module_id = :module_id",
    "keys": "t.key = ANY(CAST(:keys AS text[]))",
    "categories": "t.category = ANY(CAST(:categories AS text[]))",
    "states": """
        CASE WHEN t.published_version IS NULL THEN 'draft' ELSE 'published' END
        = ANY(CAST(:states AS text[]))""",
    "before": "t.id < :before",
    "q": "t.key ILIKE :q OR t.name ILIKE :q",
}
"""The conditions that a list may be narrowed by, each with its bind."""


async def get(
    conn: AsyncConnection,
    *,
    id: UUID | None,
    key: str,
    module_id: UUID,
    all_modules: bool = False,
    lock: bool = False,
    archived: bool = False,
) -> Row[Any] | None:
    """Return a template by id or key; the own module's key comes first.

    Archived ones are found only with `archived`, and then after those in use, the newest first.
    """
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE (t.archived_at IS NULL OR :archived) AND (t.id = :id OR t.key = :key)
                AND (t.module_id = :module OR :all_modules)
            ORDER BY t.id = :id DESC NULLS LAST, t.module_id = :module DESC,
                t.archived_at DESC NULLS FIRST, t.id
            LIMIT 1 {"FOR UPDATE OF t" if lock else ""}
        """),
        {"id": id, "key": key, "module": module_id, "all_modules": all_modules,
         "archived": archived},
    )  # fmt: skip
    return result.one_or_none()


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int, archived: bool = False
) -> Sequence[Row[Any]]:
    """Return templates, in use or archived, that pass all filters (keys of FILTERS), newest
    first.
    """
    conditions = "".join(f" AND ({FILTERS[name]})" for name in filters)
    statement = text(
        f"{_SELECT} WHERE (t.archived_at IS NOT NULL) = :archived{conditions}"
        " ORDER BY t.id DESC LIMIT :most"
    )
    binds = {**filters, "most": most, "archived": archived}
    return (await conn.execute(statement, binds)).all()


async def add(
    conn: AsyncConnection,
    *,
    id: UUID,
    module_id: UUID,
    key: str,
    name: str,
    category: str | None,
    priority: str | None,
    digest: Mapping[str, Any] | None = None,
) -> bool:
    """Insert a template whose first version follows; False when its key is taken."""
    result = await conn.execute(
        text("""
            INSERT INTO templates (id, module_id, key, name, category, priority, digest)
            VALUES (:id, :module, :key, :name, :category, :priority,
                NULLIF(CAST(:digest AS jsonb), 'null'::jsonb))
            ON CONFLICT (module_id, key) WHERE archived_at IS NULL DO NOTHING RETURNING id
        """),
        {
            "id": id, "module": module_id, "key": key, "name": name, "category": category,
            "priority": priority, "digest": digest,
        },
    )  # fmt: skip
    return result.one_or_none() is not None


async def add_version(conn: AsyncConnection, version: Mapping[str, Any]) -> None:
    """Insert a version: template_id, version, locale, content, locales, schema, author, note, and
    `uses`, the keys of its partials.
    """
    await conn.execute(
        text("""
            INSERT INTO template_versions
                (template_id, version, locale, content, locales, schema, author, note, uses,
                    escalation)
            VALUES (:template_id, :version, :locale, CAST(:content AS jsonb),
                CAST(:locales AS jsonb), CAST(:schema AS jsonb), :author, :note, :uses,
                NULLIF(CAST(:escalation AS jsonb), 'null'::jsonb))
        """),
        {"uses": [], "escalation": None, **version},
    )


async def count_version(conn: AsyncConnection, id: UUID) -> int:
    """Reserve the next version number of a template and return it."""
    result = await conn.execute(
        text("""
            UPDATE templates SET latest_version = latest_version + 1, version = version + 1,
                updated_at = clock_timestamp() WHERE id = :id RETURNING latest_version
        """),
        {"id": id},
    )
    return int(result.scalar_one())


async def publish(conn: AsyncConnection, id: UUID, number: int, by: str) -> bool:
    """Send a version from now on; False when there is no such version."""
    result = await conn.execute(
        text("""
            WITH published AS (
                UPDATE template_versions SET published_at = coalesce(published_at, now()),
                    published_by = coalesce(published_by, :by)
                WHERE template_id = :id AND version = :number RETURNING version
            )
            UPDATE templates SET published_version = :number, version = version + 1,
                updated_at = clock_timestamp()
            WHERE id = :id AND EXISTS (SELECT 1 FROM published) RETURNING id
        """),
        {"id": id, "number": number, "by": by},
    )
    return result.one_or_none() is not None


async def freeze(
    conn: AsyncConnection, version: TemplateVersion, partials: Mapping[str, int]
) -> None:
    """Keep what a version says with its partials in place, once and for all."""
    await conn.execute(
        text("""
            UPDATE template_versions SET sent_content = CAST(:content AS jsonb),
                sent_locales = CAST(:locales AS jsonb), partials = CAST(:partials AS jsonb)
            WHERE template_id = :id AND version = :number AND sent_content IS NULL
        """),
        {
            "id": version.template_id, "number": version.version,
            "content": dict(version.content), "locales": dict(version.locales),
            "partials": dict(partials),
        },
    )  # fmt: skip


async def change(
    conn: AsyncConnection,
    id: UUID,
    *,
    name: str,
    category: str | None,
    priority: str | None,
    digest: Mapping[str, Any] | None,
) -> None:
    """Replace what is not versioned."""
    await conn.execute(
        text("""
            UPDATE templates SET name = :name, category = :category, priority = :priority,
                digest = NULLIF(CAST(:digest AS jsonb), 'null'::jsonb),
                version = version + 1, updated_at = clock_timestamp() WHERE id = :id
        """),
        {"id": id, "name": name, "category": category, "priority": priority, "digest": digest},
    )


async def archive(conn: AsyncConnection, id: UUID) -> None:
    """Take a template out of use; what was accepted with it can still be rendered."""
    await conn.execute(
        text("UPDATE templates SET archived_at = now(), version = version + 1 WHERE id = :id"),
        {"id": id},
    )


async def unarchive(conn: AsyncConnection, id: UUID) -> None:
    """Take a template into use again; IntegrityError when its key was taken meanwhile."""
    await conn.execute(
        text("""
            UPDATE templates SET archived_at = NULL, version = version + 1,
                updated_at = clock_timestamp() WHERE id = :id
        """),
        {"id": id},
    )


async def find_versions(
    conn: AsyncConnection, id: UUID, *, below: int | None = None, most: int | None = None
) -> Sequence[Row[Any]]:
    """Return the versions of a template, newest first."""
    result = await conn.execute(
        text(f"""
            SELECT {_VERSION_COLUMNS} FROM template_versions
            WHERE template_id = :id AND (CAST(:below AS int) IS NULL OR version < :below)
            ORDER BY version DESC LIMIT CAST(:most AS bigint)
        """),  # noqa: S608
        {"id": id, "below": below, "most": most},
    )
    return result.all()


async def get_version(conn: AsyncConnection, id: UUID, number: int) -> Row[Any] | None:
    """Return one version of a template."""
    result = await conn.execute(
        text(f"""
            SELECT {_VERSION_COLUMNS} FROM template_versions
            WHERE template_id = :id AND version = :number
        """),  # noqa: S608
        {"id": id, "number": number},
    )
    return result.one_or_none()


async def find_published(
    conn: AsyncConnection, module_id: UUID, refs: Sequence[str]
) -> dict[str, TemplateVersion]:
    """Return what references send: `key` the published version, `key@3` that one if it was ever
    published. References that name nothing usable are left out.
    """
    split = [ref.partition("@") for ref in refs]
    result = await conn.execute(
        text(f"""
            WITH refs AS (
                SELECT * FROM unnest(CAST(:refs AS text[]), CAST(:keys AS text[]),
                    CAST(:numbers AS int[])) AS r (ref, ref_key, number)
            )
            SELECT r.ref, found.* FROM refs r
            JOIN templates t ON t.module_id = :module AND t.key = r.ref_key
                AND t.archived_at IS NULL
            JOIN ({_SELECT_VERSION} WHERE v.published_at IS NOT NULL) found
                ON found.template_id = t.id
                AND found.version = coalesce(r.number, t.published_version)
        """),  # noqa: S608
        {
            "module": module_id,
            "refs": list(refs),
            "keys": [key for key, _, _ in split],
            "numbers": [int(number) if number else None for _, _, number in split],
        },
    )
    return {row.ref: _version(row) for row in result}


async def load_versions(
    conn: AsyncConnection, refs: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], TemplateVersion]:
    """Return versions by template id and number, also of archived templates."""
    result = await conn.execute(
        text(f"""
            {_SELECT_VERSION}
            JOIN unnest(CAST(:ids AS uuid[]), CAST(:numbers AS int[])) AS r (id, number)
                ON v.template_id = r.id AND v.version = r.number
        """),
        {"ids": [id for id, _ in refs], "numbers": [number for _, number in refs]},
    )
    return {(row.template_id, row.version): _version(row) for row in result}


def _version(row: Row[Any]) -> TemplateVersion:
    return TemplateVersion(
        template_id=row.template_id,
        key=row.key,
        version=row.version,
        category=row.category,
        priority=row.priority,
        locale=row.locale,
        content=row.content,
        locales=row.locales,
        schema=row.schema,
        digest=row.digest,
        escalation=row.escalation,
    )
