"""Campaigns in PostgreSQL: their row decides, and changes only by compare-and-set."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import BEFORE_SENDING, ON_THE_WAY, STEPS, Step, leads_to

_SELECT: Final = """
    SELECT c.*, m.key AS module_key FROM campaigns c JOIN modules m ON m.id = c.module_id
"""
_SETTABLE: Final[Mapping[str, str]] = {
    "name": "text", "definition": "jsonb", "frozen": "jsonb", "snapshot_id": "uuid",
    "hash": "text", "shards": "int", "members": "bigint", "per_second": "double precision",
    "ramp": "jsonb", "canary": "jsonb", "ab_test": "jsonb", "start_at": "timestamptz",
    "end_at": "timestamptz", "problem": "jsonb", "approve_by": "timestamptz",
}  # fmt: skip
"""Columns that may be written together with a step."""
_NOW: Final = "clock_timestamp()"
_NEW_RUN: Final = {
    "run": "run + 1", "recoveries": "0", "submitted_at": _NOW, "approved_at": "NULL",
    "finished_at": "NULL", "expires_at": "NULL", "problem": "NULL", "beaten_at": "NULL",
    "resolver": "NULL", "ramp_seconds": "0", "approve_by": "NULL",
}  # fmt: skip
_ASKED: Final = {"asked_at": _NOW, "reminded_at": "NULL"}
_FRESH: Final = {
    "hash": "NULL", "approved_at": "NULL", "finished_at": "NULL", "canary": "NULL",
    "ab_test": "NULL",
    "due_at": f"CASE WHEN state = 'draft' THEN due_at ELSE {_NOW} END",
}  # fmt: skip
_EFFECTS: Final[Mapping[Step, Mapping[str, str]]] = {
    Step.EDIT: _FRESH,
    Step.SUBMIT: {**_NEW_RUN, "hash": "NULL", "snapshot_id": "NULL", "members": "0",
                  "canary": "NULL", "ab_test": "NULL"},
    Step.RESOLVED: _ASKED,
    Step.APPROVE: {"approved_at": _NOW, "problem": "NULL"},
    Step.REJECT: {"finished_at": _NOW},
    Step.EXPIRE: {"finished_at": _NOW},
    Step.DOUBT: {**_ASKED, "approve_by": "NULL", "approved_at": "NULL"},
    Step.OPEN: {
        "started_at": f"coalesce(started_at, {_NOW})", "expires_at": "end_at",
        "pace_left": "0", "paced_at": "NULL",
    },
    Step.RESUME: {"problem": "NULL"},
    Step.ABORT: {"finished_at": _NOW},
    Step.CLOSE: {"finished_at": _NOW},
    Step.RESEND: {**_NEW_RUN, **_ASKED},
}  # fmt: skip
"""What a step writes beside the state; what the caller sets comes first."""


async def insert(conn: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Insert a draft: {id, module_id, name, definition, created_by, author_ids}, and of what a
    schedule made {schedule_id, scheduled_at}, which are once.
    """
    await conn.execute(
        text("""
            INSERT INTO campaigns (id, module_id, name, definition, created_by, author_ids,
                per_second, ramp, schedule_id, scheduled_at)
            VALUES (:id, :module_id, :name, CAST(:definition AS jsonb), :created_by,
                CAST(:author_ids AS uuid[]), CAST(:per_second AS double precision),
                CAST(:ramp AS jsonb), CAST(:schedule_id AS uuid),
                CAST(:scheduled_at AS timestamptz))
        """),
        {
            "schedule_id": None,
            "scheduled_at": None,
            **row,
            **_paced(row["definition"].get("pace")),
        },
    )


async def find(
    conn: AsyncConnection, id: UUID, module_id: UUID | None = None, *, lock: bool = False
) -> Row[Any] | None:
    """Return a campaign with all its columns and `module_key`; None when there is none, or it is
    another module's.
    """
    locked = "FOR UPDATE OF c" if lock else ""
    result = await conn.execute(
        text(
            f"{_SELECT} WHERE c.id = :id"
            f" AND (CAST(:module AS uuid) IS NULL OR c.module_id = :module) {locked}"
        ),
        {"id": id, "module": module_id},
    )
    return result.one_or_none()


