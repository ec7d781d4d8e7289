"""Filters of SCIM as SQL: fragments are constants, every value is a parameter.

`id`, `externalId`, `userName` and `emails.value` are looked up by indexes where they are compared
by eq; all else reads the profiles of the module.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from domain.contract.base import Moment
from domain.ids import InvalidId, decode
from domain.scim.errors import ScimRefusal, invalid_filter
from domain.scim.expressions import And, Compare, Filter, Not, Op, Or, Path, Some
from domain.scim.schemas import GROUPS, USERS, Schema, find

_SIGNS: Final = {Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}
_MOMENT: Final = TypeAdapter(Moment)
_HAS_MEMBER: Final = "EXISTS (SELECT 1 FROM profile_groups pg WHERE pg.group_id = g.id"


class Conditions:
    """Translates filters over one kind of resource; `binds` are the parameters so far."""

    def __init__(self, schema: Schema, columns: Mapping[str, str]) -> None:
        self._schema = schema
        self._columns = columns
        self.binds: dict[str, Any] = {}

    def of(self, filter: Filter) -> str:
        """Return a condition that is true where the filter is met; raises ScimRefusal.

        Elsewhere it is false or NULL, which only matters below a NOT: written so, indexes serve.
        """
        match filter:
            case And():
                return "(" + " AND ".join(self.of(one) for one in filter.parts) + ")"
            case Or():
                return "(" + " OR ".join(self.of(one) for one in filter.parts) + ")"
            case Not():
                return f"(NOT coalesce({self.of(filter.part)}, false))"
            case Compare(op=Op.NE):
                return self.of(Not(Compare(filter.path, Op.EQ, filter.value)))
            case Compare():
                return f"({self.compare(filter)})"
            case Some():
                return self.some(filter)

    def compare(self, one: Compare) -> str:
        """Return a comparison, which may be NULL."""
        name = self.name(one.path)
        if name == "id":
            return self._on_id("p" if self._schema is USERS else "g", one)
        if name in ("meta.created", "meta.lastModified"):
            return self._on_moment(self._columns[name], one)
        if name in self._columns:
            return self.on_text(self._columns[name], one)
        raise self.unknown(one.path)

    def some(self, one: Some) -> str:
        """Return that one value of a list meets a filter."""
        raise self.unknown(one.path)

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
        sign = "=" if one.op is Op.EQ else _SIGNS.get(one.op)
        try:
            moment = _MOMENT.validate_python(one.value)
        except ValueError:
            sign = None
        if sign is None:
            raise invalid_filter(
                f"{one.path} is compared by eq, gt, ge, lt, le with a time and its zone."
            )
        return f"{column} {sign} {self.bind(moment, 'timestamptz')}"

    def name(self, path: Path) -> str:
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

    def unknown(self, path: Path) -> ScimRefusal:
        """Return the refusal of a filter by an attribute."""
        return invalid_filter(f"{self._schema.name}s cannot be filtered by {path}.")


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
        name = self.name(one.path)
        if name == "externalId":
            return self.on_text("g.external_id", one, exact=True)
        if name in ("members", "members.value"):
            if one.op is Op.PR:
                return f"{_HAS_MEMBER})"
            return f"{_HAS_MEMBER} AND {self.on_ids('prf', 'pg.profile_id', one)})"
        return super().compare(one)

    def some(self, one: Some) -> str:
        """Return that one member is somebody."""
        if self.name(one.path) == "members" and isinstance(one.filter, Compare):
            inner = Path("members", one.filter.path.name)
            return self.of(Compare(inner, one.filter.op, one.filter.value))
        raise self.unknown(one.path)
