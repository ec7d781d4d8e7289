"""Writes down who opened mails and followed links, and tells programs from people."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.engagement import Engagement, EngagementKind, plain_url
from domain.errors import NotFound
from domain.machine_visits import Followed, MachineReason, judge, judge_together
from domain.signed_tokens import TokenWrong
from domain.tracking_links import Click, Opening
from domain.vocabulary import ReceiptKind
from services.app import App
from services.visits import Seen
from stores.database import DATABASE_ERRORS
from stores.ledger import engagements, receipts
from stores.ledger.fold import fold
from stores.ledger.receipts import TRACKED, Receipt

log = structlog.get_logger()

_SECONDS: Final = 0.5
_PATIENCE: Final = 10.0
"""The longest wait before the next try while the ledger cannot be written."""
_UNEXPLAINED: Final = frozenset(
    {"", MachineReason.INSTANT, MachineReason.ALL_LINKS, MachineReason.TRAP}
)
"""What is judged with its neighbours: a program that names itself says nothing of others."""
_TRAP: Final = -1
"""The number under which it is kept that the trap was followed."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A request with one of the deliveries that it is about, and whether it is a program's."""

    seen: Seen
    attempt_id: UUID
    delivery_id: UUID
    reason: MachineReason | None

    def engagement(self, later: MachineReason | None = None) -> Engagement:
        """Return what is recorded of it; `later` is what its neighbours showed."""
        reason, what = self.reason or later, self.seen.what
        link, url = 0, ""
        if isinstance(what, Click):
            link, url = (_TRAP, "") if what.is_trap else (what.link, plain_url(what.url))
        return Engagement(
            self.delivery_id, self.seen.kind, self.seen.at, link, url, reason is not None,
            reason or "",
        )  # fmt: skip


def read(app: App, token: str) -> Opening | Click:
    """Return what a token is of; raises NotFound for one that is not ours."""
    try:
        return app.tracking.read(token)
    except TokenWrong:
        raise NotFound("This link is not valid.") from None


async def write_forever(app: App) -> None:
    """Write down what was seen, as long as the process lives; what cannot be written waits."""
    pause = _SECONDS
    while True:
        await asyncio.sleep(pause)
        pause = _SECONDS if await write(app) else min(pause * 2, _PATIENCE)


async def write(app: App) -> bool:
    """Write down all that was seen; False where the ledger cannot be written now."""
    while seen := app.visits.take():
        try:
            await _record(app, seen)
        except asyncio.CancelledError:
            app.visits.give_back(seen)
            raise
        except Exception as error:  # whatever it is, it must not end the loop
            if not isinstance(error, DATABASE_ERRORS) or _is_ours(error):
                log.exception("tracking.unwritable", lost=len(seen))
                continue
            app.visits.give_back(seen)
            app.visits.report(str(error)[:200])
            return False
    return True


async def close(app: App) -> None:
    """Write down what still waits; what cannot be written is lost, and the log says so."""
    if not await write(app):
        log.error("tracking.lost", lost=len(app.visits))


def _is_ours(error: BaseException) -> bool:
    """Whether the statement is wrong, and would be wrong again: it must not hold others up."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return state[:2] in ("22", "23", "42")  # data, constraints, syntax and names


async def _record(app: App, seen: Sequence[Seen]) -> None:
    async def work(conn: AsyncConnection) -> None:
        attempts = sorted({one.what.attempt_id for one in seen})
        rows: defaultdict[UUID, list[Row[Any]]] = defaultdict(list)
        for row in await engagements.find_seen(conn, attempts):
            rows[row.attempt_id].append(row)
        found = [
            _Found(one, row.attempt_id, row.delivery_id, judge(one.visit(row.sent_at)))
            for one in seen
            for row in rows[one.what.attempt_id]
            if (row.track_clicks if isinstance(one.what, Click) else row.track_opens)
        ]
        if found:
            await _keep(conn, found)

    await app.db.retrying(work)


async def _keep(conn: AsyncConnection, found: Sequence[_Found]) -> None:
    clicked = {one.delivery_id for one in found if isinstance(one.seen.what, Click)}
    known = await engagements.of_deliveries(conn, sorted(clicked))
    mine: defaultdict[UUID, list[_Found]] = defaultdict(list)
    for one in found:
        mine[one.delivery_id].append(one)
    new: list[tuple[_Found, Engagement]] = []
    doubted: list[Engagement] = []
    for delivery in sorted(mine):
        judged, moved = _judged(mine[delivery], known.get(delivery, []))
        new += judged
        doubted += moved
    await engagements.record(conn, [made for _, made in new])
    await engagements.take_as_machine(conn, doubted)
    await fold(conn, await receipts.keep(conn, _receipts(new)))


def _judged(
    mine: Sequence[_Found], known: Sequence[Row[Any]]
) -> tuple[list[tuple[_Found, Engagement]], list[Engagement]]:
    """Return what is recorded of one delivery's requests, and what known before is a program's
    after all.
    """
    before = [
        row for row in known if row.kind == EngagementKind.CLICKED and row.reason in _UNEXPLAINED
    ]
    clicks = [
        one
        for one in mine
        if isinstance(one.seen.what, Click) and (one.reason or "") in _UNEXPLAINED
    ]
    together = judge_together([*map(_known, before), *map(_followed, clicks)])
    places = {id(one): len(before) + place for place, one in enumerate(clicks)}
    new = [(one, one.engagement(together.get(places.get(id(one), -1)))) for one in mine]
    moved = [
        Engagement(row.delivery_id, EngagementKind.CLICKED, row.occurred_at, row.link, row.url,
                   True, together[place])
        for place, row in enumerate(before)
        if place in together and not row.machine
    ]  # fmt: skip
    return new, moved


def _known(row: Row[Any]) -> Followed:
    return Followed(row.occurred_at, row.link, row.url, is_trap=row.link == _TRAP)


def _followed(one: _Found) -> Followed:
    what = one.seen.what
    if not isinstance(what, Click):
        raise TypeError("an opening follows no link")
    url = plain_url(what.url)
    return Followed(one.seen.at, what.link, url, what.of, what.is_trap)


def _receipts(new: Sequence[tuple[_Found, Engagement]]) -> list[Receipt]:
    """Return what was seen as receipts, one for each message, kind, and person or program: they
    raise states, and stand on timelines, as what vendors tell does.
    """
    found: dict[tuple[UUID, EngagementKind, bool], Receipt] = {}
    for one, made in new:
        key = (one.attempt_id, made.kind, made.machine)
        if made.link == _TRAP or (key in found and found[key].at <= made.at):
            continue
        name = f"{TRACKED}:machine" if made.machine else TRACKED
        raw = {"machine": made.machine, TRACKED: True}
        kind = ReceiptKind(made.kind)
        found[key] = Receipt(one.attempt_id, kind, name, None, made.at, raw)
    return list(found.values())
