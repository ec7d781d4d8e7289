"""Adding vendor accounts, and changing them: forms made of the vendor's own schema."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import checked, form_errors, seen_version
from dashboard.rendering import page, see_other
from dashboard.vendor_fields import (
    changes_document,
    first_texts,
    kept_texts,
    new_document,
    texts_of,
)
from dashboard.vendor_inputs import (
    COUNTRIES,
    NAME,
    RULES,
    SETTINGS,
    SLOW,
    Input,
    by_country,
    settings_inputs,
)
from dashboard.vendors import kind_or_none
from domain.contract.account import AccountPatch, AccountRequest
from domain.errors import Conflict, Invalid, Problem, Stale
from domain.vocabulary import Channel
from services import accounts
from services import vendors as kinds

router = APIRouter(prefix="/vendors")


@router.get("/new")
async def show_new(request: Request, session: Signed) -> Response:
    """Let a channel and a vendor be chosen, then show the vendor's form."""
    session.actor.require("accounts:write")
    asked = request.query_params
    channel, vendor = asked.get("channel", ""), asked.get("vendor", "")
    found = kinds.find(session.actor)
    kind = next((one for one in found if one["name"] == vendor), None)
    if kind is None or channel not in kind["channels"]:
        found.sort(key=lambda one: str(one["title"]).lower())
        able = {name: [one for one in found if name in one["channels"]] for name in Channel}
        return page(request, "vendor_choice.html", able=able)
    inputs = _inputs(kind, channel)
    return _page(request, kind, inputs, first_texts(inputs), channel=channel)


@router.post("/new")
async def add(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Add the account, or show the form again with what is wrong; secrets are typed again."""
    session.actor.require("accounts:write")
    kind, channel = kinds.get(session.actor, fields.get("vendor", "")), fields.get("channel", "")
    inputs = _inputs(kind, channel)
    try:
        document = {
            **new_document(inputs, fields), "channel": channel, "vendor": kind["name"],
            "enabled": fields.get("do") != "paused",
        }  # fmt: skip
        made = await accounts.create(app, session.actor, checked(AccountRequest, document))
    except (Invalid, Conflict) as problem:
        return _page(request, kind, inputs, fields, channel=channel, problem=problem)
    return see_other(f"/vendors/{made.content['id']}", flash="Added. Send a test message over it.")


@router.get("/{id}/change")
async def show_change(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the form with what the account is now."""
    session.actor.require("accounts:write")
    found = await accounts.get(app, session.actor, id)
    kind = kind_or_none(session.actor, found["vendor"])
    inputs = _inputs(kind, found["channel"], found)
    return _page(request, kind, inputs, texts_of(inputs, found), found=found)


@router.post("/{id}/change")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change what differs; somebody else's change meanwhile is not overwritten."""
    session.actor.require("accounts:write")
    found = await accounts.get(app, session.actor, id)
    kind = kind_or_none(session.actor, found["vendor"])
    inputs = _inputs(kind, found["channel"], found)
    try:
        document = changes_document(inputs, fields, texts_of(inputs, found))
        patch = checked(AccountPatch, document)
        await accounts.change(app, session.actor, id, patch, seen_version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return _page(request, kind, inputs, fields, found=found, problem=problem)
    return see_other(f"/vendors/{id}", flash="Changed. It holds within seconds.")


def _inputs(
    kind: Mapping[str, Any] | None, channel: str, found: Mapping[str, Any] | None = None
) -> list[Input]:
    """Return the inputs that matter for a vendor and a channel; rules that are set always do."""
    settings = settings_inputs(kind["settings"]) if kind else []
    if found is not None and found["settings"] is None:
        settings = []
    receipts = kind is not None and kind["capabilities"]["receipts"]
    idle = {one.name for one in SLOW if not receipts}
    idle |= set() if by_country(channel) else {COUNTRIES.name}
    rules = [one for one in (*RULES, *SLOW) if one.name not in idle or (found and found[one.name])]
    return [NAME, *settings, *rules]


def _page(
    request: Request,
    kind: Mapping[str, Any] | None,
    inputs: Sequence[Input],
    fields: Mapping[str, str],
    *,
    channel: str = "",
    found: Mapping[str, Any] | None = None,
    problem: Problem | None = None,
) -> Response:
    errors, others = _errors(problem, inputs)
    typed = [one.name for one in inputs if one.secret and fields.get(one.name)]
    settings = [one for one in inputs if one.name.startswith(SETTINGS)]
    parts = {
        "settings": [one for one in settings if not one.of_connection],
        "rules": [one for one in inputs if one in RULES],
        "slow": [one for one in inputs if one in SLOW],
        "connection": [one for one in settings if one.of_connection],
    }
    shown = [NAME, *(one for part in parts.values() for one in part)]
    return page(
        request, "vendor_form.html", status=problem.status if problem else 200,
        it=found, kind=kind, channel=channel or (found or {}).get("channel"), name_input=NAME,
        **parts, fields=kept_texts(inputs, fields), typed=typed,
        errors=errors, others=others, wrong=[one for one in shown if one.name in errors],
        stale=isinstance(problem, Stale), secrets=found["secrets"] if found else [],
        version=fields.get("version") or (found["version"] if found else ""),
    )  # fmt: skip


def _errors(problem: Problem | None, inputs: Sequence[Input]) -> tuple[dict[str, str], list[str]]:
    """Return the errors by input, and the others; the only conflict there is is a taken name."""
    if problem is None:
        return {}, []
    if isinstance(problem, Conflict):
        return {NAME.name: problem.detail}, []
    return form_errors(problem, {one.name for one in inputs})
