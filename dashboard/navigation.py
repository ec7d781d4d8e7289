"""What the navigation lists: groups of pages, of which each is one line here.

A wide window shows every group with its heading at the side. A narrow one shows the groups alone
as a bar at the bottom, each of which opens its pages; so there are at most five.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.access import Actor


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation; with `needs` only whoever has that scope sees it."""

    href: str
    icon: str
    word: str
    needs: str | None = None

    def holds(self, path: str) -> bool:
        """Whether a path is this page or one below it."""
        return path == self.href or (self.href != "/" and path.startswith(f"{self.href}/"))


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that belong together; `key` names the group in the page's markup."""

    key: str
    icon: str
    word: str
    entries: tuple[Entry, ...]


GROUPS: Final = (
    Group("messages", "bell", "Messages", (
        Entry("/", "overview", "Overview"),
        Entry("/notifications", "list", "Notifications"),
        Entry("/compose", "pencil", "Compose"),
        Entry("/campaigns", "megaphone", "Campaigns"),
        Entry("/schedules", "clock", "Schedules"),
        Entry("/triggers", "arrow", "Triggers"),
    )),
    Group("people", "people", "People", (
        Entry("/profiles", "user", "Profiles"),
        Entry("/groups", "people", "Groups"),
        Entry("/audiences", "audience", "Audiences"),
        Entry("/imports", "upload", "Imports"),
        Entry("/rotas", "phone", "Rotas"),
        Entry("/suppressions", "minus", "Suppressions"),
    )),
    Group("content", "page", "Content", (
        Entry("/templates", "chat", "Templates"),
        Entry("/partials", "piece", "Partials"),
        Entry("/categories", "tag", "Categories"),
        Entry("/rules", "shield", "Rules"),
        Entry("/modules", "module", "Modules"),
    )),
    Group("operations", "pulse", "Operations", (
        Entry("/vendors", "plug", "Vendors"),
        Entry("/dead-letters", "cross", "Dead letters"),
        Entry("/outbox", "inbox", "Outbox"),
    )),
    Group("settings", "sliders", "Settings", (
        Entry("/users", "users", "Users", needs="users:read"),
        Entry("/audit", "book", "Audit", needs="audit:read"),
        Entry("/account", "lock", "Account"),
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A group as one user sees it on one page; `current` is the address of the page's entry."""

    group: Group
    entries: tuple[Entry, ...]
    current: str | None


def navigation(path: str, actor: Actor) -> list[Shown]:
    """Return the groups with the entries that the actor may open, the page's own one marked."""
    return list(_shown(path, actor))


def _shown(path: str, actor: Actor) -> Iterator[Shown]:
    for group in GROUPS:
        entries = tuple(one for one in group.entries if one.needs is None or actor.may(one.needs))
        holding = [one.href for one in entries if one.holds(path)]
        if entries:
            yield Shown(group, entries, max(holding, key=len, default=None))
