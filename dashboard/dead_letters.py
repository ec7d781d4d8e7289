"""What was not sent, or may not have been: why, and trying it once more."""

from collections import Counter
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.choices import words_of
from dashboard.guard import Console, Form, Signed
from dashboard.rendering import page, see_other
from domain.contract.dead_letters import RedriveRequest
from domain.vocabulary import Channel
from services import dead_letters as use

router = APIRouter(prefix="/dead-letters")

PER_PAGE: Final = 50
_FILTERS: Final = ("state", "channel", "reason", "account")


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List dead letters, newest first, narrowed by state, channel, reason and account."""
    filters = _filters(dict(request.query_params))
    found = await use.find(
        app,
        session.actor,
        use.DeadLetterFilters(
            state=_one(filters, "state"),
            channel=_one(filters, "channel"),
            reason=_one(filters, "reason"),
            account=_one(filters, "account"),
            limit=PER_PAGE,
            cursor=request.query_params.get("cursor"),
        ),
    )
    older = {**filters, "cursor": found.next_cursor} if found.next_cursor else None
    return page(
        request, "dead_letters.html",
        items=found.items, filters=filters, summary=_counted(found.items),
        removals={name: _without(filters, name) for name in filters},
        states=words_of(use.DEAD, "Any state"), channels=words_of(Channel, "Any channel"),
        older=f"/dead-letters?{urlencode(older)}" if older else None,
        paged="cursor" in request.query_params,
        may_send=session.actor.may("notifications:write"), most=use.MOST,
    )  # fmt: skip


@router.post("/redrive")
async def redrive(app: Console, session: Signed, fields: Form) -> Response:
    """Try one letter once more, or all that pass the filters of the list."""
    filters = _filters(fields)
    asked: dict[str, Any] = {name: [value] for name, value in filters.items()}
    if fields.get("delivery"):
        asked = {"deliveries": [fields["delivery"]]}
    elif not asked:
        asked = {"state": [one.value for one in use.DEAD]}
    asked["include_unknown"] = fields.get("include_unknown") == "yes"
    done = await use.redrive(app, session.actor, RedriveRequest.model_validate(asked))
    query = f"?{urlencode(filters)}" if filters else ""
    return see_other(f"/dead-letters{query}", flash=_told(done))


def _filters(given: dict[str, str]) -> dict[str, str]:
    return {name: value for name in _FILTERS if (value := given.get(name, "").strip()[:100])}


def _one(filters: dict[str, str], name: str) -> tuple[str, ...]:
    return (filters[name],) if name in filters else ()


def _told(done: dict[str, Any]) -> str:
    left = len(done["left"])
    words = f"{done['redriven']} tried once more"
    if left:
        words += f"; {left} left alone, because {done['left'][0]['why']}"
    return f"{words}; there are more, do it again." if done["more"] else f"{words}."


def _counted(items: list[dict[str, Any]]) -> str:
    counted = Counter(f"{one['reason'].replace('_', ' ') or one['state']}" for one in items)
    return ", ".join(f"{number} {words}" for words, number in counted.most_common(4))


def _without(filters: dict[str, str], removed: str) -> str:
    left = urlencode({name: value for name, value in filters.items() if name != removed})
    return f"/dead-letters?{left}" if left else "/dead-letters"
