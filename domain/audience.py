"""A selection of recipients as a tree: leaves that name people, and sets of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.contract.audience import ListedMember
from domain.contract.audience_filter import All, AnyOf, Comparison, Not
from domain.sealed_settings import SealedSettings

SETS: Final = ("union", "intersect", "except")
MOST_LEAVES: Final = 200
MOST_LEVELS: Final = 40


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf or a set; `path` is the field of the request that holds its body."""

    path: str


@dataclass(frozen=True, slots=True)
class GroupLeaf(Leaf):
    """The profiles of a group, by its id or, when that is None, its name."""

    id: UUID | None
    name: str


@dataclass(frozen=True, slots=True)
class ModuleLeaf(Leaf):
    """All profiles of a module."""

    key: str


@dataclass(frozen=True, slots=True)
class FilterLeaf(Leaf):
    """The profiles that pass a filter."""

    expression: All | AnyOf | Not | Comparison


@dataclass(frozen=True, slots=True)
class ProfilesLeaf(Leaf):
    """An uploaded list; each entry with its number in the list."""

    ids: tuple[tuple[int, UUID], ...]
    external_ids: tuple[tuple[int, str], ...]
    members: tuple[tuple[int, ListedMember], ...]


@dataclass(frozen=True, slots=True)
class ConnectorLeaf(Leaf):
    """What a connector finds."""

    kind: str
    settings: SealedSettings


@dataclass(frozen=True, slots=True)
class ReferenceLeaf(Leaf):
    """Another audience of the module."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Combination(Leaf):
    """A union, an intersection, or the first part without the others."""

    operation: str
    parts: tuple[Leaf, ...]


def leaves(node: Leaf) -> Iterator[Leaf]:
    """Yield the leaves of a tree, left to right."""
    if isinstance(node, Combination):
        for part in node.parts:
            yield from leaves(part)
    else:
        yield node


def references(node: Leaf) -> Sequence[UUID]:
    """Return the audiences that a tree names, each once, in order."""
    found = (leaf.id for leaf in leaves(node) if isinstance(leaf, ReferenceLeaf))
    return sorted(set(found))


def check_weight(node: Leaf, used: Mapping[UUID, Leaf]) -> None:
    """Raise ValueError for a tree that, with all that it names, is too large or too deep.

    What is named twice weighs twice: each time it is resolved anew.
    """
    if _weight(node, used, {}, 0) > MOST_LEAVES:
        raise ValueError(f"comes to more than {MOST_LEAVES} selections")


def _weight(node: Leaf, used: Mapping[UUID, Leaf], known: dict[UUID, int], level: int) -> int:
    if level > MOST_LEVELS:
        raise ValueError(f"is more than {MOST_LEVELS} levels deep with all that it names")
    if isinstance(node, Combination):
        return sum(_weight(part, used, known, level + 1) for part in node.parts)
    if isinstance(node, ReferenceLeaf) and node.id in used:
        if node.id not in known:
            known[node.id] = _weight(used[node.id], used, known, level + 1)
        return known[node.id]
    return 1


Document = dict[str, Any]
"""A selection as it is written: {kind, <kind>: body}."""
