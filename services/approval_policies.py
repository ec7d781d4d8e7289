"""Policies of approval: business rules of the kind `approval`, read as the domain has them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import Facts, Policy
from domain.errors import FieldError, Invalid
from domain.ids import InvalidId, decode
from domain.rules import RuleKind, binding
from stores import approvals
from stores.rules import of_modules


async def find(conn: AsyncConnection, facts: Facts) -> list[Policy]:
    """Return the enabled policies of a campaign's module and category, of any size."""
    standing = (await of_modules(conn, [facts.module]))[facts.module]
    return [
        Policy(
            name=rule.name,
            approvals=rule.settings["approvals"],
            larger_than=rule.settings["larger_than"],
            approvers=frozenset(decode("usr", one) for one in rule.settings["approvers"]),
            remind_every=_hours(rule.settings.get("remind_every_hours", 24)),
            deadline=_hours(rule.settings.get("deadline_hours")),
        )
        for rule in binding(standing.rules, facts.category, facts.class_)
        if rule.kind is RuleKind.APPROVAL
    ]


async def check_approvers(
    conn: AsyncConnection, kind: RuleKind, settings: Mapping[str, Any]
) -> None:
    """Raise Invalid that names each approver of a policy who may not approve."""
    if kind is not RuleKind.APPROVAL or not settings["approvers"]:
        return
    people = await approvals.find_people(conn)
    errors = []
    for index, given in enumerate(settings["approvers"]):
        try:
            able = decode("usr", given) in people
        except InvalidId:
            able = False
        if not able:
            message = "is no active administrator or approver; /v1/users lists them"
            errors.append(FieldError(f"settings.approvers[{index}]", message))
    if errors:
        raise Invalid(errors=errors)


def _hours(given: int | None) -> timedelta | None:
    return timedelta(hours=given) if given else None
