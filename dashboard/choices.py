"""What the lists of forms offer: pairs of (value, words), the first one for none."""

from collections.abc import Iterable
from enum import StrEnum

from services import categories, modules
from services.access import Actor
from services.app import App
from services.paging import MAX_LIMIT

Choices = list[tuple[str, str]]


def words_of(kind: Iterable[StrEnum], none: str | None = None) -> Choices:
    """Return the words of a closed set; `none` is what an empty choice is called."""
    return _with(none, [(one.value, one.value) for one in kind])


async def categories_of(app: App, actor: Actor, none: str, *, classes: bool = False) -> Choices:
    """Return the categories by key, with their class where that helps to choose."""
    found = (await categories.find(app, actor, limit=MAX_LIMIT)).items
    named = [
        (one["key"], f"{one['name']} ({one['class']})" if classes else one["name"]) for one in found
    ]
    return _with(none, sorted(named))


async def modules_of(app: App, actor: Actor, none: str) -> Choices:
    """Return the modules by key."""
    found = (await modules.find(app, actor)).items
    return _with(none, sorted((one["key"], one["name"]) for one in found))


async def owners_of(app: App, actor: Actor) -> Choices:
    """Return the modules by key, one of which a new thing is to belong to."""
    return (await modules_of(app, actor, ""))[1:]


def _with(none: str | None, found: Choices) -> Choices:
    return found if none is None else [("", none), *found]
