"""Selections as documents: read field by field, kept with their secrets, shown without them."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from connectors.registry import CONNECTORS, TAKEN
from domain.audience import (
    SETS,
    Combination,
    ConnectorLeaf,
    Document,
    FilterLeaf,
    GroupLeaf,
    Leaf,
    ModuleLeaf,
    ProfilesLeaf,
    ReferenceLeaf,
)
from domain.contract.audience import MOST_LISTED, ListedMember
from domain.contract.audience_filter import Expression, check_size
from domain.contract.base import Line
from domain.errors import FieldError, Invalid
from domain.ids import InvalidId, decode
from services.fields import field_errors

MOST_LEVELS: Final = 6
_LINE: Final = TypeAdapter(Line)
_EXPRESSION: Final[TypeAdapter[Any]] = TypeAdapter(Expression)


def kinds() -> list[str]:
    """Return the kinds that an audience may be of."""
    return sorted({*TAKEN, *CONNECTORS} - {"name", "kind"})


def read(document: Mapping[str, Any]) -> Leaf:
    """Return a selection as a tree; raises Invalid that names every wrong field."""
    reader = _Reader()
    node = reader.selection(document, "", 1)
    if reader.errors or node is None:
        raise Invalid(errors=reader.errors)
    return node


class _Reader:
    """Reads a tree and gathers what is wrong, so that all of it is told at once."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def selection(self, given: Any, path: str, level: int) -> Leaf | None:
        """Read {kind, <kind>: body}, or an audience's id where a part is expected."""
        if isinstance(given, str) and path:
            return self._reference(given, path)
        if not isinstance(given, Mapping):
            return self._wrong(path, "must be an audience's id (aud_…) or a selection {kind, …}")
        kind = given.get("kind")
        if not isinstance(kind, str) or kind not in kinds():
            return self._wrong(_at(path, "kind"), f"is none of {', '.join(kinds())}")
        if level > MOST_LEVELS:
            return self._wrong(path, f"is nested more than {MOST_LEVELS} levels deep")
        for name in given:
            if name not in ("kind", kind):
                known = f"does not belong to an audience of kind {kind}; remove it"
                unknown = "is not a known field; remove it or mend its name"
                self._wrong(_at(path, str(name)), known if name in kinds() else unknown)
        here = _at(path, kind)
        if given.get(kind) is None:
            return self._wrong(here, f"is required: the kind is {kind}")
        return self._body(kind, given[kind], here, level)

    def _body(self, kind: str, body: Any, path: str, level: int) -> Leaf | None:
        if kind in SETS:
            return self._combination(kind, body, path, level)
        if kind in CONNECTORS:
            return self._connector(kind, body, path)
        match kind:
            case "filter":
                return self._filter(body, path)
            case "profiles":
                return self._profiles(body, path)
            case "group":
                return self._group(body, path)
        name = self._line(body, path)
        return ModuleLeaf(path, name) if name else None

    def _combination(self, kind: str, body: Any, path: str, level: int) -> Leaf | None:
        least = 2 if kind == "except" else 1
        if not isinstance(body, list) or not least <= len(body) <= 20:
            return self._wrong(path, f"must be a list of {least} to 20 audiences")
        parts = [
            self.selection(one, f"{path}[{number}]", level + 1) for number, one in enumerate(body)
        ]
        return Combination(path, kind, tuple(part for part in parts if part is not None))

    def _connector(self, kind: str, body: Any, path: str) -> Leaf | None:
        if not isinstance(body, Mapping):
            return self._wrong(path, "must be an object of settings")
        try:
            settings = CONNECTORS[kind].settings.model_validate(dict(body))
        except ValidationError as error:
            self.errors += field_errors(error, path)
            return None
        return ConnectorLeaf(path, kind, settings)

    def _filter(self, body: Any, path: str) -> Leaf | None:
        try:
            expression = _EXPRESSION.validate_python(body)
            check_size(expression)
        except ValidationError as error:
            self.errors += field_errors(error, path)
            return None
        except (ValueError, RecursionError) as error:
            return self._wrong(path, str(error) or "is nested too deep")
        return FilterLeaf(path, expression)

    def _group(self, body: Any, path: str) -> Leaf | None:
        name = self._line(body, path)
        if name is None:
            return None
        try:
            return GroupLeaf(path, decode("grp", name), name)
        except InvalidId:
            return GroupLeaf(path, None, name)

    def _profiles(self, body: Any, path: str) -> Leaf | None:
        if not isinstance(body, list) or not 1 <= len(body) <= MOST_LISTED:
            return self._wrong(path, f"must be a list of 1 to {MOST_LISTED:,} recipients")
        ids, external_ids, members = [], [], []
        for number, one in enumerate(body):
            here = f"{path}[{number}]"
            if isinstance(one, Mapping):
                member = self._member(one, here)
                members += [(number, member)] if member else []
                continue
            name = self._line(one, here)
            if name is None:
                continue
            try:
                ids.append((number, decode("prf", name)))
            except InvalidId:
                external_ids.append((number, name))
        return ProfilesLeaf(path, tuple(ids), tuple(external_ids), tuple(members))

    def _member(self, given: Mapping[str, Any], path: str) -> ListedMember | None:
        try:
            return ListedMember.model_validate(dict(given))
        except ValidationError as error:
            self.errors += field_errors(error, path)
            return None

    def _reference(self, given: str, path: str) -> Leaf | None:
        try:
            return ReferenceLeaf(path, decode("aud", given))
        except InvalidId:
            return self._wrong(path, "is no audience's id (aud_…); name one, or select in place")

    def _line(self, given: Any, path: str) -> str | None:
        try:
            found = _LINE.validate_python(given, strict=True)
        except ValidationError as error:
            self.errors += field_errors(error, path)
            return None
        if not 1 <= len(found) <= 255:
            self._wrong(path, "must have 1 to 255 characters")
            return None
        return found

    def _wrong(self, path: str, message: str) -> Leaf | None:
        self.errors.append(FieldError(path or "body", message))
        return None


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def shown(document: Document) -> Document:
    """Return a selection as people may read it: secrets are null, in whatever depth."""
    kind, body = document["kind"], document[document["kind"]]
    if kind in SETS:
        body = [one if isinstance(one, str) else shown(one) for one in body]
    elif kind in CONNECTORS:
        body = CONNECTORS[kind].settings.model_validate(body).shown()
    elif kind not in kinds():
        body = None  # its connector is not installed any more, so nobody knows what is secret
    return {"kind": kind, kind: body}


def revealed(document: Document) -> Document:
    """Return a selection as it is sealed and kept: settings complete, with their secrets."""
    kind, body = document["kind"], document[document["kind"]]
    if kind in SETS:
        body = [one if isinstance(one, str) else revealed(one) for one in body]
    elif kind in CONNECTORS:
        body = CONNECTORS[kind].settings.model_validate(body).revealed()
    return {"kind": kind, kind: body}
