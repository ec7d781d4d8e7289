"""Categories: the kinds of messages that all modules share, kept by administrators."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.choices import words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors
from dashboard.rendering import page, see_other
from domain.contract.category import CategoryPatch, CategoryRequest
from domain.errors import Conflict, Invalid, Problem, Stale
from domain.vocabulary import CategoryClass, Priority
from services import categories as use
from services.fields import validated
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/categories")

_FIELDS: Final = {"key", "name", "class", "priority", "mandatory", "tracking"}
_NEW: Final = {
    "key": "", "name": "", "class": CategoryClass.TRANSACTIONAL, "version": 0, "tracking": {},
}  # fmt: skip
CLASSES: Final = {
    CategoryClass.OTP: "a code that is useful now or never; always high",
    CategoryClass.TRANSACTIONAL: "what a recipient waits for; sent at least once",
    CategoryClass.BULK: "the same news to many; sent at most once",
    CategoryClass.MARKETING: "advertising; sent at most once, can be unsubscribed",
}


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List the categories."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    return page(
        request, "categories.html", items=found.items, older=found.next_cursor,
        may_write=session.actor.may("categories:write"),
    )  # fmt: skip


@router.get("/-/new")
async def show_form(request: Request, session: Signed) -> Response:
    """Show the form of a new category."""
    session.actor.require("categories:write")
    return _form(request, _NEW, _NEW, None)


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make a category."""
    given = {**_document(fields), "key": fields.get("key", "").strip()}
    try:
        await use.create(app, session.actor, validated(CategoryRequest, given))
    except (Invalid, Conflict) as problem:
        return _form(request, _NEW, {**given, **fields}, problem)
    return see_other("/categories", flash=f"The category {given['key']} is there.")


@router.get("/{key}")
async def look(request: Request, key: str, app: Console, session: Signed) -> Response:
    """Show a category with the form that changes it."""
    found = await use.get(app, session.actor, key)
    return _form(request, found, found, None, may_write=session.actor.may("categories:write"))


@router.post("/{key}")
async def change(
    request: Request, key: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change a category; somebody else's change meanwhile is not overwritten."""
    found = await use.get(app, session.actor, key)
    given = _document(fields)
    try:
        patch = validated(CategoryPatch, given)
        await use.change(app, session.actor, key, patch, _version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return _form(request, found, {**found, **given}, problem)
    return see_other("/categories", flash=f"The category {key} is changed.")


@router.post("/{key}/remove")
async def remove(
    request: Request, key: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Remove a category that nothing uses."""
    found = await use.get(app, session.actor, key)
    try:
        await use.remove(app, session.actor, key, _version(fields))
    except (Conflict, Stale) as problem:
        return _form(request, found, found, problem)
    return see_other("/categories", flash=f"The category {key} is gone.")


def _form(
    request: Request,
    it: Mapping[str, Any],
    fields: Mapping[str, Any],
    problem: Problem | None,
    *,
    may_write: bool = True,
) -> Response:
    errors, others = form_errors(problem, _FIELDS) if problem else ({}, [])
    if problem is not None and not problem.errors:
        others = [problem.detail]
    return page(
        request, "category.html", status=problem.status if problem else 200,
        it=it, fields=fields, errors=errors, others=others, may_write=may_write,
        classes=[(one.value, f"{one.value}: {words}") for one, words in CLASSES.items()],
        priorities=words_of(Priority, "As its class"),
    )  # fmt: skip


def _document(fields: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": fields.get("name", "").strip() or None,
        "class": fields.get("class", ""),
        "priority": fields.get("priority") or None,
        "mandatory": fields.get("mandatory") == "yes",
        "tracking": {name: fields.get(f"track_{name}") == "yes" for name in ("opens", "clicks")},
    }


def _version(fields: Mapping[str, str]) -> int:
    version = fields.get("version", "")
    return int(version) if version.isdecimal() and len(version) < 10 else 0
