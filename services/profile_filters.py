"""What a list of profiles can be narrowed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json

from domain.contract.notification import check_email, check_phone
from domain.errors import Invalid
from domain.ids import InvalidId, decode
from domain.import_columns import nested, path_of
from services.paging import DEFAULT_LIMIT, decode_cursor

MOST_ATTRIBUTES: Final = 10
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class ProfileFilters:
    """Each list means OR within itself; all filters together mean AND.

    `q` are words, or the beginnings of words, of names, addresses and external ids; all of them.
    `attributes` are (name, value) with names such as `attributes.home.city`; the same name more
    than once means OR.
    """

    external_id: Sequence[str] = ()
    email: Sequence[str] = ()
    phone: Sequence[str] = ()
    group: Sequence[str] = ()
    attributes: Sequence[tuple[str, str]] = ()
    q: str | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def conditions(self, module_id: UUID | None) -> dict[str, Any]:
        """Return the store's conditions; raises Invalid for a wrong cursor."""
        found = {
            "module_id": module_id,
            "external_ids": [_plain(value) for value in self.external_id],
            "emails": [_normal(value, check_email).lower() for value in self.email],
            "phones": [_normal(value, check_phone) for value in self.phone],
            "groups": [_group(value) for value in self.group],
            "before": decode_cursor(self.cursor),
            "q": _plain(self.q) if self.q else None,
        }
        conditions: dict[str, Any] = {
            name: value for name, value in found.items() if value not in (None, [])
        }
        for number, wanted in enumerate(_attributes(self.attributes).values()):
            conditions[f"attributes_{number}"] = wanted
        return conditions


def _attributes(given: Sequence[tuple[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """Return by name the documents of which a profile's attributes hold one; raises Invalid.

    A value is meant as the text, number or boolean that it may be: `30` finds 30 and "30".
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name, value in given:
        path = path_of(_plain(name))
        if not all(path) or len(path) > _DEEPEST:
            raise Invalid.field(name, "must be attributes.<name>, or <name>.<name> for inner ones")
        meant = [_plain(value), *_typed(value)]
        found.setdefault(name, []).extend(nested(path, one) for one in meant)
    if len(found) > MOST_ATTRIBUTES:
        raise Invalid.field("attributes", f"may be asked for {MOST_ATTRIBUTES} at once")
    return found


def _typed(value: str) -> list[Any]:
    try:
        typed = from_json(value, allow_inf_nan=False)
    except ValueError:
        return []
    return [typed] if isinstance(typed, int | float) else []


def _normal(value: str, check: Any) -> str:
    """Return an address as profiles keep it; what is no address simply matches nothing."""
    try:
        return str(check(value))
    except ValueError:
        return _plain(value)


def _group(value: str) -> str:
    try:
        return str(decode("grp", value))
    except InvalidId:
        return _plain(value)


def _plain(value: str) -> str:
    return value.replace("\x00", "")
