"""The form of an audience and the selection that it says, kind by kind.

A connector's inputs are named settings.<name>, rows of a filter filter.<n>.<part>, members of a
set part.<n>. What a form cannot show is written as JSON instead.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dashboard import audience_filters
from dashboard.message_forms import text_lines
from dashboard.vendor_fields import changes_document, first_texts, new_document
from dashboard.vendor_inputs import SETTINGS, Input, settings_inputs, text_of
from domain.audience import SETS
from domain.errors import FieldError, Invalid, Problem

JSON: Final = "json"
"""The value of `as` that asks for the selection as JSON."""
PLAIN: Final = ("group", "module", "filter", "profiles")
WORDS: Final[Mapping[str, str]] = {
    "group": "A group", "module": "Everybody of a module", "filter": "A filter over profiles",
    "profiles": "A list", "union": "Who is in any of several audiences",
    "intersect": "Who is in all of several audiences",
    "except": "Who is in one audience and in none of others",
}  # fmt: skip
_SPARE_ROWS: Final = 2
_MOST_PARTS: Final = 20


def titles(connectors: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what each kind is called on pages."""
    return {**WORDS, **{one["name"]: one["title"] for one in connectors}}


def inputs_of(kind: str, connectors: Iterable[Mapping[str, Any]]) -> list[Input]:
    """Return the inputs of a connector's settings; none for other kinds."""
    found = next((one for one in connectors if one["name"] == kind), None)
    return settings_inputs(found["settings"]) if found else []


def first(kind: str, inputs: Sequence[Input], *, as_json: bool) -> dict[str, str]:
    """Return what the form of a new audience begins with."""
    if as_json:
        bodies: dict[str, Any] = {"filter": {"all": []}, "profiles": []}
        body = bodies.get(kind, [] if kind in SETS else {} if inputs else "")
        return {"as": JSON, "selection": _pretty({"kind": kind, kind: body})}
    return {"match": "all", **first_texts(inputs)}


def texts(it: Mapping[str, Any], inputs: Sequence[Input], *, as_json: bool) -> dict[str, str]:
    """Return a kept audience as the fields of its form, as JSON where that is all it can be."""
    kind, body = it["kind"], it[it["kind"]]
    found = None if as_json else _texts(kind, body, inputs)
    return found or {"as": JSON, "selection": _pretty({"kind": kind, kind: body})}


def document(
    kind: str, fields: Mapping[str, str], inputs: Sequence[Input], shown: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return the selection that a form says; of a kept one what differs from what was `shown`.

    Raises Invalid for what cannot be read.
    """
    if shown is not None and _said(fields) == _said(shown):
        return {}
    if fields.get("as") == JSON:
        return _from_json(fields.get("selection", ""))
    if inputs:
        before = dict.fromkeys((one.name for one in inputs), "") | dict(shown or {})
        found = changes_document(inputs, fields, before) if shown else new_document(inputs, fields)
        return {"kind": kind, kind: found.get("settings", {})}
    return {"kind": kind, kind: _body(kind, fields)}


def compacted(kind: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return fields without empty rows, so that rows are numbered as the contract does."""
    kept = {n: v for n, v in fields.items() if not n.startswith(("filter.", "part."))}
    if kind == "filter":
        for number, row in enumerate(audience_filters.rows(fields, 0)):
            kept |= {f"filter.{number}.{part}": said for part, said in row.items()}
    for number, one in enumerate(_parts(fields)):
        kept[f"part.{number}"] = one
    return kept


def parts(fields: Mapping[str, str]) -> list[str]:
    """Return the members of a set that a form shows, with some empty ones."""
    chosen = _parts(fields)
    spare = max(3 - len(chosen), _SPARE_ROWS)
    return [*chosen, *[""] * min(spare, _MOST_PARTS - len(chosen))]


def placed(problem: Problem, kind: str, *, as_json: bool) -> Problem:
    """Return a problem whose fields are named as the form's."""
    errors = [_placed(one, kind, as_json=as_json) for one in problem.errors]
    return type(problem)(problem.detail, errors=errors)


def _texts(kind: str, body: Any, inputs: Sequence[Input]) -> dict[str, str] | None:
    if inputs and isinstance(body, Mapping):
        return {
            one.name: ""
            if one.secret
            else text_of(one.kind, body.get(one.name.removeprefix(SETTINGS)))
            for one in inputs
        }
    if kind in ("group", "module"):
        return {kind: str(body)}
    if kind == "filter":
        return audience_filters.texts(body)
    if kind == "profiles" and isinstance(body, list):
        return {"profiles": "\n".join(_line(one) for one in body)}
    if kind in SETS and all(isinstance(one, str) for one in body):
        return {f"part.{number}": one for number, one in enumerate(body)}
    return None


def _body(kind: str, fields: Mapping[str, str]) -> Any:
    if kind == "filter":
        return audience_filters.body(fields)
    if kind == "profiles":
        lines = (one.strip() for one in fields.get("profiles", "").splitlines())
        return [_listed(one) for one in lines if one]
    if kind in SETS:
        return _parts(fields)
    return fields.get(kind, "").strip()


def _line(one: Any) -> str:
    """Return a listed recipient as a line: an address, an id, or JSON where it is more."""
    if isinstance(one, Mapping):
        for name in ("email", "phone"):
            if set(one) == {name}:
                return str(one[name])
        return json.dumps(one, ensure_ascii=False)
    return str(one) if _listed(str(one)) == one else json.dumps(one, ensure_ascii=False)


def _listed(line: str) -> Any:
    if line.startswith(("{", '"')):
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            return line
    if "@" in line:
        return {"email": line}
    return {"phone": line} if line.startswith("+") else line


def _parts(fields: Mapping[str, str]) -> list[str]:
    named = sorted(int(m[1]) for name in fields if (m := re.fullmatch(r"part\.(\d{1,3})", name)))
    return [one for number in named if (one := fields[f"part.{number}"].strip())]


def _from_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(errors=[FieldError("selection", f"is not JSON: {error}")]) from None
    if not isinstance(found, dict):
        message = 'must be an object such as {"kind": "group", "group": "beta"}'
        raise Invalid(errors=[FieldError("selection", message)])
    return {name: value for name, value in found.items() if name != "name"}


def _said(fields: Mapping[str, str]) -> dict[str, str]:
    about = re.compile(
        r"(as|selection|group|module|match|profiles|(settings|clear|filter|part)\..*)"
    )
    return {
        name: text_lines(value).strip()
        for name, value in fields.items()
        if value and about.fullmatch(name)
    }


def _placed(one: FieldError, kind: str, *, as_json: bool) -> FieldError:
    field, message = one.field, one.message
    if field in ("name", "owner", "look.category"):
        return one
    if as_json:
        return FieldError("selection", message if field == "selection" else f"{field} {message}")
    if row := re.fullmatch(r"filter\.(?:all|any)\[(\d+)\]\.?(\w*).*", field):
        return FieldError(f"filter.{row[1]}.{row[2] or 'field'}", message)
    if field.startswith("filter"):
        return FieldError("match", message)
    if part := re.match(r"(?:union|intersect|except)(?:\[(\d+)\])?(.*)", field):
        return FieldError(f"part.{part[1] or 0}", f"{part[2].lstrip('.')} {message}".strip())
    if line := re.fullmatch(r"profiles\[(\d+)\]\.?(.*)", field):
        return FieldError(
            "profiles", f"No. {int(line[1]) + 1}: {line[2]} {message}".replace(":  ", ": ")
        )
    return FieldError(re.sub(rf"^{re.escape(kind)}\.", SETTINGS, field), message)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
