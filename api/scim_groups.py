"""/scim/v2/Groups: the groups that an identity provider pushes, with their members."""

from typing import Any, Final

from api.scim_answers import PATCH
from api.scim_resources import Described, routes
from domain.scim.schemas import GROUP
from services.scim import groups

_EXAMPLE: Final[dict[str, Any]] = {
    "schemas": [GROUP],
    "externalId": "8aa1a0c0",
    "displayName": "Sales",
    "members": [],
}
_PATCH: Final = {
    "schemas": [PATCH],
    "Operations": [
        {"op": "replace", "path": "displayName", "value": "Sales and support"},
        {"op": "remove", "path": 'members[value eq "prf_00000000000000000000000000"]'},
    ],
}

router = routes(
    "Groups",
    groups,
    Described(
        schema="A Group (RFC 7643 §4.2)",
        example=_EXAMPLE,
        patches={"example": _PATCH},
        does={
            "create": "Make a group, empty or with members.",
            "find": "List groups, oldest first, with a filter and by pages.",
            "get": "Look at a group; members come with it where they fit into one answer.",
            "replace": "Replace a group; without `members` they stay as they are.",
            "patch": "Change the name or members of a group; 204 unless attributes are asked for.",
            "delete": "Remove a group; its users stay.",
        },
        patched={204: {"description": "Changed; no attributes were asked for"}},
    ),
)
