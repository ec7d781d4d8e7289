"""A kind of message: what it may interrupt, and how its recipients are protected."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from domain.tracking import NO_TRACKING, Tracking
from domain.vocabulary import CategoryClass, Priority


@dataclass(frozen=True, slots=True)
class Category:
    """A category; a mandatory one cannot be refused by its recipients."""

    key: str
    name: str
    class_: CategoryClass
    mandatory: bool
    priority: Priority
    tracking: Tracking = NO_TRACKING


DEFAULT_PRIORITIES: Final = {
    CategoryClass.OTP: Priority.HIGH,
    CategoryClass.TRANSACTIONAL: Priority.MEDIUM,
    CategoryClass.BULK: Priority.LOW,
    CategoryClass.MARKETING: Priority.LOW,
}
"""The priority of a category that names none, by its class."""

PRESET: Final = frozenset(CategoryClass)
"""One category per class is always there; its key is the class."""


def category_as(key: str, class_: CategoryClass, known: Mapping[str, Category]) -> Category:
    """Return a category as it is now, with the class under which a message was accepted."""
    if key in known:
        return replace(known[key], class_=class_)
    return Category(key, key, class_, mandatory=False, priority=DEFAULT_PRIORITIES[class_])
