"""The audit log: who did what, and whether it is as it was written."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Signed
from dashboard.rendering import page
from domain.errors import Invalid
from services import audit_log as use

router = APIRouter(prefix="/audit")

PER_PAGE: Final = 50
_FILTERS: Final = ("actor", "action", "subject", "after", "before")


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List lines, newest first; with `verify` also check all of them."""
    given = request.query_params
    filters = {name: value for name in _FILTERS if (value := given.get(name, "").strip()[:320])}
    found, wrong = None, None
    try:
        found = await use.find(
            app, session.actor, _asked(filters), limit=PER_PAGE, cursor=given.get("cursor")
        )
    except Invalid as problem:
        wrong = problem.detail
    verdict: dict[str, Any] | None = None
    if "verify" in given and session.actor.for_all:
        verdict = await use.verify(app, session.actor, given.get("head"))
    older = {**filters, "cursor": found.next_cursor} if found and found.next_cursor else None
    return page(
        request, "audit.html", status=422 if wrong else 200, items=found.items if found else [],
        filters=filters, removals={name: _without(filters, name) for name in filters},
        older=f"/audit?{urlencode(older)}" if older else None, paged="cursor" in given,
        verdict=verdict, wrong=wrong, may_verify=session.actor.for_all, place=_place,
    )  # fmt: skip


def _asked(filters: dict[str, str]) -> use.AuditFilters:
    def one(name: str) -> tuple[str, ...]:
        return (filters[name],) if name in filters else ()

    return use.AuditFilters(
        actor=one("actor"), action=one("action"), subject=one("subject"),
        after=_day(filters, "after"), before=_day(filters, "before", timedelta(days=1)),
    )  # fmt: skip


def _day(filters: dict[str, str], name: str, later: timedelta = timedelta()) -> datetime | None:
    """Return the beginning of a day in UTC, or its end as the next one's beginning."""
    value = filters.get(name)
    if value is None:
        return None
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        if not 1971 <= day.year <= 9000:
            raise ValueError
    except ValueError:
        raise Invalid.field(name, "is not a day such as 2030-01-31") from None
    return day + later


def _without(filters: dict[str, str], removed: str) -> str:
    left = urlencode({name: value for name, value in filters.items() if name != removed})
    return f"/audit?{left}" if left else "/audit"


_PLACES: Final = {
    "usr": "/users/", "tpl": "/templates/", "ntf": "/notifications/", "acc": "/vendors/",
    "sup": "/suppressions/", "rul": "/rules/",
}  # fmt: skip


def _place(subject: str) -> str | None:
    """Return the page about the subject of a line, if there is one."""
    folder = _PLACES.get(subject.partition("_")[0])
    return f"{folder}{subject}" if folder and "_" in subject else None
