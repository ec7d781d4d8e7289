"""Keeps what a vendor reports of attempts: each report is believed only for its own account."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.engagement import plain_url
from domain.ids import InvalidId, decode
from domain.report import Report
from domain.storable import storable, storable_text
from domain.vocabulary import CategoryClass
from stores.ledger import effects, engagements, receipts
from stores.ledger.fold import fold
from stores.ledger.receipts import Attempt, Receipt

HEARD, REPEATED, UNMATCHED, FOREIGN = "heard", "repeated", "unmatched", "foreign"
_ATTEMPT: Final = re.compile(r"att_[0-7][0-9a-hjkmnp-tv-z]{25}")
_LONGEST_KEY: Final = 200
_LONGEST_WORD: Final = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """A report with the attempt that it is of; None when there is none, or not this account's."""

    report: Report
    attempt_id: UUID | None
    attempt: Attempt | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the reports of one call; `fresh` are the receipts not heard before."""

    judged: Sequence[Judged]
    fresh: int

    @property
    def verdict(self) -> str:
        """The word for the whole call: the oddest of its reports."""
        told = {one.verdict for one in self.judged}
        return next((one for one in (FOREIGN, UNMATCHED) if one in told), HEARD)

    @property
    def storable(self) -> bool:
        """Whether the vendor's words may be kept: no report may be of a one-time password."""
        return all(
            one.attempt is not None and one.attempt.class_ is not CategoryClass.OTP
            for one in self.judged
        )

    def shown(self) -> list[dict[str, Any]]:
        """Return the reports as they are kept with the call: ids and words of ours."""
        return [{**_facts(one.report), **_names(one)} for one in self.judged]


async def keep(
    conn: AsyncConnection,
    account_id: UUID,
    reports: Sequence[Report],
    *,
    call_id: UUID | None = None,
) -> Kept:
    """Keep reports with all that follows: states, suppressions, events.

    A report of another account's attempt changes nothing; one of an attempt that is not known
    waits for it.
    """
    ids = sorted({id for one in reports if (id := _attempt_id(one)) is not None})
    known = await receipts.find_attempts(conn, ids) if ids else {}
    judged = [_judge(one, account_id, known) for one in reports]
    given = [_receipt(one, account_id, call_id) for one in judged if _is_receipt(one)]
    written = await receipts.insert(conn, given)
    if written.attempts:
        await fold(conn, await receipts.join(conn, written.attempts))
    wishes = [_note(one) for one in judged if _is_wish(one)]
    await effects.apply(conn, wishes)
    await engagements.hear(conn, wishes)
    return Kept(judged, written.fresh)


async def names_no_password(conn: AsyncConnection, said: str) -> bool:
    """Whether words that nobody could read may be kept: they name no attempt, or only attempts
    that are known and carry no one-time password.
    """
    named = {decode("att", one) for one in _ATTEMPT.findall(said)}
    known = await receipts.find_attempts(conn, sorted(named)) if named else {}
    return all(id in known and known[id].class_ is not CategoryClass.OTP for id in named)


def _attempt_id(report: Report) -> UUID | None:
    try:
        return decode("att", report.attempt_id)
    except InvalidId:
        return None


def _judge(report: Report, account_id: UUID, known: dict[UUID, Attempt]) -> Judged:
    id = _attempt_id(report)
    attempt = known.get(id) if id else None
    if attempt is None:
        return Judged(report, id, None, UNMATCHED)
    if attempt.account_id != account_id:
        return Judged(report, id, None, FOREIGN)
    return Judged(report, id, attempt, HEARD)


def _is_receipt(one: Judged) -> bool:
    has_id = one.report.kind is not None and one.attempt_id is not None
    return has_id and one.verdict != FOREIGN


def _is_wish(one: Judged) -> bool:
    """Whether it is a note, and so no receipt, by which somebody unsubscribes."""
    return one.report.kind is None and one.report.unsubscribes and one.attempt is not None


def _receipt(one: Judged, account_id: UUID, call_id: UUID | None) -> Receipt:
    report = one.report
    if one.attempt_id is None or report.kind is None:
        raise ValueError("a note, or a report of nothing, is no receipt")
    raw: dict[str, Any] = _facts(report)
    if one.attempt is not None and one.attempt.class_ is not CategoryClass.OTP:
        raw["raw"] = storable(dict(report.raw))
        if report.url:
            raw["url"] = storable_text(plain_url(report.url))
    return Receipt(
        attempt_id=one.attempt_id,
        kind=report.kind,
        event_key=event_key(report.event_key),
        account_id=account_id,
        at=report.at,
        raw=raw,
        call_id=call_id,
    )


def _note(one: Judged) -> effects.Told:
    if one.attempt is None:
        raise ValueError("a report of nothing has no effect")
    return effects.Told(
        one.attempt.delivery_id, one.attempt.id, None, one.report.at, unsubscribes=True
    )


def event_key(given: str) -> str:
    """Return a key that fits an index: a long one becomes its hash."""
    key = storable_text(given)
    return key if len(key) <= _LONGEST_KEY else sha256(key.encode()).hexdigest()


def _facts(report: Report) -> dict[str, Any]:
    """Return what may be stored of any report, also of a one-time password's."""
    return {
        "reason": storable_text(report.reason[:_LONGEST_WORD]),
        "code": storable_text(report.vendor_code[:_LONGEST_WORD]),
        "hard": report.hard,
        "unsubscribes": report.unsubscribes,
        "machine": report.machine,
    }


def _names(one: Judged) -> dict[str, Any]:
    return {
        "attempt": one.report.attempt_id if one.attempt_id else None,
        "kind": one.report.kind,
        "verdict": one.verdict,
    }
