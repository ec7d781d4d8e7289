"""Works on uploaded files: a chunk is judged, written, counted and dropped in one transaction.

A process that dies in the middle of a chunk leaves it as it was; the next one takes it up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.profile import ProfileRequest
from domain.errors import FieldError
from domain.ids import InvalidId, decode, encode, new_id
from services.app import App
from services.erasure import subject
from services.import_judging import Form, Judged, judge, rejection
from services.profile_changes import merged
from services.relooking import wake_all
from stores import audit, erasure, groups, imported, imports
from stores.database import unreachable
from stores.ledger.relook import relook
from stores.profiles import FIELDS

log = structlog.get_logger()

_OURS = "a fault on our side stopped it; the log says more"


class _Raced(Exception):
    """Somebody made one of the profiles while the chunk was worked on."""


@dataclass(slots=True)
class _Target:
    """A profile as the rows of a chunk leave it."""

    id: UUID
    before: Mapping[str, Any] | None
    fields: dict[str, Any]
    rows: int = 0

    @property
    def changed(self) -> bool:
        return self.before is not None and any(
            self.before[name] != self.fields[name] for name in (*FIELDS, "attributes", "addresses")
        )

    @property
    def moved(self) -> bool:
        """Whether its clock reads another time now."""
        return self.before is not None and self.before["timezone"] != self.fields["timezone"]

    def row(self) -> dict[str, Any]:
        return {"id": self.id, **self.fields}


async def work_on_next(app: App) -> bool:
    """Do the next chunk of the oldest import that nobody works on; False when there is none.

    An import that trips over a fault of ours ends as failed, so that the others go on.
    """
    busy: list[UUID] = []
    held: list[str] = []

    async def work(conn: AsyncConnection) -> bool:
        job = await imports.lock_next(conn)
        if job is None:
            return False
        busy[:] = [job.id]
        chunk = await imports.first_chunk(conn, job.id)
        if chunk is None:
            await _finish(conn, job)
            return True
        form = Form(job.format, job.delimiter or ",", job.columns or ())
        judged = await asyncio.to_thread(judge, form, chunk.lines, chunk.rows)
        counts = await _write(app, conn, job, judged, held)
        await imports.reject(conn, job.id, judged.rejected)
        await imports.move(conn, job.id, chunk.number, {**counts, "rejected": len(judged.rejected)})
        return True

    try:
        worked = await app.db.retrying(work)
        await wake_all(app, held)
        return worked
    except _Raced:
        return True
    except Exception as error:
        if unreachable(error) or not busy:
            raise
        log.exception("imports.failed", id=encode("imp", busy[0]))
        async with app.db.leader() as conn:
            await imports.end(conn, busy[0], "failed", _OURS)
        return True


async def _finish(conn: AsyncConnection, job: Row[Any]) -> None:
    await imports.end(conn, job.id, "finished")
    counted = ("rows", "created", "updated", "unchanged", "rejected")
    await audit.record(
        conn,
        module_id=job.module_id,
        actor=job.actor,
        action="import.finished",
        subject=encode("imp", job.id),
        detail={name: getattr(job, name) for name in counted},
    )


async def _write(
    app: App, conn: AsyncConnection, job: Row[Any], judged: Judged, held: list[str]
) -> dict[str, int]:
    """Write the accepted rows of a chunk; those that name groups nobody knows are rejected.

    The workflows that are to be woken for it come to be in `held`.
    """
    module_id = job.module_id
    ids = await _groups(conn, module_id, judged)
    targets = await _targets(conn, module_id, [request for _, _, request in judged.accepted])
    await _leave_out_erased(app, conn, job, judged, targets)
    requests = [request for _, _, request in judged.accepted]
    fresh = [one for one in targets.values() if one.before is None]
    if await imported.add(conn, module_id, [one.row() for one in fresh]) != len(fresh):
        raise _Raced
    changed = {one.id for one in targets.values() if one.changed}
    await imported.change(conn, [one.row() for one in targets.values() if one.id in changed])
    elsewhere = [one.id for one in targets.values() if one.moved]
    held[:] = await relook(conn, elsewhere) if elsewhere else []
    wanted = {
        targets[str(one.external_id)].id: [ids[name] for name in one.groups or ()]
        for one in requests
        if "groups" in one.model_fields_set
    }
    moved = await imported.replace_groups(conn, wanted)
    return _counts(targets.values(), changed | moved)


async def _targets(
    conn: AsyncConnection, module_id: UUID, requests: Sequence[ProfileRequest]
) -> dict[str, _Target]:
    """Return the profiles that are meant, with all that is said of each, in key order."""
    names = sorted({str(one.external_id) for one in requests})
    present = await imported.lock_present(conn, module_id, names)
    targets = {
        name: _Target(row.id, dict(row._mapping), {})
        if (row := present.get(name))
        else _Target(new_id(), None, {})
        for name in names
    }
    for one in requests:
        target = targets[str(one.external_id)]
        target.fields = merged(target.fields or target.before or {}, one)
        target.rows += 1
    return targets


async def _leave_out_erased(
    app: App, conn: AsyncConnection, job: Row[Any], judged: Judged, targets: dict[str, _Target]
) -> None:
    """Reject rows of whom was erased since the file came: it must not bring them back.

    To be asked after present profiles were locked, so that no erasure goes unseen.
    """
    new = [name for name, target in targets.items() if target.before is None]
    subjects = {subject(app, job.module_id, name): name for name in new}
    found = await erasure.erased_since(conn, job.module_id, list(subjects), job.created_at)
    gone = {subjects[one] for one in found}
    for name in gone:
        del targets[name]
    told = [FieldError("external_id", "was erased while the import was under way")]
    judged.rejected += [
        rejection(line, b"", told) for line, _, one in judged.accepted if one.external_id in gone
    ]
    judged.accepted = [one for one in judged.accepted if one[2].external_id not in gone]


async def _groups(conn: AsyncConnection, module_id: UUID, judged: Judged) -> dict[str, UUID]:
    """Return the groups that rows name, by id or by a name that may be new."""
    given = {name for _, _, one in judged.accepted for name in one.groups or ()}
    ids, names = dict[str, UUID](), list[str]()
    for name in given:
        try:
            ids[name] = decode("grp", name)
        except InvalidId:
            names.append(name)
    known = await groups.known_ids(conn, module_id, list(ids.values())) if ids else set()
    unknown = {name for name, id in ids.items() if id not in known}
    _refuse(judged, unknown)
    left = {name for _, _, one in judged.accepted for name in one.groups or ()}
    made = await groups.named(conn, module_id, [one for one in names if one in left])
    return {**ids, **made}


def _refuse(judged: Judged, unknown: set[str]) -> None:
    if not unknown:
        return
    accepted, judged.accepted = judged.accepted, []
    for line, row, one in accepted:
        wrong = [
            FieldError(f"groups[{number}]", "names no group of this module")
            for number, name in enumerate(one.groups or ())
            if name in unknown
        ]
        if wrong:
            judged.rejected.append(rejection(line, row, wrong))
        else:
            judged.accepted.append((line, row, one))


def _counts(targets: Any, touched: set[UUID]) -> dict[str, int]:
    """Count rows: one that says nothing new of a profile leaves it unchanged."""
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    for one in targets:
        first = "created" if one.before is None else "updated"
        if one.before is not None and one.id not in touched:
            counts["unchanged"] += one.rows
        else:
            counts[first] += 1
            counts["updated"] += one.rows - 1
    return counts
