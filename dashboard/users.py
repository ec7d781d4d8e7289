"""Users: made, given roles, deactivated, given new passwords and deputies."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, seen_version
from dashboard.rendering import page, see_other
from domain.contract.user import DelegationRequest, UserPatch, UserRequest
from domain.errors import Conflict, Invalid, NotFound, Problem, Stale
from domain.roles import APPROVERS
from domain.vocabulary import Role
from services import delegations
from services import users as use
from services.access import Session
from services.app import App
from services.fields import validated
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/users")

_FIELDS: Final = {"name", "email", "role", "to", "from", "until"}
ROLES: Final = {
    Role.ADMINISTRATOR: "may do everything",
    Role.APPROVER: "looks, and approves campaigns",
    Role.AUTHOR: "writes templates and campaigns, sends single messages",
    Role.OPERATOR: "runs it: pauses accounts and campaigns, suppresses, sends",
    Role.VIEWER: "looks",
}
_CHOICES: Final = [(one.value, f"{one.value}: {words}") for one, words in ROLES.items()]


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List users, newest first."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    return page(
        request, "users.html", items=found.items, older=found.next_cursor,
        may_write=session.actor.may("users:write"),
    )  # fmt: skip


@router.get("/-/new")
async def show_form(request: Request, session: Signed) -> Response:
    """Show the form of a new user."""
    session.actor.require("users:write")
    return _new(request, {"role": Role.VIEWER})


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make a user, and show their temporary password this once."""
    given = {name: fields.get(name, "").strip() for name in ("name", "email", "role")}
    try:
        made = await use.create(app, session.actor, validated(UserRequest, given))
    except (Invalid, Conflict) as problem:
        return _new(request, given, problem)
    return await _detail(request, app, session, made["id"], password=made["password"])


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a user; people may look at themselves."""
    return await _detail(request, app, session, id)


@router.post("/{id}")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change a user's name, role, or whether they may sign in."""
    given: dict[str, Any] = {
        name: fields[name].strip() for name in ("name", "role") if name in fields
    }
    if "active" in fields:
        given["active"] = fields["active"] == "yes"
    try:
        patch = validated(UserPatch, given)
        await use.change(app, session.actor, id, patch, seen_version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return await _detail(request, app, session, id, problem=problem)
    said = {True: "They may sign in again.", False: "Their sessions ended, their keys stopped."}
    return see_other(f"/users/{id}", flash=said.get(given.get("active"), "Changed."))  # type: ignore[arg-type]


@router.post("/{id}/password")
async def reset_password(
    request: Request, id: str, app: Console, session: Signed, _fields: Form
) -> Response:
    """Make a temporary password and show it this once."""
    told = await use.reset_password(app, session.actor, id)
    return await _detail(request, app, session, id, password=told["password"])


@router.post("/{id}/remove")
async def remove(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Erase a user."""
    try:
        await use.remove(app, session.actor, id, seen_version(fields))
    except (Conflict, Stale) as problem:
        return await _detail(request, app, session, id, problem=problem)
    return see_other("/users", flash="The user is gone; what they did stays in the audit log.")


@router.post("/{id}/delegation")
async def delegate(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Name who decides in a user's stead, from one day to another (UTC), or end it."""
    if fields.get("end") == "yes":
        await delegations.remove(app, session.actor, id)
        return see_other(f"/users/{id}", flash="Nobody decides in your stead any more.")
    days = {name: fields.get(name, "").strip() for name in ("from", "until")}
    given = {name: f"{day}T00:00:00Z" for name, day in days.items() if day}
    try:
        asked = validated(DelegationRequest, {**given, "to": fields.get("to", "")})
        await delegations.put(app, session.actor, id, asked)
    except Invalid as problem:
        return await _detail(request, app, session, id, problem=problem, fields=fields)
    return see_other(f"/users/{id}", flash="The deputy is named.")


def _new(request: Request, fields: Mapping[str, Any], problem: Problem | None = None) -> Response:
    errors, others = form_errors(problem, _FIELDS) if problem else ({}, [])
    return page(
        request, "user_new.html", status=problem.status if problem else 200,
        fields=fields, errors=errors, others=others, roles=_CHOICES,
    )  # fmt: skip


async def _detail(
    request: Request,
    app: App,
    session: Session,
    id: str,
    *,
    problem: Problem | None = None,
    password: str | None = None,
    fields: Mapping[str, str] | None = None,
) -> Response:
    found = await use.get(app, session.actor, id)
    own = session.user["id"] == id
    may_write = session.actor.may("users:write")
    errors, others = form_errors(problem, _FIELDS) if problem else ({}, [])
    answer = page(
        request, "user.html", status=problem.status if problem else 200,
        it=found, fields=fields or {}, errors=errors, others=others, password=password,
        roles=_CHOICES, words=ROLES[Role(found["role"])], own=own, may_write=may_write,
        may_delegate=found["role"] in APPROVERS and (may_write or own),
        away=await _away(app, session, id, found), deputies=await _deputies(app, session, id),
    )  # fmt: skip
    if password is not None:
        answer.headers["Cache-Control"] = "no-store"
    return answer


async def _away(app: App, session: Session, id: str, found: Mapping[str, Any]) -> Any:
    if found["role"] not in APPROVERS:
        return None
    try:
        return await delegations.get(app, session.actor, id)
    except NotFound:
        return None


async def _deputies(app: App, session: Session, id: str) -> list[tuple[str, str]]:
    """Return who may be named: approvers other than the user, and than who names one for them."""
    if not session.actor.may("users:read"):
        return []
    found = await use.find(app, session.actor, role=sorted(APPROVERS), active=True, limit=MAX_LIMIT)
    out = {id, str(session.user["id"])}
    return [(one["id"], one["name"]) for one in found.items if one["id"] not in out]
