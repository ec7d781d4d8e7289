"""Filters and paths of SCIM, taken apart (RFC 7644 §3.4.2.2, §3.5.2)."""

from dataclasses import dataclass
from enum import StrEnum

Value = str | int | float | bool | None


class Op(StrEnum):
    """What is compared, and how."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    PR = "pr"


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute: of the core schema where `urn` is None, `sub` of a complex one.

    `name` is empty where a whole extension is meant.
    """

    name: str
    sub: str | None = None
    urn: str | None = None

    def __str__(self) -> str:
        inner = f"{self.name}.{self.sub}" if self.sub else self.name
        return ":".join(part for part in (self.urn, inner) if part)


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison; with `pr` there is no value."""

    path: Path
    op: Op
    value: Value = None


@dataclass(frozen=True, slots=True)
class Some:
    """One and the same of an attribute's values meets all of a filter."""

    path: Path
    filter: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """Each is true."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """One is true."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """It is not true."""

    part: "Filter"


Filter = Compare | Some | And | Or | Not


@dataclass(frozen=True, slots=True)
class Target:
    """What an operation of a PATCH is about: `attr`, `attr.sub`, `attr[filter]`,
    `attr[filter].sub`.
    """

    path: Path
    filter: Filter | None = None
