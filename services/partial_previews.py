"""A partial looked at before it is kept: by itself, or in a template that uses it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.template import PartialPut, PreviewRequest, TemplateVersionRequest
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass
from services import template_problems, template_review, template_views
from services.access import Actor
from services.app import App
from services.partials import check
from services.template_partials import Composed, PartialDraft, as_version, compose
from services.template_previews import show
from services.template_versions import class_of, find_version
from services.templates import find_row

_KEY_OF_NEW: Final = "new-partial"
_FIRST_TAG: Final = re.compile(r"<\s*([a-zA-Z][\w-]*)")
_TEXT: Final = "content.email.text"
"""Of no concern to a piece: the mail that it will be in has a text."""
_IN_BODY: Final = ("mj-section", "mj-wrapper", "mj-hero", "mj-raw")


async def preview(
    app: App,
    actor: Actor,
    key: str,
    request: PartialPut,
    asked: PreviewRequest,
    template: str | None = None,
) -> dict[str, Any]:
    """Render a partial's words, in the newest version of a template where one is named.

    By itself, values that it uses and nobody gives are made up. Returns {data, channels,
    problems} as previews of templates do; raises NotFound, Invalid for broken syntax.
    """
    actor.require("templates:read")
    check(request)
    key = key or _KEY_OF_NEW
    draft = {key: PartialDraft(request.source, request.locales)}
    async with app.db.leader() as conn:
        if template:
            whole, class_ = await _inside(conn, actor, template, draft)
        else:
            whole = await compose(conn, actor.module_id, _alone(key, request), draft)
            class_ = CategoryClass.TRANSACTIONAL
    if not template:
        data = {**template_review.examples_of(whole.version), **(asked.data or {})}
        asked = asked.model_copy(update={"data": data})
    shown = show(whole.version, asked, class_)
    found = shown["problems"] if template else [o for o in shown["problems"] if o["field"] != _TEXT]
    shown["problems"] = template_problems.errors(whole.errors) + found
    return shown


async def _inside(
    conn: AsyncConnection, actor: Actor, template: str, draft: Mapping[str, PartialDraft]
) -> tuple[Composed, CategoryClass]:
    row = await find_row(conn, actor, template)
    version = template_views.as_version(row, await find_version(conn, row, row.latest_version))
    return await compose(conn, row.module_id, version, draft), await class_of(conn, row)


def _alone(key: str, request: PartialPut) -> TemplateVersion:
    """Return a mail that holds nothing but the partial, in each of its languages."""
    use = f'{{% include "{key}" %}}'
    tag = found[1].lower() if (found := _FIRST_TAG.search(request.source)) else ""
    body = {"html": _around(tag, use)} if tag else {"text": use}
    content = {"email": {"subject": key, **body}}
    words = TemplateVersionRequest.model_validate({"content": content})
    locales = dict.fromkeys(request.locales, content)
    return replace(as_version(words), locales=locales)


def _around(tag: str, use: str) -> str:
    """Return the MJML that a piece of it needs around it; other HTML stands as it is."""
    if not tag.startswith("mj-"):
        return use
    if tag not in _IN_BODY:
        inner = use if tag == "mj-column" else f"<mj-column>{use}</mj-column>"
        use = f"<mj-section>{inner}</mj-section>"
    return f"<mjml><mj-body>{use}</mj-body></mjml>"
