"""Filters of SCIM as SQL: fragments are constants, every value is a parameter.

`id`, `externalId`, `userName` and `emails.value` are looked up by indexes where they are compared
by eq; all else reads the profiles of the module.
"""

# ruff: noqa: S608 - only constants are put together

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.ids import InvalidId, decode
from domain.scim.errors import ScimRefusal, invalid_filter
from domain.scim.filters import And, Compare, Filter, Not, Op, Or, Path, Some, Value
from domain.scim.matching import as_boolean
from domain.scim.schemas import ENTERPRISES, GROUPS, USERS, Attribute, Schema, find

_SIGNS: Final = {Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}
_LOGIN: Final = "coalesce(p.user_name, p.email, p.external_id)"
_OWN_LISTS: Final = {"emails": ("p.email", "work"), "phoneNumbers": ("p.phone", "mobile")}
"""What stands for a list where nothing was pushed: a column, and the type of its value."""
_OWN_TEXTS: Final = {"displayName": "p.name", "locale": "p.locale", "timezone": "p.timezone"}
_IN_GROUP: Final = "EXISTS (SELECT 1 FROM profile_groups pg WHERE pg.profile_id = p.id"
_HAS_MEMBER: Final = "EXISTS (SELECT 1 FROM profile_groups pg WHERE pg.group_id = g.id"


class Conditions:
    """Translates filters over one kind of resource; `binds` are the parameters so far."""

    def __init__(self, schema: Schema, columns: Mapping[str, str]) -> None:
        self._schema = schema
        self._columns = columns
        self.binds: dict[str, Any] = {}

    def of(self, filter: Filter) -> str:
        """Return a condition that is true or false, never NULL; raises ScimRefusal."""
        match filter:
            case And():
                return "(" + " AND ".join(self.of(one) for one in filter.parts) + ")"
            case Or():
                return "(" + " OR ".join(self.of(one) for one in filter.parts) + ")"
            case Not():
                return f"(NOT {self.of(filter.part)})"
            case Compare(op=Op.NE):
                return f"(NOT {self.of(Compare(filter.path, Op.EQ, filter.value))})"
            case Compare():
                return f"coalesce({self.compare(filter)}, false)"
            case Some():
                return self.some(filter)

    def compare(self, one: Compare) -> str:
        """Return a comparison, which may be NULL."""
        name = self._name(one.path)
        if name == "id":
            return self._on_id("p" if self._schema is USERS else "g", one)
        if name in ("meta.created", "meta.lastModified"):
            return self._on_moment(self._columns[name], one)
        if name in self._columns:
            return self.on_text(self._columns[name], one)
        raise self._unknown(one.path)

    def some(self, one: Some) -> str:
        """Return that one value of a list meets a filter."""
        raise self._unknown(one.path)

    def bind(self, value: Any, kind: str) -> str:
        """Return the parameter that stands for a value."""
        name = f"f{len(self.binds)}"
        self.binds[name] = value
        return f"CAST(:{name} AS {kind})"

    def on_text(self, text: str, one: Compare, *, exact: bool = False) -> str:
        """Return a comparison of a text, whatever its case unless `exact`."""
        if one.op is Op.PR:
            return f"{text} <> ''"
        if one.value is None and one.op is Op.EQ:
            return f"coalesce({text}, '') = ''"
        if not isinstance(one.value, str):
            if one.op is not Op.EQ or one.value is None:
                raise invalid_filter(f"{one.path} is a text; compare it with one.")
            return f"{text} = {self.bind(str(one.value), 'text')}"
        value, compared = one.value, text
        if not exact:
            value, compared = value.lower(), f"lower({text})"
        bound = self.bind(value, "text")
        match one.op:
            case Op.EQ:
                return f"{compared} = {bound}"
            case Op.CO:
                return f"strpos({compared}, {bound}) > 0"
            case Op.SW:
                return f"starts_with({compared}, {bound})"
            case Op.EW:
                return f"right({compared}, length({bound})) = {bound}"
            case _:
                return f'{compared} COLLATE "C" {_SIGNS[one.op]} {bound}'

    def on_ids(self, prefix: str, column: str, one: Compare) -> str:
        """Return that a column is an id; what is no id equals nothing."""
        if one.op is not Op.EQ or not isinstance(one.value, str):
            raise invalid_filter(f"{one.path} is compared by eq with an id.")
        try:
            return f"{column} = {self.bind(decode(prefix, one.value), 'uuid')}"
        except InvalidId:
            return "false"

    def _on_id(self, table: str, one: Compare) -> str:
        if one.op is Op.PR:
            return "true"
        return self.on_ids("prf" if table == "p" else "grp", f"{table}.id", one)

    def _on_moment(self, column: str, one: Compare) -> str:
        if one.op is Op.PR:
            return "true"
        try:
            moment = datetime.fromisoformat(str(one.value))
        except ValueError:
            raise invalid_filter(f"{one.path} is compared with a time.") from None
        sign = "=" if one.op is Op.EQ else _SIGNS.get(one.op)
        if moment.tzinfo is None or sign is None:
            raise invalid_filter(f"{one.path} is compared by eq, gt, ge, lt, le with a time.")
        return f"{column} {sign} {self.bind(moment, 'timestamptz')}"

    def _name(self, path: Path) -> str:
        """Return a path of the core schema in the schema's case."""
        if path.urn is not None:
            return str(path)
        low = str(path).lower()
        for known in ("id", "meta.created", "meta.lastModified"):
            if low == known.lower():
                return known
        attribute = self._schema.find(path.name)
        if attribute is None:
            return low
        sub = find(attribute.sub, path.sub) if path.sub else None
        if path.sub and sub is None:
            return low
        return f"{attribute.name}.{sub.name}" if sub else attribute.name

    def _unknown(self, path: Path) -> ScimRefusal:
        return invalid_filter(f"{self._schema.name}s cannot be filtered by {path}.")


