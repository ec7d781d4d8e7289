"""What business rules say of requests: their words, their priority, and how many come at once."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.category import Category
from domain.errors import Problem
from domain.rules import Rule, binding, priority_of, too_many
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Priority

if TYPE_CHECKING:
    from services.acceptance import Accepted


def choose_priority(
    asked: Priority | str | None,
    template: TemplateVersion | None,
    category: Category,
    bound: Sequence[Rule] = (),
) -> str:
    """Return high for otp; else the request's priority, the template's, the business rule's or
    the category's.
    """
    if category.class_ is CategoryClass.OTP:
        return Priority.HIGH
    given = asked or (template.priority if template else None)
    return given or priority_of(bound) or category.priority


def refuse_crowds(
    rules: Sequence[Rule], accepted: "Sequence[Accepted]", refusal: type[Problem]
) -> "dict[Accepted, Problem]":
    """Return the refusal of each request of one call that goes to more than need no approval."""
    counted = Counter(one.row["category"] for one in accepted)
    found: dict[Accepted, Problem] = {}
    for one in accepted:
        category = one.row["category"]
        rule = too_many(binding(rules, category, one.class_), counted[category])
        if rule is not None:
            found[one] = refusal(
                f"{counted[category]} messages at once break the rule {rule.name}: more than"
                f" {rule.settings['most']} need an approved campaign.",
                slug="approval-required",
            )
    return found
