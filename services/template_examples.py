"""Example data of a template, made of its JSON Schema: for previews and trials."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_DEEPEST: Final = 8
_MOST_ITEMS: Final = 3
_FORMATS: Final = {
    "date-time": "2030-01-31T09:00:00Z",
    "date": "2030-01-31",
    "time": "09:00:00Z",
    "email": "sam@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
}
_LINKS: Final = ("url", "link", "href")

Schema = Mapping[str, Any]


def example_data(schema: Schema, used: Iterable[str] = ()) -> dict[str, Any]:
    """Return data to try a template with.

    An object among the schema's own `examples` comes first; then each property's default, example
    or a value of its type. A variable in `used` that the schema does not know stands for itself.
    """
    named = {name: _text(name) for name in used}
    made = _value("data", schema, schema, 0) if schema else {}
    first = next((one for one in _list(schema, "examples") if isinstance(one, Mapping)), {})
    return {**named, **(made if isinstance(made, Mapping) else {}), **first}


def default_data(schema: Schema) -> dict[str, Any]:
    """Return what a schema gives for properties that are left out."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {
        name: part["default"]
        for name, part in properties.items()
        if isinstance(part, Mapping) and "default" in part
    }


def _value(name: str, part: Any, whole: Schema, depth: int) -> Any:
    if not isinstance(part, Mapping) or depth > _DEEPEST:
        return _text(name)
    for key in ("const", "default"):
        if key in part:
            return part[key]
    for key in ("examples", "enum"):
        if given := _list(part, key):
            return given[0]
    if isinstance(part.get("$ref"), str):
        return _value(name, _referred(part["$ref"], whole), whole, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if given := _list(part, key):
            return _value(name, given[0], whole, depth + 1)
    return _typed(name, part, whole, depth)


def _typed(name: str, part: Schema, whole: Schema, depth: int) -> Any:
    kind = part.get("type") or ("object" if "properties" in part else "string")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            properties = part.get("properties")
            inner = properties.items() if isinstance(properties, Mapping) else ()
            return {key: _value(key, one, whole, depth + 1) for key, one in inner}
        case "array":
            least = part.get("minItems", 1)
            times = min(max(least, 1), _MOST_ITEMS) if isinstance(least, int) else 1
            return [_value(name, part.get("items", {}), whole, depth + 1)] * times
        case "integer" | "number":
            return part.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    return _FORMATS.get(str(part.get("format")), _text(name))


def _text(name: str) -> str:
    return "https://example.com/" + name if name.endswith(_LINKS) else name.replace("_", " ")


def _list(part: Schema, key: str) -> list[Any]:
    given = part.get(key)
    return given if isinstance(given, list) else []


def _referred(reference: str, whole: Schema) -> Any:
    found: Any = whole
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
