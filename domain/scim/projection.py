"""Which attributes of a resource are answered (RFC 7644 §3.9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.scim.expressions import Path
from domain.scim.filters import parse_target

_ALWAYS: Final = frozenset({"schemas", "id"})


@dataclass(frozen=True, slots=True)
class Projection:
    """`wanted` None means all; then `excluded` are left out."""

    wanted: tuple[Path, ...] | None = None
    excluded: tuple[Path, ...] = ()

    @classmethod
    def read(cls, attributes: str | None, excluded: str | None) -> "Projection":
        """Return what two parameters ask for; raises ScimRefusal for names that are none."""
        wanted = _paths(attributes)
        return cls(wanted or None, () if wanted else _paths(excluded))

    def asks_for(self, name: str) -> bool:
        """Whether an attribute of the core schema is answered, at least in part."""
        if self.wanted is not None:
            return any(_named(one, name) for one in self.wanted)
        return not any(_named(one, name) and one.sub is None for one in self.excluded)

    def of(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return a resource with what is asked for; `schemas` and `id` are always there."""
        if self.wanted is None:
            return {
                name: left
                for name, value in resource.items()
                if (left := self._left(name, value)) is not None
            }
        found: dict[str, Any] = {}
        for name, value in resource.items():
            asked = [one for one in self.wanted if _leads_into(one, name)]
            if name in _ALWAYS or any(_is_all(one, name) for one in asked):
                found[name] = value
            elif asked:
                found[name] = _only(value, {_inside(one).lower() for one in asked})
        return found

    def _left(self, name: str, value: Any) -> Any:
        hit = [one for one in self.excluded if _leads_into(one, name)]
        if name in _ALWAYS or not hit:
            return value
        if any(_is_all(one, name) for one in hit):
            return None
        return _without(value, {_inside(one).lower() for one in hit})


def _paths(names: str | None) -> tuple[Path, ...]:
    listed = (one.strip() for one in (names or "").split(","))
    return tuple(parse_target(one).path for one in listed if one)


def _named(path: Path, name: str) -> bool:
    return path.urn is None and path.name.lower() == name.lower()


def _leads_into(path: Path, key: str) -> bool:
    return path.urn.lower() == key.lower() if path.urn else path.name.lower() == key.lower()


def _is_all(path: Path, key: str) -> bool:
    return not path.name if path.urn else path.sub is None and _leads_into(path, key)


def _inside(path: Path) -> str:
    return path.name if path.urn else path.sub or ""


def _only(value: Any, names: set[str]) -> Any:
    if isinstance(value, list):
        return [_only(one, names) for one in value]
    if isinstance(value, Mapping):
        return {name: one for name, one in value.items() if name.lower() in names}
    return value


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, list):
        return [_without(one, names) for one in value]
    if isinstance(value, Mapping):
        return {name: one for name, one in value.items() if name.lower() not in names}
    return value
