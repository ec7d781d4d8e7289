"""Groups as providers send and PATCH them: what of it changes, however many members there are.

A group's members are never read to change them: operations fold into sets to be added and taken
out, so that thousands cost two statements.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from domain.contract.base import Line
from domain.contract.profile import GroupName
from domain.scim.documents import converted, is_unassigned
from domain.scim.errors import ScimRefusal, ScimType, invalid_path, invalid_syntax, invalid_value
from domain.scim.expressions import And, Compare, Filter, Op, Or
from domain.scim.filters import parse_target
from domain.scim.patching import Operation, Verb
from domain.scim.schemas import GIVEN_BY_US, GROUP, GROUPS

MOST_EXTERNAL: Final = 255
_LINE: Final = TypeAdapter(Line)
_NAME: Final = TypeAdapter(GroupName)


@dataclass(frozen=True, slots=True)
class Members:
    """A change of members: who comes, who goes; with `emptied` everybody goes who does not come."""

    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    emptied: bool = False

    def add(self, ids: Iterable[str]) -> "Members":
        """Return the change with members added after it."""
        come = frozenset(ids)
        return Members(self.added | come, self.removed - come, self.emptied)

    def remove(self, ids: Iterable[str]) -> "Members":
        """Return the change with members taken out after it."""
        gone = frozenset(ids)
        return Members(self.added - gone, self.removed | gone, self.emptied)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.emptied)


def only(ids: Iterable[str]) -> Members:
    """Return the change after which these are the members."""
    return Members(frozenset(ids), emptied=True)


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What becomes of a group; None leaves the name, "" takes the external id away."""

    name: str | None = None
    external_id: str | None = None
    members: Members = Members()


def group_change(body: Any) -> GroupChange:
    """Return what a whole group says; members that it does not name stay as they are.

    Raises ScimRefusal for a wrong name.
    """
    if not isinstance(body, Mapping):
        raise invalid_syntax("A group is a JSON object.")
    said: dict[str, Any] = {}
    for key, value in body.items():
        name = key.removeprefix(f"{GROUP}:")
        attribute = GROUPS.find(name)
        if attribute is not None:
            said[attribute.name] = value
    members = Members()
    if "members" in said:
        members = only(_ids(said["members"]))
    return GroupChange(_name(said.get("displayName")), _external(said.get("externalId")), members)


def folded(wanted: Sequence[Operation]) -> GroupChange:
    """Return what the operations of a PATCH come to, one after the other; raises ScimRefusal."""
    change = GroupChange()
    for one in wanted:
        if one.path is not None:
            change = _after(change, one.verb, one.path, one.value)
            continue
        if not isinstance(one.value, Mapping):
            raise invalid_value("Without a path the value is a JSON object of attributes.")
        for name, value in one.value.items():
            if name.lower() not in GIVEN_BY_US:
                change = _after(change, one.verb, name, value, by_name=True)
    return change


def _after(
    change: GroupChange, verb: Verb, path: str, value: Any, *, by_name: bool = False
) -> GroupChange:
    target = parse_target(path)
    name = target.path.name.lower() if target.path.urn is None else ""
    if name == "members":
        if target.path.sub not in (None, "value"):
            raise invalid_path("Of members only their value can be changed.")
        members = _moved(change.members, verb, target.filter, value)
        return GroupChange(change.name, change.external_id, members)
    if name == "displayname":
        given = None if verb is Verb.REMOVE else value
        return GroupChange(_name(given), change.external_id, change.members)
    if name == "externalid":
        given = None if verb is Verb.REMOVE else value
        return GroupChange(change.name, _external(given) or "", change.members)
    if name in GIVEN_BY_US:
        raise ScimRefusal(ScimType.MUTABILITY, f"{path} is given by the server.")
    if by_name:
        return change
    raise invalid_path(f"There is no attribute {path[:100]} of a group.")


def _moved(members: Members, verb: Verb, chosen: Filter | None, value: Any) -> Members:
    if chosen is not None:
        ids = _chosen(chosen)
        return members.remove(ids) if verb is Verb.REMOVE else members.add(ids)
    if verb is Verb.ADD:
        return members.add(_ids(value))
    if verb is Verb.REPLACE:
        return only(_ids(value))
    return only([]) if is_unassigned(value) else members.remove(_ids(value))


def _chosen(filter: Filter) -> set[str]:
    """Return the ids that `value eq "…"`, joined by or, names."""
    match filter:
        case Compare(op=Op.EQ) if filter.path.name.lower() == "value":
            return {str(filter.value)}
        case Or():
            return {id for one in filter.parts for id in _chosen(one)}
        case And(parts=(one,)):
            return _chosen(one)
    raise invalid_path('Members are chosen by `value eq "id"`, several of them joined by or.')


def _ids(value: Any) -> list[str]:
    attribute = GROUPS.find("members")
    if attribute is None or is_unassigned(value):
        return []
    given = value if isinstance(value, list) else [value]
    for one in given:
        if isinstance(one, Mapping) and str(one.get("type", "")).lower() == "group":
            raise invalid_value("A group holds users; push the members of the inner group.")
    return [str(one["value"]) for one in converted(attribute, given) or []]


def _name(value: Any) -> str | None:
    """Return a name, None where none is said; raises ScimRefusal for one that cannot be."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0].get("value") if isinstance(value[0], Mapping) else value[0]
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid_value("displayName is a text.")
    try:
        return _NAME.validate_python(value)
    except ValidationError as error:
        raise invalid_value(f"displayName: {_why(error)}.") from None


def _external(value: Any) -> str | None:
    if is_unassigned(value):
        return None
    if not isinstance(value, str) or len(value) > MOST_EXTERNAL:
        raise invalid_value(f"externalId is a text of at most {MOST_EXTERNAL} characters.")
    try:
        return _LINE.validate_python(value)
    except ValidationError as error:
        raise invalid_value(f"externalId: {_why(error)}.") from None


def _why(error: ValidationError) -> str:
    return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