async def find_sender(conn: AsyncConnection, id: UUID | None) -> dict[str, str] | None:
    """Return {from?, reply_to?} of a campaign that names its sender; else None."""
    if id is None:
        return None
    result = await conn.execute(
        text("SELECT NULLIF(frozen->'sender', 'null') FROM campaigns WHERE id = :id"), {"id": id}
    )
    sender: dict[str, str] | None = result.scalar_one_or_none()
    return sender


async def find_branded(conn: AsyncConnection, delivery_id: UUID) -> UUID | None:
    """Return the campaign of a delivery, if it has a brand of its own."""
    result = await conn.execute(
        text("""
            SELECT c.id FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id
            WHERE d.id = :id AND c.frozen->'brand' IS DISTINCT FROM 'null'
                AND c.frozen ? 'brand'
        """),
        {"id": delivery_id},
    )
    id: UUID | None = result.scalar_one_or_none()
    return id


async def find_brand(conn: AsyncConnection, id: UUID) -> dict[str, Any] | None:
    """Return {name, colour?, logo?} of a campaign that has a brand of its own; else None."""
    result = await conn.execute(
        text("SELECT NULLIF(frozen->'brand', 'null') FROM campaigns WHERE id = :id"), {"id": id}
    )
    brand: dict[str, Any] | None = result.scalar_one_or_none()
    return brand


async def listed(
    conn: AsyncConnection,
    module_id: UUID | None,
    *,
    states: Sequence[str] = (),
    q: str | None = None,
    before: UUID | None = None,
    most: int,
) -> Sequence[Row[Any]]:
    """Return campaigns, newest first: of a module or of all, in states, whose name is like `q`."""
    result = await conn.execute(
        text(f"""
            {_SELECT} WHERE (CAST(:module AS uuid) IS NULL OR c.module_id = :module)
                AND (cardinality(CAST(:states AS text[])) = 0 OR c.state = ANY(:states))
                AND (CAST(:q AS text) IS NULL OR c.name ILIKE :q)
                AND (CAST(:before AS uuid) IS NULL OR c.id < :before)
            ORDER BY c.id DESC LIMIT :most
        """),
        {"module": module_id, "states": list(states), "q": q, "before": before, "most": most},
    )
    return result.all()


async def step(
    conn: AsyncConnection,
    id: UUID,
    step: Step,
    *,
    run: int | None = None,
    version: int | None = None,
    **sets: Any,
) -> Row[Any] | None:
    """Take a step, and return the changed row; None when the campaign is in no state for it, or
    its run or version is another one than given. Of steps that race one wins.

    `sets` are columns to be written with it. SUBMIT and RESEND begin a new run. The workflow has
    to look from now on: after the commit it is to be started or waked.
    """
    written = {
        "due_at": _NOW,
        **_EFFECTS.get(step, {}),
        **{name: f"CAST(:{name} AS {_SETTABLE[name]})" for name in sets},
    }
    assigned = "".join(f", {name} = {value}" for name, value in written.items())
    result = await conn.execute(
        text(f"""
            UPDATE campaigns SET state = CASE WHEN started_at IS NULL THEN CAST(:fresh AS text)
                    ELSE CAST(:started AS text) END,
                updated_at = clock_timestamp(), version = version + 1 {assigned}
            WHERE id = :id AND state = ANY(CAST(:from AS text[]))
                AND (CAST(:run_now AS int) IS NULL OR run = :run_now)
                AND (CAST(:version AS int) IS NULL OR version = :version)
                AND NOT (:before_sending AND started_at IS NOT NULL)
            RETURNING *, (SELECT key FROM modules m WHERE m.id = module_id) AS module_key
        """),  # noqa: S608 - only constants are put together
        {
            "id": id, "from": sorted(STEPS[step][0]), "run_now": run, "version": version,
            "fresh": leads_to(step, started=False), "started": leads_to(step, started=True),
            "before_sending": step in BEFORE_SENDING, **sets,
        },
    )  # fmt: skip
    return result.one_or_none()