class UserConditions(Conditions):
    """Filters over users: profiles `p`."""

    def __init__(self) -> None:
        super().__init__(
            USERS, {"meta.created": "p.created_at", "meta.lastModified": "p.updated_at"}
        )

    def compare(self, one: Compare) -> str:
        """Return a comparison, which may be NULL."""
        name = self._name(one.path)
        match name:
            case "userName":
                return self._on_login(one)
            case "externalId":
                return self.on_text("p.external_id", one, exact=True)
            case "active":
                return self._on_active(one)
            case "groups" | "groups.value":
                if one.op is Op.PR:
                    return f"{_IN_GROUP})"
                return f"{_IN_GROUP} AND {self.on_ids('grp', 'pg.group_id', one)})"
        if one.path.urn is not None:
            return self._on_extension(one)
        attribute = USERS.find(one.path.name)
        if attribute is None:
            return super().compare(one)
        if attribute.multi:
            return self._on_list(attribute, one)
        if (attribute.type == "complex") != ("." in name):
            raise self._unknown(one.path)
        own = _OWN_TEXTS.get(name)
        text = self._at(name.split("."))
        return self.on_text(f"coalesce({text}, {own})" if own else text, one)

    def some(self, one: Some) -> str:
        """Return that one value of a list meets a filter."""
        attribute = USERS.find(one.path.name) if one.path.urn is None else None
        if attribute is None or not attribute.multi:
            raise self._unknown(one.path)
        if attribute.name == "groups":
            part = one.filter
            if isinstance(part, Compare) and str(part.path).lower() == "value":
                return self.of(Compare(Path("groups"), part.op, part.value))
            raise self._unknown(one.path)
        inner = self._on_element(attribute, one.filter)
        return f"{self._narrow(attribute, one.filter)}{_each(attribute)} WHERE {inner})"

    def _on_login(self, one: Compare) -> str:
        if one.op is not Op.EQ or not isinstance(one.value, str):
            return self.on_text(_LOGIN, one)
        low, exact = self.bind(one.value.lower(), "text"), self.bind(one.value, "text")
        found = (
            f"(lower(p.user_name) = {low} OR (p.user_name IS NULL AND lower(p.email) = {low})"
            f" OR (p.user_name IS NULL AND p.email IS NULL AND p.external_id = {exact})"
        )
        try:  # who has neither name nor address is known by the id alone
            id = self.bind(decode("prf", one.value), "uuid")
        except InvalidId:
            return f"{found})"
        return f"{found} OR (p.id = {id} AND {_LOGIN} IS NULL))"

    def _on_active(self, one: Compare) -> str:
        if one.op is Op.PR:
            return "true"
        wanted = as_boolean(one.value)
        if one.op is not Op.EQ or not isinstance(wanted, bool):
            raise invalid_filter("active is compared by eq with true or false.")
        return "p.active" if wanted else "NOT p.active"

    def _on_list(self, attribute: Attribute, one: Compare) -> str:
        if one.op is Op.PR and one.path.sub is None:
            return f"{_each(attribute)})"
        part = Compare(Path(one.path.sub or "value"), one.op, one.value)
        return self.some(Some(Path(attribute.name), part))

    def _on_element(self, attribute: Attribute, filter: Filter) -> str:
        match filter:
            case And():
                parts = [self._on_element(attribute, one) for one in filter.parts]
                return "(" + " AND ".join(parts) + ")"
            case Or():
                parts = [self._on_element(attribute, one) for one in filter.parts]
                return "(" + " OR ".join(parts) + ")"
            case Not():
                return f"(NOT {self._on_element(attribute, filter.part)})"
            case Compare(op=Op.NE):
                same = Compare(filter.path, Op.EQ, filter.value)
                return f"(NOT {self._on_element(attribute, same)})"
            case Compare():
                sub = find(attribute.sub, filter.path.name)
                if sub is None or filter.path.sub or filter.path.urn:
                    raise self._unknown(Path(attribute.name, str(filter.path)))
                text = f"(e ->> {self.bind(sub.name, 'text')})"
                compared = _as_text(filter) if sub.type == "boolean" else filter
                return f"coalesce({self.on_text(text, compared)}, false)"
            case Some():
                raise self._unknown(filter.path)

    def _narrow(self, attribute: Attribute, filter: Filter) -> str:
        """Return what lets an index find an address before its list is looked at."""
        value = _address(filter) if attribute.name == "emails" else None
        if value is None:
            return ""
        low = self.bind(value.lower(), "text")
        return (
            f"(p.scim_emails @> ARRAY[{low}] OR (p.scim IS NULL AND lower(p.email) = {low})) AND "
        )

    def _on_extension(self, one: Compare) -> str:
        urn, name, sub = one.path.urn or "", one.path.name, one.path.sub
        if urn == ENTERPRISES.id:
            attribute = ENTERPRISES.find(name)
            if attribute is None:
                raise self._unknown(one.path)
            name = attribute.name
            if attribute.type == "complex":
                inner = find(attribute.sub, sub or "value")
                if inner is None:
                    raise self._unknown(one.path)
                sub = inner.name
        return self.on_text(self._at([urn, name, *([sub] if sub else [])]), one)

    def _at(self, path: list[str]) -> str:
        return f"(p.scim #>> {self.bind(path, 'text[]')})"


