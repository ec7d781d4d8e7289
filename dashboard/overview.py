"""The first page: is everything being sent?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.figures import thousands
from dashboard.guard import Console, Signed
from dashboard.rendering import page
from services.balance import balance
from services.health import Dependency, dependencies
from services.times import stamp

router = APIRouter()

SPANS: Final = ((1, "hour"), (24, "24 hours"), (168, "7 days"))
NAMES: Final = {"postgresql": "PostgreSQL", "temporal": "Temporal", "replica": "Read replica"}
_STILL_WORKS: Final = {
    "temporal": "Notifications are accepted and kept; they are sent as soon as it is back.",
    "replica": "Everything is read from the leader meanwhile.",
    "postgresql": "Notifications cannot be accepted until it is back.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, and a sentence that bears it out."""

    answer: str
    reason: str
    tone: str


@router.get("/")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """Show the balance of the last hours, by class, and how each dependency is."""
    hours = _hours(request.query_params.get("hours"))
    until = datetime.now(UTC)
    since = until - timedelta(hours=hours)
    counted = await balance(app, session.actor, since, until)
    found = await dependencies(app)
    span = dict(SPANS)[hours]
    return page(
        request, "overview.html",
        verdict=judge(counted["totals"], found, span), balance=counted, dependencies=found,
        broken=[one for one in found if not one.ok], names=_name, still_works=_still_works,
        origin=str(request.base_url).rstrip("/"), hours=hours, span=span, spans=SPANS,
        temporal_ui=app.settings.temporal_ui,
        behind="/notifications?" + urlencode({"created_after": stamp(since)}),
    )  # fmt: skip


def judge(totals: Mapping[str, int], found: Sequence[Dependency], span: str) -> Verdict:
    """Return whether everything is being sent, worst news first."""
    waiting = totals["waiting"]
    down = [one for one in found if not one.ok and not one.name.startswith("replica")]
    if down:
        kept = f"{_count(waiting, 'delivery', 'deliveries')} of the last {span} waiting, and kept."
        names = " and ".join(_name(one.name) for one in down)
        return Verdict(f"Not at the moment: {names} does not work", kept, "bad")
    if totals["asked"] == 0:
        return Verdict("Ready to send", f"Nothing was asked for in the last {span}.", "good")
    wrong = [(totals[name], name) for name in ("failed", "unknown", "expired") if totals[name]]
    asked = _count(totals["asked"], "delivery", "deliveries")
    if wrong:
        told = ", ".join(f"{thousands(n)} {name}" for n, name in wrong)
        return Verdict(
            "Nearly everything was sent", f"Of {asked} in the last {span}: {told}.", "warn"
        )
    if waiting:
        reason = f"{thousands(waiting)} of {asked} in the last {span} are still on their way."
        return Verdict("Yes, everything is being sent", reason, "good")
    return Verdict("Yes, everything is sent", f"All {asked} of the last {span} are done.", "good")


def _count(number: int, one: str, many: str) -> str:
    return f"{thousands(number)} {one if number == 1 else many}"


def _name(key: str) -> str:
    word, _, number = key.partition(" ")
    return f"{NAMES.get(word, word)} {number}".strip()


def _still_works(key: str) -> str:
    return _STILL_WORKS.get(key.partition(" ")[0], "")


def _hours(given: str | None) -> int:
    known = {str(hours): hours for hours, _ in SPANS}
    return known.get(given or "", 24)
