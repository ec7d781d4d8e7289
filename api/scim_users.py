"""/scim/v2/Users: the users that an identity provider pushes; profiles of the key's module."""

from typing import Any, Final

from api.scim_answers import PATCH
from api.scim_resources import Described, routes
from domain.scim.schemas import ENTERPRISE, USER
from services.scim import users

_EXAMPLE: Final[dict[str, Any]] = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "00u4711",
    "userName": "recipient@example.com",
    "name": {"givenName": "Sample", "familyName": "Recipient"},
    "displayName": "Sample Recipient",
    "emails": [{"value": "recipient@example.com", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "+14155550100", "type": "mobile"}],
    "preferredLanguage": "fr-CA",
    "timezone": "America/Toronto",
    "active": True,
    ENTERPRISE: {"department": "Sales", "costCenter": "4130"},
}
_PATCH: Final = {
    "schemas": [PATCH],
    "Operations": [
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "other@example.com"},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Support"},
    ],
}
_DEACTIVATE: Final = {
    "schemas": [PATCH],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}

router = routes(
    "Users",
    users,
    Described(
        schema="A User (RFC 7643 §4.1)",
        example=_EXAMPLE,
        patches={"example": _PATCH, "deactivate": _DEACTIVATE},
        does={
            "create": "Make a profile of a user.",
            "find": "List users, oldest first, with a filter and by pages.",
            "get": "Look at a user with its groups.",
            "replace": "Replace a user: what was pushed before and is not said now is taken away.",
            "patch": "Change parts of a user, all operations or none.",
            "delete": "Erase a user, as `DELETE /v1/profiles/{id}` does.",
        },
    ),
)