class GroupConditions(Conditions):
    """Filters over groups `g`."""

    def __init__(self) -> None:
        super().__init__(
            GROUPS,
            {
                "displayName": "g.name",
                "meta.created": "g.created_at",
                "meta.lastModified": "g.updated_at",
            },
        )

    def compare(self, one: Compare) -> str:
        """Return a comparison, which may be NULL."""
        name = self._name(one.path)
        if name == "externalId":
            return self.on_text("g.external_id", one, exact=True)
        if name in ("members", "members.value"):
            if one.op is Op.PR:
                return f"{_HAS_MEMBER})"
            return f"{_HAS_MEMBER} AND {self.on_ids('prf', 'pg.profile_id', one)})"
        return super().compare(one)

    def some(self, one: Some) -> str:
        """Return that one member is somebody."""
        if self._name(one.path) == "members" and isinstance(one.filter, Compare):
            inner = Path("members", one.filter.path.name)
            return self.of(Compare(inner, one.filter.op, one.filter.value))
        raise self._unknown(one.path)


def _each(attribute: Attribute) -> str:
    own = _OWN_LISTS.get(attribute.name)
    pushed = f"coalesce(p.scim -> '{attribute.name}', '[]')"
    if own is None:
        return f"EXISTS (SELECT 1 FROM jsonb_array_elements({pushed}) e"
    column, kind = own
    made = (
        f"CASE WHEN {column} IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object("
        f"'value', {column}, 'type', '{kind}', 'primary', true)) END"
    )
    chosen = f"CASE WHEN p.scim IS NULL THEN {made} ELSE {pushed} END"
    return f"EXISTS (SELECT 1 FROM jsonb_array_elements({chosen}) e"


def _address(filter: Filter) -> str | None:
    """Return the address that a filter over e-mail addresses cannot do without."""
    match filter:
        case Compare(op=Op.EQ) if filter.path.name.lower() == "value":
            return filter.value if isinstance(filter.value, str) else None
        case And():
            return next((found for one in filter.parts if (found := _address(one))), None)
        case _:
            return None


def _as_text(one: Compare) -> Compare:
    value: Value = as_boolean(one.value)
    return Compare(one.path, one.op, str(value).lower() if isinstance(value, bool) else value)
