"""Changes of selections: settings merge, and secrets that were not given stay where they may."""

from collections.abc import Mapping
from typing import Any

from connectors.registry import CONNECTORS
from domain.audience import SETS, Document
from domain.errors import Invalid
from domain.sealed_settings import secret_names


def changed(stored: Document, given: Mapping[str, Any]) -> Document:
    """Return a stored selection with a patch of its kind and body applied (RFC 7396).

    Another kind brings its whole body. A connector's settings are merged; lists are replaced, but
    a connector that stays in its place keeps its secrets. Raises Invalid.
    """
    kind = given.get("kind") or stored["kind"]
    patch = {name: value for name, value in given.items() if name != "kind"}
    if kind not in patch and kind == stored["kind"]:
        return {**stored, **patch}
    body = patch.pop(kind, None)
    if body is None:
        raise Invalid.field(str(kind), f"is required: the kind is {kind}")
    if kind == stored["kind"] and kind in CONNECTORS and isinstance(body, Mapping):
        body = _merged(kind, stored[kind], body)
    document = {"kind": kind, kind: body}
    return {**_keeping(document, stored), **patch}


def _merged(kind: str, stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    secrets = secret_names(CONNECTORS[kind].settings)
    taken = {name for name, value in patch.items() if value is None}
    kept = {n: v for n, v in stored.items() if n not in secrets and n not in taken}
    return {**kept, **{name: value for name, value in patch.items() if value is not None}}


def _keeping(document: Any, stored: Any) -> Any:
    """Return a document with the secrets of the stored one where the same connector stands."""
    if not isinstance(document, Mapping) or not isinstance(stored, Mapping):
        return document
    kind = document.get("kind")
    if kind != stored.get("kind") or not isinstance(kind, str):
        return document
    body, before = document.get(kind), stored.get(kind)
    if kind in SETS and isinstance(body, list) and isinstance(before, list):
        pairs = zip(body, before + [None] * len(body), strict=False)
        return {**document, kind: [_keeping(one, other) for one, other in pairs]}
    if kind in CONNECTORS and isinstance(body, Mapping) and isinstance(before, Mapping):
        return {**document, kind: _with_secrets(kind, body, before)}
    return document


def _with_secrets(kind: str, body: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in secrets, unless what says where they go has changed: they must not follow a new
    address, which may be anybody's.
    """
    given = {name: value for name, value in body.items() if value is not None}
    connector = CONNECTORS[kind]
    for name in connector.bound & connector.settings.model_fields.keys():
        default = connector.settings.model_fields[name].default
        if (given.get(name, default) or None) != (before.get(name, default) or None):
            return given
    kept = {
        name: before[name]
        for name in secret_names(connector.settings)
        if name not in given and before.get(name) is not None
    }
    return {**kept, **given}
