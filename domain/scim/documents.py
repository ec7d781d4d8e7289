"""Users as providers send them, brought into one form: names in the schema's case, values of the
schema's types, nothing that is not kept.

Providers differ: booleans come as text, single values without a list, a manager as its bare id.
What is unassigned (null, empty) is left out (RFC 7643 §2.5).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from domain.contract.base import Json
from domain.scim.errors import invalid_syntax, invalid_value
from domain.scim.matching import as_boolean
from domain.scim.schemas import (
    ENTERPRISE,
    ENTERPRISES,
    USER,
    USERS,
    Attribute,
    Schema,
    canonical_urn,
    find,
)

Document = dict[str, Any]
MOST_BYTES: Final = 65_536
_JSON: Final = TypeAdapter(Json)


def user_document(body: Any) -> Document:
    """Return a user in the one form; raises ScimRefusal for what cannot be kept."""
    if not isinstance(body, Mapping):
        raise invalid_syntax("A user is a JSON object.")
    found: Document = {}
    for key, value in body.items():
        if key.lower().startswith("urn:"):
            _take_extension(found, canonical_urn(key), value)
        else:
            put(found, USERS.find(key), value)
    return checked(found)


def checked(document: Document) -> Document:
    """Return a document that can be kept; raises ScimRefusal for one that is too large."""
    try:
        _JSON.validate_python(document)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        raise invalid_value(f"A value {wrong['msg'].removeprefix('Value error, ')}.") from None
    if len(json.dumps(document)) > MOST_BYTES:
        raise invalid_value(f"A user may have {MOST_BYTES:,} bytes; leave attributes out.")
    return document


def put(into: Document, attribute: Attribute | None, value: Any) -> None:
    """Set an attribute, or take it away when the value is unassigned; unknown ones are ignored."""
    if attribute is None or not attribute.writable:
        return
    found = converted(attribute, value)
    if is_unassigned(found):
        into.pop(attribute.name, None)
    else:
        into[attribute.name] = found


def is_unassigned(value: Any) -> bool:
    """Whether a value says that there is none."""
    return value is None or value == "" or value == [] or value == {}


def converted(attribute: Attribute, value: Any) -> Any:
    """Return a value in the type of its attribute; raises ScimRefusal when it cannot be meant."""
    if is_unassigned(value):
        return None
    if attribute.multi:
        listed = value if isinstance(value, list) else [value]
        found = [_complex(attribute, one) for one in listed]
        return [one for one in found if one and ("value" in one or not _has_value(attribute))]
    if isinstance(value, list):  # as Entra sent single values until 2018: [{"value": "x"}]
        if len(value) != 1:
            raise invalid_value(f"{attribute.name} has one value.")
        value = value[0]
        if attribute.type != "complex" and isinstance(value, Mapping):
            value = value.get("value")
        return converted(attribute, value)
    return _complex(attribute, value) if attribute.type == "complex" else _simple(attribute, value)


def extension_value(urn: str, name: str, value: Any) -> Any:
    """Return a value of an extension; of one that nobody described, simple values and lists."""
    if urn == ENTERPRISE:
        attribute = ENTERPRISES.find(name)
        return None if attribute is None else converted(attribute, value)
    return None if is_unassigned(value) else value


def extension_name(urn: str, name: str) -> str:
    """Return the name of an extension's attribute, in the schema's case where there is one."""
    attribute = ENTERPRISES.find(name) if urn == ENTERPRISE else None
    return attribute.name if attribute else name


def put_in_extension(into: Document, urn: str, name: str, value: Any) -> None:
    """Set an attribute of an extension, or take it away when the value is unassigned."""
    held: Document = dict(into.get(urn) or {})
    named = extension_name(urn, name)
    found = extension_value(urn, name, value)
    if is_unassigned(found):
        held.pop(named, None)
    else:
        held[named] = found
    if held:
        into[urn] = held
    else:
        into.pop(urn, None)


def _take_extension(into: Document, urn: str, value: Any) -> None:
    if is_unassigned(value):
        return
    if urn == USER:
        into.update(user_document(value))
        return
    if not isinstance(value, Mapping):
        raise invalid_value(f"{urn} is a JSON object.")
    for name, one in value.items():
        put_in_extension(into, urn, name, one)


def _complex(attribute: Attribute, value: Any) -> Any:
    if is_unassigned(value):
        return None
    if not isinstance(value, Mapping):
        if not _has_value(attribute):
            raise invalid_value(f"{attribute.name} is a JSON object.")
        value = {"value": value}
    found: Document = {}
    for key, one in value.items():
        sub = find(attribute.sub, key)
        if sub is not None and not is_unassigned(one):
            found[sub.name] = _simple(sub, one)
    return found


def _has_value(attribute: Attribute) -> bool:
    return find(attribute.sub, "value") is not None


def _simple(attribute: Attribute, value: Any) -> Any:
    if attribute.type == "boolean":
        meant = as_boolean(value)
        if not isinstance(meant, bool):
            raise invalid_value(f"{attribute.name} is true or false.")
        return meant
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise invalid_value(f"{attribute.name} is a text.")
    return str(value)


def schema_of(urn: str | None) -> Schema | None:
    """Return the schema of a path's URN; None for an extension that nobody described."""
    return USERS if urn is None else ENTERPRISES if urn == ENTERPRISE else None
