"""What of a SCIM user becomes a profile: its addresses, language, time zone and attributes.

What is pushed wins where it changes: a field is written only when what the provider says of it
differs from what it said before, so what a module set by itself stays until then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from domain.contract.base import Line
from domain.contract.notification import Locale as LocaleType
from domain.contract.notification import check_email, check_phone, check_timezone
from domain.scim.documents import Document
from domain.scim.errors import invalid_value

DERIVED: Final = ("external_id", "name", "email", "phone", "locale", "timezone")
_ATTRIBUTES: Final = ("nickName", "title", "userType", "profileUrl")
_NAMES: Final = ("givenName", "familyName")
_PLACES: Final = ("country", "region", "locality")
_LISTS: Final = ("roles", "entitlements")
_NO_TEXTS: Final = frozenset({"fax", "pager"})
_LONGEST: Final = {"userName": 320, "externalId": 255, "name": 255}
_LINE: Final = TypeAdapter(Line)
_LOCALE: Final = TypeAdapter(LocaleType)


@dataclass(frozen=True, slots=True)
class Person:
    """What a document says of a profile; `fields` has DERIVED, None where it says nothing."""

    fields: Mapping[str, str | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def over(self, present: Mapping[str, Any], before: "Person") -> dict[str, Any]:
        """Return the fields and attributes of a profile after this document, which replaced one
        that said `before`.
        """
        result: dict[str, Any] = dict(present)
        for name in DERIVED:
            if self.fields[name] != before.fields[name]:
                result[name] = self.fields[name]
        attributes = dict(present.get("attributes") or {})
        for name in {*self.attributes, *before.attributes}:
            now = self.attributes.get(name)
            if now == before.attributes.get(name):
                continue
            if now is None:
                attributes.pop(name, None)
            else:
                attributes[name] = now
        return {**result, "attributes": attributes}


NOBODY: Final = Person(dict.fromkeys(DERIVED))


def person(document: Document) -> Person:
    """Return what a document says; raises ScimRefusal for a name, login or address that cannot be.

    Phone numbers, languages and time zones that cannot be used are passed over: an optional value
    is no reason to refuse somebody.
    """
    _line(document.get("userName"), "userName")
    return Person(
        {
            "external_id": _line(document.get("externalId"), "externalId"),
            "name": _line(_name(document), "name"),
            "email": _email(document.get("emails") or ()),
            "phone": _phone(document.get("phoneNumbers") or ()),
            "locale": _locale(document),
            "timezone": _usable(check_timezone, document.get("timezone")),
        },
        _attributes(document),
    )


def check_login(document: Document) -> str:
    """Return the userName; raises ScimRefusal where there is none."""
    found = document.get("userName")
    if not found:
        raise invalid_value("userName is required.")
    return str(found)


def email_keys(document: Document) -> list[str]:
    """Return all addresses in lower case, by which the user is found."""
    return sorted({str(one["value"]).lower() for one in document.get("emails") or ()})


def _name(document: Document) -> str | None:
    name = document.get("name") or {}
    parts = [name[part] for part in _NAMES if part in name]
    return document.get("displayName") or name.get("formatted") or " ".join(parts) or None


def _email(given: Sequence[Mapping[str, Any]]) -> str | None:
    listed = _in_order(given, ("work",))
    for one in listed:
        if found := _usable(check_email, one):
            return found
    if listed:
        raise invalid_value(f"emails: {listed[0][:320]!r} is not an e-mail address.")
    return None


def _phone(given: Sequence[Mapping[str, Any]]) -> str | None:
    texted = [one for one in given if str(one.get("type", "")).lower() not in _NO_TEXTS]
    for one in _in_order(texted, ("mobile",)):
        if found := _usable(check_phone, one):
            return found
    return None


def _in_order(given: Sequence[Mapping[str, Any]], types: Iterable[str]) -> list[str]:
    """Return the values, the primary one first, then those of the types, then the others."""
    wanted = list(types)

    def rank(one: Mapping[str, Any]) -> tuple[bool, bool]:
        return (not one.get("primary"), str(one.get("type", "")).lower() not in wanted)

    return [str(one["value"]) for one in sorted(given, key=rank) if one.get("value")]


def _locale(document: Document) -> str | None:
    """Return the preferred language, or the locale where that is the finer of the two."""
    language = str(document.get("preferredLanguage") or "").split(",")[0].split(";")[0].strip()
    preferred = _usable(_LOCALE.validate_python, language)
    locale = _usable(_LOCALE.validate_python, document.get("locale"))
    if (
        preferred
        and locale
        and locale.lower().replace("_", "-").startswith(f"{preferred.lower()}-")
    ):
        return locale
    return preferred or locale


def _usable(check: Any, value: Any) -> str | None:
    if not value:
        return None
    try:
        return str(check(value))
    except ValueError:  # pydantic's ValidationError is one
        return None


def _attributes(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {name: document[name] for name in _ATTRIBUTES if name in document}
    name = document.get("name") or {}
    found |= {part: name[part] for part in _NAMES if part in name}
    places = sorted(document.get("addresses") or (), key=lambda one: not one.get("primary"))
    if places:
        found |= {part: places[0][part] for part in _PLACES if part in places[0]}
    for many in _LISTS:
        if document.get(many):
            found[many] = [one["value"] for one in document[many]]
    for urn, extension in document.items():
        if urn.startswith("urn:") and isinstance(extension, Mapping):
            found |= extension
    return found


def _line(value: Any, name: str) -> str | None:
    if value is None:
        return None
    if len(value) > _LONGEST[name]:
        raise invalid_value(f"{name} may have {_LONGEST[name]} characters.")
    try:
        return _LINE.validate_python(value)
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise invalid_value(f"{name}: {why}.") from None
