"""Filters over profiles as SQL: fragments are constants, every value is a parameter."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from domain.addresses import PLAIN
from domain.contract.audience_filter import (
    GROUPS,
    LISTED,
    ORDERED,
    TIMES,
    All,
    AnyOf,
    Comparison,
    Not,
    Op,
)

Bind = Callable[[Any, str], str]
"""Takes a value and its type, and returns the parameter that stands for it."""

_SIGNS: Final = {Op.LT: "<", Op.LTE: "<=", Op.GT: ">", Op.GTE: ">="}
_COLUMNS: Final = {
    name: f"p.{name}"
    for name in ("external_id", "name", "phone", "telegram", "whatsapp", "locale", "timezone")
} | {"email": "lower(p.email)", "created_at": "p.created_at", "updated_at": "p.updated_at"}


_CHANNELS: Final = {field: channel for channel, field in PLAIN.items()}


def condition(expression: All | AnyOf | Not | Comparison, bind: Bind) -> str:
    """Return the condition on `profiles p`; it is true or false, never NULL."""
    match expression:
        case All():
            return "(" + " AND ".join(condition(one, bind) for one in expression.all) + ")"
        case AnyOf():
            return "(" + " OR ".join(condition(one, bind) for one in expression.any) + ")"
        case Not():
            return f"(NOT {condition(expression.negated, bind)})"
        case Comparison():
            return _comparison(expression, bind)


def _comparison(one: Comparison, bind: Bind) -> str:
    if one.op is Op.NE:
        return f"(NOT {_comparison(one.model_copy(update={'op': Op.EQ}), bind)})"
    if one.op is Op.NOT_IN:
        return f"(NOT {_comparison(one.model_copy(update={'op': Op.IN}), bind)})"
    if one.field == GROUPS:
        return _in_groups(one, bind)
    if one.attribute is not None:
        return f"coalesce({_on_attribute(one, one.attribute, bind)}, false)"
    return f"coalesce({_on_column(one, bind)}, false)"


def _in_groups(one: Comparison, bind: Bind) -> str:
    member = "SELECT 1 FROM profile_groups pg JOIN groups g ON g.id = pg.group_id"
    if one.op is Op.EXISTS:
        return f"({'' if one.value else 'NOT '}EXISTS ({member} WHERE pg.profile_id = p.id))"
    name = bind(one.value, "text")
    return f"EXISTS ({member} WHERE pg.profile_id = p.id AND g.name = {name})"


def _on_column(one: Comparison, bind: Bind) -> str:
    column = _COLUMNS[one.field]
    if one.op is Op.EXISTS:
        return f"{column} IS {'NOT ' if one.value else ''}NULL"
    if one.field in TIMES:
        moment = bind(datetime.fromisoformat(one.value), "timestamptz")
        return f"{column} {_SIGNS[one.op]} {moment}"
    fold = str.lower if one.field == "email" else str
    if one.op is Op.IN:
        values = bind([fold(value) for value in one.value], "text[]")
        found = f"{column} = ANY({values})"
        return _or_beside(one.field, found, f"ANY({values})")
    value = bind(fold(one.value), "text")
    found = _on_text(one.op, column, value)
    return _or_beside(one.field, found, value) if one.op is Op.EQ else found


def _or_beside(field: str, condition: str, wanted: str) -> str:
    """Return a condition on a primary address, extended to those beside it."""
    if field not in _CHANNELS:
        return condition
    own = f"a->>'channel' = '{_CHANNELS[field]}' AND a->>'key' = {wanted}"
    found = f"SELECT 1 FROM jsonb_array_elements(p.addresses) a WHERE {own}"  # noqa: S608
    return f"({condition} OR (p.addresses <> '[]' AND EXISTS ({found})))"


def _on_text(op: Op, text: str, value: str) -> str:
    if op in ORDERED:
        return f'{text} COLLATE "C" {_SIGNS[op]} {value}'
    if op is Op.STARTS_WITH:
        return f"starts_with({text}, {value})"
    if op is Op.CONTAINS:
        return f"strpos({text}, {value}) > 0"
    return f"{text} = {value}"


def _on_attribute(one: Comparison, path: list[str], bind: Bind) -> str:
    if one.op is Op.EQ:  # containment is what the index on attributes answers
        return f"p.attributes @> {bind(_nested(path, one.value), 'jsonb')}"
    if one.op in LISTED:
        found = (f"p.attributes @> {bind(_nested(path, value), 'jsonb')}" for value in one.value)
        return "(" + " OR ".join(found) + ")"
    at = f"p.attributes #> {bind(path, 'text[]')}"
    if one.op is Op.EXISTS:
        missing = f"coalesce({at}, 'null'::jsonb) = 'null'::jsonb"
        return f"NOT ({missing})" if one.value else missing
    text = f"({at}) #>> '{{}}'"
    if one.op is Op.CONTAINS:
        has = f"({at}) @> {bind([one.value], 'jsonb')}"
        holds = f"strpos({text}, {bind(str(one.value), 'text')}) > 0"
        return f"CASE jsonb_typeof({at}) WHEN 'array' THEN {has} WHEN 'string' THEN {holds} END"
    if isinstance(one.value, str):
        fits = _on_text(one.op, f"({text})", bind(one.value, "text"))
        return f"CASE jsonb_typeof({at}) WHEN 'string' THEN {fits} END"
    number = f"({text})::numeric {_SIGNS[one.op]} {bind(str(one.value), 'text')}::numeric"
    return f"CASE jsonb_typeof({at}) WHEN 'number' THEN {number} END"


def _nested(path: list[str], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value
