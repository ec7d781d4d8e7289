"""PATCH of a user (RFC 7644 §3.5.2), with the habits of Entra: operations in capitals, booleans as
text, dotted and bracketed names where no path is given, `replace` of what is not there yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from domain.scim.documents import (
    Document,
    checked,
    converted,
    is_unassigned,
    put,
    put_in_extension,
    schema_of,
)
from domain.scim.errors import ScimRefusal, ScimType, invalid_path, invalid_syntax, invalid_value
from domain.scim.expressions import Filter, Path, Target
from domain.scim.filters import parse_target
from domain.scim.matching import implied, inner, matches
from domain.scim.schemas import GIVEN_BY_US, NOT_KEPT, Attribute, find

MOST_OPERATIONS: Final = 1_000
_ALL: Final = Path("")
"""No path, or the core schema as a whole: the value names the attributes."""


class Verb(StrEnum):
    """What an operation does."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; without a path its value names what it is about."""

    verb: Verb
    path: str | None
    value: Any = None


def operations(body: Any) -> list[Operation]:
    """Return the operations of a PatchOp; raises ScimRefusal for what is none."""
    listed = inner(body, "Operations") if isinstance(body, Mapping) else None
    if not isinstance(listed, list) or not listed:
        raise invalid_syntax("A PATCH has a list of Operations.")
    if len(listed) > MOST_OPERATIONS:
        raise invalid_syntax(f"A PATCH may have {MOST_OPERATIONS:,} Operations.")
    return [_operation(one, number) for number, one in enumerate(listed)]


def _operation(given: Any, number: int) -> Operation:
    here = f"Operations[{number}]"
    if not isinstance(given, Mapping):
        raise invalid_syntax(f"{here} is a JSON object.")
    verb, path = inner(given, "op"), inner(given, "path")
    if not isinstance(verb, str) or verb.lower() not in set(Verb):
        raise invalid_syntax(f"{here}.op is add, replace or remove.")
    if path is not None and not isinstance(path, str):
        raise invalid_path(f"{here}.path is a text.")
    found = Operation(Verb(verb.lower()), path or None, inner(given, "value"))
    if found.verb is Verb.REMOVE and found.path is None:
        raise ScimRefusal(ScimType.NO_TARGET, f"{here} removes, so it needs a path.")
    return found


def patched(document: Document, wanted: Sequence[Operation]) -> Document:
    """Return a user with operations applied one after the other; the given one stays as it is.

    Raises ScimRefusal; then nothing of it holds.
    """
    result = deepcopy(document)
    for one in wanted:
        target = Target(_ALL) if one.path is None else parse_target(one.path)
        if target.path != _ALL:
            _apply(result, one.verb, target, one.value)
            continue
        if one.verb is Verb.REMOVE:
            raise invalid_path("A user is removed by DELETE.")
        for target, value in _named(one.value):
            _apply(result, one.verb, target, value, by_name=True)
    return checked(result)


def _named(value: Any) -> Iterator[tuple[Target, Any]]:
    if not isinstance(value, Mapping):
        raise invalid_value("Without a path the value is a JSON object of attributes.")
    for name, one in value.items():
        target = parse_target(name)
        if target.path.name or not isinstance(one, Mapping):
            yield target, one
            continue
        urn = target.path.urn  # a whole extension: each of its attributes by itself
        for inner_name, inner_value in one.items():
            named = parse_target(inner_name)
            yield Target(Path(named.path.name, named.path.sub, urn), named.filter), inner_value


def _apply(
    document: Document, verb: Verb, target: Target, value: Any, *, by_name: bool = False
) -> None:
    path = target.path
    schema = schema_of(path.urn)
    if schema is None or not path.name:
        _apply_to_extension(document, verb, path, value)
        return
    if path.urn is None and path.name.lower() in GIVEN_BY_US:
        if not by_name:
            raise ScimRefusal(ScimType.MUTABILITY, f"{path.name} is given by the server.")
        return
    attribute = schema.find(path.name)
    if attribute is None:
        if path.name.lower() in NOT_KEPT or by_name:
            return
        raise invalid_path(f"There is no attribute {path} of a user.")
    if not attribute.writable:
        if not by_name:
            raise ScimRefusal(ScimType.MUTABILITY, f"{attribute.name} is given by the server.")
        return
    held = document if path.urn is None else document.setdefault(path.urn, {})
    _change(held, verb, attribute, Target(path, target.filter), value)
    if path.urn and not held:
        del document[path.urn]
    if "userName" not in document:
        raise invalid_value("userName cannot be taken away.")


