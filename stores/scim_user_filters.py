"""Filters of SCIM over users: profiles `p`, and what was pushed of them."""

# ruff: noqa: S608 - only constants are put together

from typing import Final

from domain.ids import InvalidId, decode
from domain.scim.errors import invalid_filter
from domain.scim.expressions import And, Compare, Filter, Not, Op, Or, Path, Some, Value
from domain.scim.matching import as_boolean
from domain.scim.schemas import ENTERPRISES, USERS, Attribute, find
from stores.scim_filters import Conditions

_LOGIN: Final = "coalesce(p.user_name, p.email, p.external_id)"
_OWN_LISTS: Final = {"emails": ("p.email", "work"), "phoneNumbers": ("p.phone", "mobile")}
"""What stands for a list where nothing was pushed: a column, and the type of its value."""
_OWN_TEXTS: Final = {"displayName": "p.name", "locale": "p.locale", "timezone": "p.timezone"}
_IN_GROUP: Final = "EXISTS (SELECT 1 FROM profile_groups pg WHERE pg.profile_id = p.id"


class UserConditions(Conditions):
    """Filters over users: profiles `p`."""

    def __init__(self) -> None:
        super().__init__(
            USERS, {"meta.created": "p.created_at", "meta.lastModified": "p.updated_at"}
        )

    def compare(self, one: Compare) -> str:
        """Return a comparison, which may be NULL."""
        name = self.name(one.path)
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
            raise self.unknown(one.path)
        own = _OWN_TEXTS.get(name)
        text = self._at(name.split("."))
        return self.on_text(f"coalesce({text}, {own})" if own else text, one)

    def some(self, one: Some) -> str:
        """Return that one value of a list meets a filter."""
        attribute = USERS.find(one.path.name) if one.path.urn is None else None
        if attribute is None or not attribute.multi:
            raise self.unknown(one.path)
        if attribute.name == "groups":
            part = one.filter
            if isinstance(part, Compare) and str(part.path).lower() == "value":
                return self.of(Compare(Path("groups"), part.op, part.value))
            raise self.unknown(one.path)
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
                    raise self.unknown(Path(attribute.name, str(filter.path)))
                text = f"(e ->> {self.bind(sub.name, 'text')})"
                compared = _as_text(filter) if sub.type == "boolean" else filter
                return f"coalesce({self.on_text(text, compared)}, false)"
            case Some():
                raise self.unknown(filter.path)

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
                raise self.unknown(one.path)
            name = attribute.name
            if attribute.type == "complex":
                inner = find(attribute.sub, sub or "value")
                if inner is None:
                    raise self.unknown(one.path)
                sub = inner.name
        return self.on_text(self._at([urn, name, *([sub] if sub else [])]), one)

    def _at(self, path: list[str]) -> str:
        return f"(p.scim #>> {self.bind(path, 'text[]')})"


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
