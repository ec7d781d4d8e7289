"""Business rules: what each demands, tried on past messages, switched on and off."""

import json
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.rendering import page, see_other
from domain.contract.rule import RulePatch, RuleTry
from domain.errors import Invalid
from domain.rules import RuleKind
from services import rule_trials
from services import rules as use
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/rules")

DAYS: Final = 30
KINDS: Final = {
    RuleKind.HOURS: "allowed hours",
    RuleKind.AUDIENCE: "largest audience",
    RuleKind.BANNED_WORDS: "banned words",
    RuleKind.FOOTER: "required footer",
    RuleKind.SENDER: "senders",
    RuleKind.ATTACHMENTS: "attachments",
    RuleKind.PRIORITY: "priority",
    RuleKind.APPROVAL: "approvals of campaigns",
}


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List the rules of all modules."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    return page(request, "rules.html", items=found.items, older=found.next_cursor, kinds=KINDS)


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a rule with what it would have done in the last days."""
    found = await use.get(app, session.actor, id)
    tried: dict[str, Any] | None = None
    if "try" in request.query_params:
        try:
            tried = await rule_trials.try_rule(app, session.actor, id, RuleTry(days=DAYS))
        except Invalid as problem:
            tried = {"refused": problem.detail}
    return page(
        request, "rule.html", it=found, words=KINDS[RuleKind(found["kind"])], tried=tried,
        settings=json.dumps(found["settings"], indent=2, ensure_ascii=False), days=DAYS,
        may_write=session.actor.may("rules:write"),
    )  # fmt: skip


@router.post("/{id}")
async def switch(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Switch a rule on or off; raises Stale when it was changed meanwhile."""
    version = fields.get("version", "")
    seen = int(version) if version.isdecimal() and len(version) < 10 else 0
    enabled = fields.get("enabled") == "yes"
    await use.change(app, session.actor, id, RulePatch(enabled=enabled), seen)
    return see_other(f"/rules/{id}", flash="The rule is on." if enabled else "The rule is off.")
