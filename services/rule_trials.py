"""Trying a rule on what was asked for before it is switched on: what it would have stopped."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from channels.rendering import RenderFailed, render
from domain.contract.rule import RuleRequest, RuleTry
from domain.errors import Invalid
from domain.ids import encode, floor_id
from domain.preference_links import with_examples
from domain.rules import Rule, RuleKind, binding, priority_of
from domain.rules_content import violations, with_footers
from domain.rules_hours import hold_until
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Channel, ModuleScope
from services.access import Actor
from services.app import App
from services.modules import owner_of
from services.rules import checked_settings, find_row
from services.times import stamp
from stores import notifications, profiles, templates
from stores.rules import rule_of

MOST: Final = 2_000
"""Notifications that are looked at, newest first."""
MOST_SAMPLES: Final = 20
_TOGETHER: Final = 50


async def try_rule(app: App, actor: Actor, id_text: str, request: RuleTry) -> dict[str, Any]:
    """Return {examined, affected, effect, samples, more} of a rule over the last days.

    `effect` is what would have happened: refused, held, or another priority. Nothing is changed,
    whether the rule is enabled or not. Raises NotFound, Invalid for a rule of campaigns.
    """
    actor.require("rules:read")
    actor.require("notifications:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
    return await _tried(app, actor, rule_of(row), row.module_id, request.days)


async def try_draft(
    app: App, actor: Actor, draft: RuleRequest, request: RuleTry, *, module: str | None = None
) -> dict[str, Any]:
    """Try a rule that is not kept; returns and raises what `try_rule` does, and Invalid for its
    settings. `module` (id or key) is for actors of all modules.
    """
    actor.require("rules:write")
    actor.require("notifications:read")
    actor.require_reach(draft.scope)
    settings = checked_settings(draft.kind, draft.settings)
    rule = Rule(draft.name, draft.kind, draft.category, settings)
    async with app.db.leader() as conn:
        every = draft.scope is ModuleScope.ALL
        owner = None if every else await owner_of(conn, actor, module)
    return await _tried(app, actor, rule, owner, request.days)


async def _tried(
    app: App, actor: Actor, rule: Rule, owner: UUID | None, days: int
) -> dict[str, Any]:
    if rule.kind in (RuleKind.AUDIENCE, RuleKind.APPROVAL):
        raise Invalid.field("kind", "is about campaigns and batches, not about one message")
    since = datetime.now(UTC) - timedelta(days=days)
    conditions: dict[str, Any] = {"since": floor_id(since)}
    module = owner or (None if actor.all_modules else actor.module_id)
    if module is not None:
        conditions["module_id"] = module
    if rule.category is not None:
        conditions["categories"] = [rule.category]
    async with app.db.leader() as conn:
        rows = await notifications.find(conn, conditions, most=MOST + 1)
        past = rows[:MOST]
        keys = sorted({(n.template_id, n.template_version) for n in past if n.content is None})
        versions = await templates.load_versions(conn, keys) if keys else {}
        ids = sorted({n.profile_id for n in past if n.profile_id})
        people = await profiles.load_recipients(conn, ids) if ids else {}
    zones = {id: one.timezone for id, one in people.items()}
    found = await _samples(rule, past, versions, zones)
    return {
        "examined": len(past),
        "affected": len(found),
        "effect": _EFFECTS.get(rule.kind, "refused"),
        "samples": found[:MOST_SAMPLES],
        "more": len(rows) > MOST,
    }


_EFFECTS: Final = {RuleKind.HOURS: "held", RuleKind.PRIORITY: "priority"}


async def _samples(
    rule: Rule,
    past: Sequence[Any],
    versions: Mapping[Any, TemplateVersion],
    zones: Mapping[Any, str | None],
) -> list[dict[str, Any]]:
    found = []
    for number, row in enumerate(past):
        if number % _TOGETHER == 0:
            await asyncio.sleep(0)  # others are served meanwhile
        bound = binding([rule], row.category, CategoryClass(row.class_))
        told = _told(bound, row, versions, zones) if bound else None
        if told is not None:
            asked = encode("ntf", row.id)
            found.append({"notification": asked, "at": stamp(row.created_at), **told})
    return found


def _told(
    bound: list[Rule],
    row: Any,
    versions: Mapping[Any, TemplateVersion],
    zones: Mapping[Any, str | None],
) -> dict[str, Any] | None:
    """Return what the rule would have made of a notification, None for nothing."""
    match bound[0].kind:
        case RuleKind.HOURS:
            zone = zones.get(row.profile_id) if row.profile_id else row.recipient.get("timezone")
            moment = row.send_at or row.created_at
            held = hold_until(bound, moment, zone, latest=row.expires_at)
            return {"until": stamp(held[0])} if held else None
        case RuleKind.PRIORITY:
            given = priority_of(bound)
            return {"priority": given} if given != row.priority else None
        case _:
            return _broken(bound, row, versions)


def _broken(
    bound: list[Rule], row: Any, versions: Mapping[Any, TemplateVersion]
) -> dict[str, Any] | None:
    words = row.content
    if words is None:
        words = versions[(row.template_id, row.template_version)].content_for(None)
    else:
        words = with_footers(bound, words)
    for name in row.channels:
        if words.get(name) is None:
            continue
        channel = Channel(name)
        try:
            rendered = render(channel, words[name], with_examples(row.data))
        except RenderFailed:
            continue
        broken = violations(bound, channel, rendered)
        if broken:
            return {"field": broken[0].field, "message": broken[0].message}
    return None
