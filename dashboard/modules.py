"""Modules: the client systems that send, whether they are on trial, and what was kept back."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, seen_version
from dashboard.rendering import page, see_other
from dashboard.story import addressee
from domain.contract.access import ModulePatch, ModuleRequest, Redirected
from domain.errors import Conflict, Invalid, Problem, Stale
from domain.trial import TRIAL_MODE, ModuleMode
from services import modules as use
from services import notifications
from services.access import Session
from services.app import App
from services.fields import validated
from services.notification_filters import NotificationFilters
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/modules")

CHANNELS: Final = get_args(Redirected)
_LABELS: Final = {
    "email": "E-mail to", "sms": "SMS to", "whatsapp": "WhatsApp to", "telegram": "Telegram to",
}  # fmt: skip
_KEPT: Final = 10
_BRAND: Final = ("name", "colour")


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List the modules with their modes."""
    found = await use.find(app, session.actor, MAX_LIMIT, request.query_params.get("cursor"))
    return page(
        request, "modules.html", items=found.items, older=found.next_cursor,
        on_trial=sum(one["mode"] == ModuleMode.TRIAL for one in found.items),
        may_write=session.actor.may("modules:write"),
    )  # fmt: skip


@router.get("/new")
async def show_new(request: Request, session: Signed) -> Response:
    """Show the form of a new module."""
    session.actor.require("modules:write")
    return page(request, "module_new.html", fields={}, errors={}, others=[])


@router.post("/new")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make a module, on trial."""
    given = {"key": fields.get("key", "").strip(), "name": fields.get("name", "").strip() or None}
    try:
        made = await use.create(app, session.actor, validated(ModuleRequest, given))
    except (Invalid, Conflict) as problem:
        errors, others = form_errors(problem, {"key", "name"})
        return page(
            request, "module_new.html", status=problem.status, fields=fields, errors=errors,
            others=others,
        )  # fmt: skip
    return see_other(f"/modules/{made['key']}", flash="It is on trial. Say whom it may reach.")


@router.get("/{key}")
async def look(request: Request, key: str, app: Console, session: Signed) -> Response:
    """Show a module: whom it reaches, and what was kept back."""
    it = await use.get(app, session.actor, key)
    return await _page(request, app, session, it, _texts(it))


@router.post("/{key}")
async def change(
    request: Request, key: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change the name, the brand and whom a trial reaches."""
    it = await use.get(app, session.actor, key)
    given = {
        "name": fields.get("name", "").strip() or None,
        "safelist": [one.strip() for one in fields.get("safelist", "").splitlines() if one.strip()],
        "redirect_to": {
            channel: fields.get(f"redirect_to.{channel}", "").strip() or None
            for channel in CHANNELS
        },
        "brand": {name: fields.get(f"brand.{name}", "").strip() or None for name in _BRAND},
    }
    try:
        patch = validated(ModulePatch, given)
        await use.change(app, session.actor, key, patch, seen_version(fields))
    except (Invalid, Stale) as problem:
        return await _page(request, app, session, it, fields, problem)
    return see_other(f"/modules/{it['key']}", flash="Changed.")


@router.post("/{key}/mode")
async def switch(key: str, app: Console, session: Signed, fields: Form) -> Response:
    """Let a module live, or put it on trial; raises Stale, Forbidden."""
    live = fields.get("mode") == ModuleMode.LIVE
    patch = ModulePatch(mode=ModuleMode.LIVE if live else ModuleMode.TRIAL)
    it = await use.change(app, session.actor, key, patch, seen_version(fields))
    said = "It is live: it reaches everybody." if live else "It is on trial again."
    return see_other(f"/modules/{it['key']}", flash=said)


async def _page(
    request: Request,
    app: App,
    session: Session,
    it: Mapping[str, Any],
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    known = {
        "name",
        "safelist",
        "brand.name",
        "brand.colour",
        *(f"redirect_to.{channel}" for channel in CHANNELS),
    }
    errors, others = form_errors(problem, known) if problem else ({}, [])
    asked = NotificationFilters(module=(it["key"],), reason=(TRIAL_MODE,), limit=_KEPT)
    kept = await notifications.find(app, session.actor, asked)
    return page(
        request, "module.html", status=problem.status if problem else 200,
        it=it, fields=fields, errors=errors, others=others, labels=_LABELS,
        on_trial=it["mode"] == ModuleMode.TRIAL, kept=kept.items, more=kept.next_cursor is not None,
        addressee=addressee, stale=isinstance(problem, Stale),
        kept_link=f"/notifications?module={it['key']}&reason={TRIAL_MODE}",
        version=fields.get("version") or it["version"],
        may_write=session.actor.may("modules:write"), may_let_live=session.actor.may("*"),
    )  # fmt: skip


def _texts(it: Mapping[str, Any]) -> dict[str, str]:
    redirects = {f"redirect_to.{name}": address for name, address in it["redirect_to"].items()}
    brand = {f"brand.{name}": it["brand"].get(name) or "" for name in _BRAND}
    return {"name": it["name"], "safelist": "\n".join(it["safelist"]), **redirects, **brand}
