"""A filter over profiles as rows of a form: a field, how it is compared, and a value as text."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dashboard.choices import Choices
from domain.contract.audience_filter import GROUPS, LISTED, TEXTS, TIMES, Op

OPERATORS: Final[Choices] = [
    (Op.EQ, "is"), (Op.NE, "is not"), (Op.IN, "is one of"), (Op.NOT_IN, "is none of"),
    (Op.CONTAINS, "contains"), (Op.STARTS_WITH, "begins with"), (Op.LT, "is less than"),
    (Op.LTE, "is at most"), (Op.GT, "is more than"), (Op.GTE, "is at least"),
    (Op.EXISTS, "is there (yes or no)"),
]  # fmt: skip
FIELDS: Final = (*TEXTS, GROUPS, *TIMES, "attributes.plan")
PARTS: Final = ("field", "op", "value")
MOST_ROWS: Final = 100
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_VALUES: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)')


def texts(body: Any) -> dict[str, str] | None:
    """Return a filter as the fields of a form; None for one that rows cannot show."""
    if not isinstance(body, Mapping):
        return None
    match = "any" if "any" in body else "all"
    rows = body.get(match, [body])
    plain = isinstance(rows, list) and all(isinstance(one, Mapping) for one in rows)
    if not plain or not all("field" in one for one in rows):
        return None
    found = {"match": match}
    for number, one in enumerate(rows):
        found |= _row(number, one)
    return found


def rows(fields: Mapping[str, str], spare: int) -> list[dict[str, str]]:
    """Return the rows of a form with something in them, and some empty ones."""
    found = [
        {part: fields.get(f"filter.{number}.{part}", "").strip() for part in PARTS}
        for number in _numbers(fields)
    ]
    kept = [one for one in found if one["field"] or one["value"]]
    empty = min(spare, MOST_ROWS - len(kept))
    return [*kept, *({"field": "", "op": Op.EQ, "value": ""} for _ in range(empty))]


def body(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the filter that a form's rows say; wrong ones are for the contract to refuse."""
    match = "any" if fields.get("match") == "any" else "all"
    return {match: [_comparison(one) for one in rows(fields, 0)]}


def _row(number: int, one: Mapping[str, Any]) -> dict[str, str]:
    field, op = str(one["field"]), str(one.get("op", Op.EQ))
    value = one.get("value")
    if op == Op.EXISTS:
        text = "yes" if value else "no"
    else:
        several = isinstance(value, list)
        values: Sequence[Any] = value if isinstance(value, list) else [value]
        text = ", ".join(_text(item, field, several=several) for item in values)
    return {f"filter.{number}.{part}": said for part, said in zip(PARTS, (field, op, text))}  # noqa: B905


def _comparison(row: Mapping[str, str]) -> dict[str, Any]:
    field, op, text = row["field"], row["op"] or Op.EQ, row["value"]
    if op == Op.EXISTS:
        value: Any = {"yes": True, "true": True, "no": False, "false": False}.get(
            text.lower(), text
        )
    elif op in LISTED:
        value = [_value(one, field) for one in _values(text)]
    else:
        value = _value(text, field)
    return {"field": field, "op": op, "value": value}


def _text(value: Any, field: str, *, several: bool) -> str:
    """Return a value as it is typed; text that would be read as something else has quotes."""
    if not isinstance(value, str):
        return json.dumps(value)
    odd = value.startswith('"') or value != value.strip() or (several and "," in value)
    return json.dumps(value, ensure_ascii=False) if odd or _value(value, field) != value else value


def _value(text: str, field: str) -> Any:
    """Return what a text means: in quotes always text, of attributes also numbers and truth."""
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if field.startswith("attributes.") and (_NUMBER.fullmatch(text) or text in ("true", "false")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _values(text: str) -> Iterator[str]:
    return (one for found in _VALUES.finditer(text) if (one := found[1].strip()))


def _numbers(fields: Mapping[str, str]) -> list[int]:
    found = {m[1] for name in fields if (m := re.fullmatch(r"filter\.(\d{1,3})\.\w+", name))}
    return sorted(int(one) for one in found)
