"""Vendor accounts: does each of them work, and the last hour of one."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, seen_version
from dashboard.rendering import page, see_other
from dashboard.vendor_bars import GROUPS, bars
from dashboard.vendor_inputs import by_country, settings_inputs
from dashboard.vendor_tests import trial_inputs, try_account
from dashboard.vendor_words import facts, judge, pace, standing
from domain.errors import Invalid, NotFound, Problem
from domain.vocabulary import Channel
from services import account_health, accounts
from services import vendors as kinds
from services.access import Actor, Session
from services.app import App

router = APIRouter(prefix="/vendors")


@router.get("")
async def show_list(request: Request, app: Console, session: Signed) -> Response:
    """List the accounts by channel, in the order in which routing takes them."""
    found = await account_health.find(app, session.actor)
    channels = [(name, list(group)) for name, group in groupby(found, lambda one: one["channel"])]
    return page(
        request, "vendors.html",
        channels=channels, verdict=judge(found), standing=standing, pace=pace,
        by_country=by_country,
        titles={one["name"]: one["title"] for one in kinds.find(session.actor)},
        may_write=session.actor.may("accounts:write"),
    )  # fmt: skip


@router.get("/{id}")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Tell how an account does, and what it is."""
    return await _page(request, app, session, await accounts.get(app, session.actor, id))


@router.post("/{id}/test")
async def try_it(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Send one message over the account, and tell what came of it."""
    account = await accounts.get(app, session.actor, id)
    try:
        tried = await try_account(app, session.actor, account, fields)
    except Invalid as problem:
        return await _page(request, app, session, account, fields, problem=problem)
    return await _page(request, app, session, account, fields, tried=tried)


@router.post("/{id}/pause")
async def pause(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Leave an account alone."""
    await accounts.pause(app, session.actor, id, paused=True)
    return see_other(f"/vendors/{id}", flash="Paused. Nothing goes over it until it is resumed.")


@router.post("/{id}/resume")
async def resume(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Use a paused account again."""
    await accounts.pause(app, session.actor, id, paused=False)
    return see_other(f"/vendors/{id}", flash="Resumed. It is used again within seconds.")


@router.post("/{id}/remove")
async def remove(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Remove an account, unless it was changed since the page was read."""
    found = await accounts.get(app, session.actor, id)
    await accounts.remove(app, session.actor, id, seen_version(fields))
    return see_other("/vendors", flash=f"{found['name']} is removed.")


def kind_or_none(actor: Actor, name: str) -> dict[str, Any] | None:
    """Return a vendor, None when it is not installed any more."""
    try:
        return kinds.get(actor, name)
    except NotFound:
        return None


async def _page(
    request: Request,
    app: App,
    session: Session,
    account: Mapping[str, Any],
    fields: Mapping[str, str] | None = None,
    *,
    problem: Problem | None = None,
    tried: Mapping[str, Any] | None = None,
) -> Response:
    health = await account_health.get(app, session.actor, account["id"])
    kind = kind_or_none(session.actor, account["vendor"])
    inputs = trial_inputs(account["channel"])
    errors, others = form_errors(problem, {one.name for one in inputs}) if problem else ({}, [])
    may_write = session.actor.may("accounts:write")
    if fields is None:
        mail = account["channel"] == Channel.EMAIL
        fields = {"address": str(session.user["email"])} if mail else {}
    return page(
        request, "vendor.html", status=problem.status if problem else 200,
        it=account, health=health, standing=standing, pace=pace(health), kind=kind,
        settings=facts(settings_inputs(kind["settings"]), account) if kind else [],
        bars=bars(health["minutes"], health["as_of"]), groups=GROUPS, kinds=account_health.KINDS,
        inputs=inputs, fields=fields, errors=errors, others=others, tried=tried,
        may_write=may_write, alone=may_write and await _alone(app, session.actor, account),
    )  # fmt: skip


async def _alone(app: App, actor: Actor, account: Mapping[str, Any]) -> bool:
    """Whether no other account of its channel is in use."""
    found = await account_health.find(app, actor, [account["channel"]])
    return not any(one["in_use"] for one in found if one["id"] != account["id"])