def _change(held: Document, verb: Verb, attribute: Attribute, target: Target, value: Any) -> None:
    sub = _sub(attribute, target.path.sub)
    if attribute.multi:
        listed = [dict(one) for one in held.get(attribute.name) or []]
        put(held, attribute, _many(listed, verb, attribute, target.filter, sub, value))
        return
    if target.filter is not None:
        raise invalid_path(f"{attribute.name} has one value, so nothing can be chosen of it.")
    if verb is Verb.REMOVE:
        value = None
    if sub is not None:
        whole = {**(held.get(attribute.name) or {}), sub.name: value}
        put(held, attribute, whole)
        return
    if verb is Verb.ADD and is_unassigned(value):
        return
    if attribute.type == "complex" and isinstance(value, Mapping) and value:
        value = {**(held.get(attribute.name) or {}), **(converted(attribute, value) or {})}
    put(held, attribute, value)


def _many(
    listed: list[Document],
    verb: Verb,
    attribute: Attribute,
    chosen: Filter | None,
    sub: Attribute | None,
    value: Any,
) -> list[Document]:
    """Return the values of a multi-valued attribute after an operation."""
    if chosen is None and sub is None:
        given = converted(attribute, value) or []
        if verb is Verb.REPLACE:
            return _one_primary([], given)
        if verb is Verb.ADD:
            return _one_primary(listed, [one for one in given if one not in listed])
        gone = [one.get("value") for one in given]  # Entra: remove with the values to be removed
        return [one for one in listed if given and one.get("value") not in gone]
    hit = [one for one in listed if chosen is None or matches(chosen, one)]
    if verb is Verb.REMOVE:
        return _without(listed, hit, sub)
    if not hit:
        return [*listed, _new(attribute, chosen, sub, value)]
    changed = [_with(attribute, one, chosen, sub, value) for one in hit]
    fresh = {id(old): new for old, new in zip(hit, changed, strict=True)}
    promoted = any(new.get("primary") for new in changed)
    return [fresh.get(id(one)) or _demoted(one, promoted) for one in listed]


def _without(listed: list[Document], hit: list[Document], sub: Attribute | None) -> list[Document]:
    if sub is None:
        return [one for one in listed if all(one is not other for other in hit)]
    for one in hit:
        one.pop(sub.name, None)
    return listed


def _new(
    attribute: Attribute, chosen: Filter | None, sub: Attribute | None, value: Any
) -> Document:
    """Return the value that an operation on none that is there makes; raises ScimRefusal."""
    said = {} if chosen is None else implied(chosen)
    if said is None:
        raise ScimRefusal(ScimType.NO_TARGET, f"The path chooses nothing of {attribute.name}.")
    return _with(attribute, {}, chosen, sub, value)


def _with(
    attribute: Attribute, old: Document, chosen: Filter | None, sub: Attribute | None, value: Any
) -> Document:
    said = (implied(chosen) if chosen is not None else None) or {}
    if sub is not None:
        merged = {**said, **old, sub.name: value}
    else:
        merged = {**said, **((converted(attribute, value) or [{}])[0])}
    [found] = converted(attribute, merged) or [{}]
    return dict(found)


def _one_primary(listed: list[Document], given: list[Document]) -> list[Document]:
    """Return both together; where a new value is the primary one, no old one is (§3.5.2)."""
    promoted = any(one.get("primary") for one in given)
    return [*(_demoted(one, promoted) for one in listed), *given]


def _demoted(one: Document, promoted: bool) -> Document:
    return {**one, "primary": False} if promoted and one.get("primary") else one


def _sub(attribute: Attribute, name: str | None) -> Attribute | None:
    if name is None:
        return None
    found = find(attribute.sub, name)
    if found is None:
        raise invalid_path(f"{attribute.name} has no part {name}.")
    return found


def _apply_to_extension(document: Document, verb: Verb, path: Path, value: Any) -> None:
    """Change an extension that nobody described, or a whole one."""
    urn = path.urn or ""
    if path.name:
        if path.sub:
            raise invalid_path(f"{path} leads into what nobody described.")
        if verb is Verb.ADD and is_unassigned(value):
            return
        put_in_extension(document, urn, path.name, None if verb is Verb.REMOVE else value)
        return
    if verb is Verb.REMOVE:
        document.pop(urn, None)
        return
    if not isinstance(value, Mapping):
        raise invalid_value(f"{urn} is a JSON object.")
    for name, one in value.items():
        put_in_extension(document, urn, name, one)
