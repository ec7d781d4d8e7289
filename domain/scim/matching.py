"""Whether a value of a multi-valued attribute meets a filter, and what a filter says of it."""

from collections.abc import Mapping
from typing import Any

from domain.scim.expressions import And, Compare, Filter, Not, Op, Or, Some, Value


def matches(filter: Filter, value: Mapping[str, Any]) -> bool:
    """Whether a value such as {"type": "work", "value": "…"} meets a filter over its parts."""
    match filter:
        case And():
            return all(matches(one, value) for one in filter.parts)
        case Or():
            return any(matches(one, value) for one in filter.parts)
        case Not():
            return not matches(filter.part, value)
        case Compare():
            return _holds(filter, inner(value, filter.path.name))
        case Some():
            return False


def inner(value: Mapping[str, Any], name: str) -> Any:
    """Return a part of a value by its name, whatever its case."""
    wanted = name.lower()
    return next((one for key, one in value.items() if key.lower() == wanted), None)


def implied(filter: Filter) -> dict[str, Any] | None:
    """Return the parts that a value must have to meet a filter: {"type": "work"} of
    `type eq "work"`; None where the filter does not say it all.
    """
    match filter:
        case Compare(op=Op.EQ) if filter.path.sub is None and filter.value is not None:
            return {filter.path.name: filter.value}
        case And():
            found: dict[str, Any] = {}
            for one in filter.parts:
                part = implied(one)
                if part is None:
                    return None
                found |= part
            return found
        case _:
            return None


def as_boolean(value: Any) -> Any:
    """Return the boolean that is meant by a text such as "False", anything else as it is."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _holds(one: Compare, actual: Any) -> bool:
    if one.op is Op.PR:
        return actual not in (None, "", [], {})
    expected: Value = one.value
    if isinstance(actual, bool):
        expected = as_boolean(expected)
    if isinstance(actual, str) and isinstance(expected, str):
        return _compare_texts(one.op, actual.lower(), expected.lower())
    if one.op is Op.EQ:
        return bool(actual == expected)
    return one.op is Op.NE and bool(actual != expected)


def _compare_texts(op: Op, actual: str, expected: str) -> bool:
    match op:
        case Op.EQ:
            return actual == expected
        case Op.NE:
            return actual != expected
        case Op.CO:
            return expected in actual
        case Op.SW:
            return actual.startswith(expected)
        case Op.EW:
            return actual.endswith(expected)
        case Op.GT:
            return actual > expected
        case Op.GE:
            return actual >= expected
        case Op.LT:
            return actual < expected
        case _:
            return actual <= expected
