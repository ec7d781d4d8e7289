"""Business rules: written, tried on past messages, switched on and off."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard import rule_forms as forms
from dashboard.choices import categories_of, modules_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, seen_version
from dashboard.rendering import page, see_other
from dashboard.rule_forms import KINDS
from domain.contract.rule import RulePatch, RuleRequest, RuleTry
from domain.errors import Conflict, Invalid, Problem, Stale
from domain.rules import RuleKind
from services import rule_trials
from services import rules as use
from services.access import Session
from services.app import App
from services.fields import validated
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/rules")

DAYS: Final = 30
_WRONG: Final = (Invalid, Conflict, Stale)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a page of a rule shows besides its form."""

    problem: Problem | None = None
    tried: Mapping[str, Any] | None = None


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List the rules of all modules."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    return page(
        request, "rules.html", items=found.items, older=found.next_cursor, kinds=KINDS,
        may_write=session.actor.may("rules:write"),
    )  # fmt: skip


@router.get("/new")
async def show_new(request: Request, app: Console, session: Signed) -> Response:
    """Let a kind be chosen, then show its form."""
    session.actor.require("rules:write")
    kind = _kind(request.query_params.get("kind", ""))
    if kind is None:
        return page(request, "rule_kinds.html", kinds=KINDS, effects=forms.EFFECTS)
    return await _page(request, app, session, None, kind, forms.first(kind))


@router.post("/new")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make the rule, which is off, or try on past messages what the form says."""
    session.actor.require("rules:write")
    kind = _kind(fields.get("kind", ""))
    if kind is None:
        return see_other("/rules/new")
    try:
        asked = validated(RuleRequest, forms.request(kind, fields))
        module = fields.get("module") or None
        if fields.get("do") == "try":
            tried = await rule_trials.try_draft(
                app, session.actor, asked, RuleTry(days=DAYS), module=module
            )
            return await _page(request, app, session, None, kind, fields, _Shown(tried=tried))
        made = await use.create(app, session.actor, asked, module=module)
    except _WRONG as problem:
        return await _page(request, app, session, None, kind, fields, _Shown(problem))
    return see_other(
        f"/rules/{made.content['id']}?try=1", flash="Kept. It is off until you switch it on."
    )


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a rule, its form, and what it would have done in the last days."""
    it = await use.get(app, session.actor, id)
    tried: Mapping[str, Any] | None = None
    if "try" in request.query_params:
        try:
            tried = await rule_trials.try_rule(app, session.actor, id, RuleTry(days=DAYS))
        except Invalid as problem:
            tried = {"refused": _words(problem)}
    kind = RuleKind(it["kind"])
    return await _page(request, app, session, it, kind, forms.texts(it), _Shown(tried=tried))


@router.post("/{id}/change")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change a rule, or try on past messages what the form says."""
    session.actor.require("rules:write")
    it = await use.get(app, session.actor, id)
    kind = RuleKind(it["kind"])
    try:
        given = forms.document(kind, fields)
        if fields.get("do") == "try":
            draft = {**given, "kind": kind, "scope": it["scope"]}
            tried = await rule_trials.try_draft(
                app, session.actor, validated(RuleRequest, draft), RuleTry(days=DAYS),
                module=it["module"],
            )  # fmt: skip
            return await _page(request, app, session, it, kind, fields, _Shown(tried=tried))
        await use.change(app, session.actor, id, validated(RulePatch, given), seen_version(fields))
    except _WRONG as problem:
        return await _page(request, app, session, it, kind, fields, _Shown(problem))
    return see_other(f"/rules/{id}", flash="Changed. Senders see it within five seconds.")


@router.post("/{id}/remove")
async def remove(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Take a rule away; raises Stale when it was changed meanwhile."""
    await use.remove(app, session.actor, id, seen_version(fields))
    return see_other("/rules", flash="The rule is gone.")


@router.post("/{id}")
async def switch(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Switch a rule on or off; raises Stale when it was changed meanwhile."""
    enabled = fields.get("enabled") == "yes"
    await use.change(app, session.actor, id, RulePatch(enabled=enabled), seen_version(fields))
    return see_other(f"/rules/{id}", flash="The rule is on." if enabled else "The rule is off.")


async def _page(
    request: Request,
    app: App,
    session: Session,
    it: Mapping[str, Any] | None,
    kind: RuleKind,
    fields: Mapping[str, str],
    shown: _Shown | None = None,
) -> Response:
    shown = shown or _Shown()
    several = forms.SEVERAL.get(kind)
    known = {"name", "category", "module", *(one.name for one in forms.INPUTS[kind])}
    known |= {several.name} if several else set()
    errors, others = _errors(shown.problem, known)
    return page(
        request, "rule.html", status=shown.problem.status if shown.problem else 200,
        it=it, kind=kind, words=KINDS[kind], effect=forms.EFFECTS[kind], fields=fields,
        inputs=forms.INPUTS[kind], several=several, errors=errors, others=others,
        tried=shown.tried, days=DAYS, stale=isinstance(shown.problem, Stale),
        version=fields.get("version") or (it["version"] if it else ""),
        categories=await categories_of(app, session.actor, "All but one-time codes"),
        modules=await modules_of(app, session.actor, "All modules"),
        may_write=session.actor.may("rules:write"),
    )  # fmt: skip


def _errors(problem: Problem | None, known: set[str]) -> tuple[dict[str, str], list[str]]:
    """Return the errors by input, and the others; the only conflict there is is a taken name."""
    if problem is None:
        return {}, []
    if isinstance(problem, Conflict):
        return {"name": problem.detail}, []
    return form_errors(problem, known)


def _words(problem: Problem) -> str:
    """Return a refusal as a sentence: the field that it names is not the reader's."""
    said = problem.errors[0].message if problem.errors else problem.detail
    return f"It cannot be tried: it {said}."


def _kind(name: str) -> RuleKind | None:
    return RuleKind(name) if name in list(RuleKind) else None
