"""Business rules as data: which bind a message, and what priority and batches get from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.vocabulary import CategoryClass, Priority


class RuleKind(StrEnum):
    """What a rule is about; each kind has settings of its own (domain/contract/rule.py)."""

    HOURS = "hours"
    AUDIENCE = "audience"
    BANNED_WORDS = "banned_words"
    FOOTER = "footer"
    SENDER = "sender"
    ATTACHMENTS = "attachments"
    PRIORITY = "priority"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a module, or of all; without a category it binds every category."""

    name: str
    kind: RuleKind
    category: str | None
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """Which rule a field of the words breaks, such as `content.sms.text`, and how."""

    rule: str
    field: str
    message: str

    @property
    def told(self) -> str:
        """What the caller is told: the rule's name, and how to mend it."""
        return f"breaks the rule {self.rule}: {self.message}"


def binding(rules: Sequence[Rule], category: str, class_: CategoryClass) -> list[Rule]:
    """Return the rules that bind a message, in the order of their names.

    A one-time password is bound only by rules that name its category: a code that waits for
    office hours, or is refused for a footer, is of no use.
    """
    found = [
        one
        for one in rules
        if one.category == category or (one.category is None and class_ is not CategoryClass.OTP)
    ]
    return sorted(found, key=lambda one: one.name)


def priority_of(rules: Sequence[Rule]) -> Priority | None:
    """Return the priority that the business gives: a rule that names the category goes first."""
    found = [one for one in rules if one.kind is RuleKind.PRIORITY]
    found.sort(key=lambda one: one.category is None)
    return Priority(found[0].settings["priority"]) if found else None


def too_many(rules: Sequence[Rule], number: int) -> Rule | None:
    """Return the first rule by which so many recipients need an approval, if any."""
    found = (one for one in rules if one.kind is RuleKind.AUDIENCE)
    return next((one for one in found if number > one.settings["most"]), None)
