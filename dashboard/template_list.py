"""All templates: what each is for, which version is sent, and what is still a draft."""

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.choices import categories_of, words_of
from dashboard.guard import Console, Signed
from dashboard.rendering import page
from domain.vocabulary import TemplateState
from services import templates
from services.template_filters import TemplateFilters

router = APIRouter(prefix="/templates")
PER_PAGE: Final = 50


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List templates, newest first, narrowed by words, category and state."""
    asked = request.query_params
    names = ("q", "category", "state")
    filters = {name: value for name in names if (value := asked.get(name, "").strip()[:200])}
    state = filters.get("state")
    found = await templates.find(
        app,
        session.actor,
        TemplateFilters(
            q=filters.get("q"),
            category=(filters["category"],) if "category" in filters else (),
            state=(state,) if state in list(TemplateState) else (),
            limit=PER_PAGE,
            cursor=asked.get("cursor"),
        ),
    )
    older = {**filters, "cursor": found.next_cursor} if found.next_cursor else None
    return page(
        request, "templates.html", items=found.items, filters=filters,
        states=words_of(TemplateState, "In use"),
        categories=await categories_of(app, session.actor, "Any category"),
        drafts=sum(one["version"] != one["published_version"] for one in found.items),
        older=f"/templates?{urlencode(older)}" if older else None, paged="cursor" in asked,
        may_write=session.actor.may("templates:write"),
    )  # fmt: skip