async def edit(
    conn: AsyncConnection,
    id: UUID,
    *,
    name: str,
    definition: Mapping[str, Any],
    author_id: UUID | None,
    version: int | None = None,
) -> Row[Any] | None:
    """Change what is asked and go back to a draft; None when that is not possible (any more).

    The deliveries of its run are removed by its workflow, in turns: they count no more from now.
    """
    paced = _paced(definition.get("pace"))
    row = await step(
        conn, id, Step.EDIT, version=version, name=name, definition=definition, **paced
    )
    if row is not None and author_id is not None:
        await conn.execute(
            text("""
                UPDATE campaigns SET author_ids = author_ids || CAST(:author AS uuid)
                WHERE id = :id AND NOT author_ids @> ARRAY[CAST(:author AS uuid)]
            """),
            {"id": id, "author": author_id},
        )
    return row


async def pace(
    conn: AsyncConnection,
    id: UUID,
    pace: Mapping[str, Any] | None,
    *,
    anew: bool,
    version: int | None = None,
) -> Row[Any] | None:
    """Change how fast an unfinished campaign sends: {per_second, ramp?}; None: as its accounts do.

    `anew` lets a ramp begin at its start. Return the changed row; None when it is finished or its
    version is another one.
    """
    result = await conn.execute(
        text("""
            UPDATE campaigns SET per_second = CAST(:per_second AS double precision),
                ramp = CAST(:ramp AS jsonb),
                definition = (definition - 'pace') || CAST(:asked AS jsonb),
                ramp_seconds = CASE WHEN :anew THEN 0 ELSE ramp_seconds END,
                pace_left = 0, paced_at = NULL, updated_at = clock_timestamp(),
                version = version + 1
            WHERE id = :id AND state NOT IN ('completed', 'aborted')
                AND (CAST(:version AS int) IS NULL OR version = :version)
            RETURNING *, (SELECT key FROM modules m WHERE m.id = module_id) AS module_key
        """),
        {
            "id": id, "asked": {"pace": dict(pace)} if pace else {}, "anew": anew,
            "version": version, **_paced(pace),
        },
    )  # fmt: skip
    return result.one_or_none()


async def find_unfinished(conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these campaigns are on their way."""
    result = await conn.execute(
        text("""
            SELECT id FROM campaigns WHERE id = ANY(CAST(:ids AS uuid[]))
                AND state = ANY(CAST(:states AS text[]))
        """),
        {"ids": sorted(ids), "states": sorted(ON_THE_WAY)},
    )
    return set(result.scalars())


async def find_waiting(conn: AsyncConnection, schedule_id: UUID) -> Sequence[Row[Any]]:
    """Return the campaigns of a schedule that wait for approval."""
    result = await conn.execute(
        text(f"{_SELECT} WHERE c.schedule_id = :schedule AND c.state = 'awaiting_approval'"),
        {"schedule": schedule_id},
    )
    return result.all()


async def reminded(conn: AsyncConnection, id: UUID, at: datetime) -> None:
    """Note when the approvers of a campaign were last reminded."""
    await conn.execute(
        text("UPDATE campaigns SET reminded_at = :at WHERE id = :id"), {"id": id, "at": at}
    )


async def remove(conn: AsyncConnection, id: UUID) -> bool:
    """Remove a campaign that never got beyond a draft and has no deliveries; else False."""
    result = await conn.execute(
        text("""
            DELETE FROM campaigns c WHERE c.id = :id AND c.state = 'draft'
                AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.campaign_id = c.id)
            RETURNING c.id
        """),
        {"id": id},
    )
    return result.one_or_none() is not None


def _paced(pace: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns that the gate reads of a pace."""
    asked = pace or {}
    return {"per_second": asked.get("per_second"), "ramp": asked.get("ramp")}
