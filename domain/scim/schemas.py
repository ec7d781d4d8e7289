"""The attributes that are understood (RFC 7643 §4), as `/Schemas` tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute (RFC 7643 §7); `sub` are those of a complex one."""

    name: str
    description: str = ""
    type: str = "string"
    multi: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    uniqueness: str = "none"
    sub: tuple["Attribute", ...] = ()

    @property
    def writable(self) -> bool:
        """Whether clients may say it."""
        return self.mutability != "readOnly"

    def body(self) -> dict[str, Any]:
        """Return it as `/Schemas` has it."""
        shown: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi,
            "description": self.description or self.name,
            "required": self.required,
            "mutability": self.mutability,
            "returned": "default",
        }
        if self.type == "complex":
            return {**shown, "subAttributes": [one.body() for one in self.sub]}
        if self.type == "reference":
            shown["referenceTypes"] = ["external"]
        return {**shown, "caseExact": self.case_exact, "uniqueness": self.uniqueness}


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema: its URN and attributes."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    def find(self, name: str) -> Attribute | None:
        """Return an attribute by its name, whatever its case."""
        return find(self.attributes, name)


def find(attributes: tuple[Attribute, ...], name: str) -> Attribute | None:
    """Return one of the attributes by its name, whatever its case (RFC 7643 §2.1)."""
    wanted = name.lower()
    return next((one for one in attributes if one.name.lower() == wanted), None)


def _texts(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name) for name in names)


def _many(name: str, description: str, *more: Attribute, value: str = "string") -> Attribute:
    sub = (
        Attribute("value", type=value),
        *more,
        *_texts("display", "type"),
        Attribute("primary", "Whether it is the one to be used first", "boolean"),
    )
    return Attribute(name, description, "complex", multi=True, sub=sub)


_NAME: Final = Attribute(
    "name",
    "The parts of the name",
    "complex",
    sub=_texts(
        "formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"
    ),
)
_ADDRESSES: Final = Attribute(
    "addresses",
    "Postal addresses; the country, region and locality of the first become attributes",
    "complex",
    multi=True,
    sub=(
        *_texts(
            "formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"
        ),
        Attribute("primary", type="boolean"),
    ),
)
_USERS_GROUPS: Final = Attribute(
    "groups",
    "The groups of the user; changed by way of the groups",
    "complex",
    multi=True,
    mutability="readOnly",
    sub=tuple(
        Attribute(name, type=kind, mutability="readOnly")
        for name, kind in (
            ("value", "string"), ("$ref", "reference"), ("display", "string"), ("type", "string"),
        )
    ),
)  # fmt: skip
_COMMON: Final = (
    Attribute(
        "externalId",
        "The provider's own id; the external_id of the profile",
        case_exact=True,
        uniqueness="server",
    ),
)

USERS: Final = Schema(
    USER,
    "User",
    "A person who can be told something: a profile",
    (
        Attribute("userName", "The login name", required=True, uniqueness="server"),
        *_COMMON,
        _NAME,
        Attribute("displayName", "The name of the profile"),
        *_texts("nickName", "title", "userType"),
        Attribute("profileUrl", type="reference"),
        Attribute("preferredLanguage", "The language of messages, such as fr or fr-CA"),
        Attribute("locale", "The language and region of messages, such as fr-CA"),
        Attribute("timezone", "An IANA time zone, such as Europe/Paris"),
        Attribute("active", "Nothing is sent to who is not active", "boolean"),
        _many("emails", "The first usable one becomes the e-mail address of the profile"),
        _many("phoneNumbers", "The first usable one becomes the phone number of the profile"),
        _ADDRESSES,
        _many("roles", "Roles, as attributes of the profile"),
        _many("entitlements", "Entitlements, as attributes of the profile"),
        _USERS_GROUPS,
    ),
)
ENTERPRISES: Final = Schema(
    ENTERPRISE,
    "EnterpriseUser",
    "What is known of an employee; attributes of the profile",
    (
        *_texts("employeeNumber", "costCenter", "organization", "division", "department"),
        Attribute(
            "manager",
            "The manager",
            "complex",
            sub=(Attribute("value"), Attribute("$ref", type="reference"), Attribute("displayName")),
        ),
    ),
)
GROUPS: Final = Schema(
    GROUP,
    "Group",
    "A named set of profiles",
    (
        Attribute("displayName", "The name of the group", required=True, uniqueness="server"),
        *_COMMON,
        Attribute(
            "members",
            "The users in the group",
            "complex",
            multi=True,
            sub=(
                Attribute("value", "The id of a user", mutability="immutable", case_exact=True),
                Attribute("$ref", type="reference", mutability="immutable"),
                Attribute("type", mutability="immutable"),
            ),
        ),
    ),
)
SCHEMAS: Final[Mapping[str, Schema]] = {one.id: one for one in (USERS, ENTERPRISES, GROUPS)}
_BY_LOWER: Final = {id.lower(): id for id in SCHEMAS}

NOT_KEPT: Final = frozenset({"password", "ims", "photos", "x509certificates"})
"""Attributes of RFC 7643 that nobody here needs: they are passed over, and never stored."""
GIVEN_BY_US: Final = frozenset({"id", "meta", "schemas"})


def canonical_urn(urn: str) -> str:
    """Return the URN of a known schema in its own case, another one as it is."""
    return _BY_LOWER.get(urn.lower(), urn)
