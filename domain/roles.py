"""What each role may do, in one table; whoever gives rights has them."""

from collections.abc import Set
from typing import Final

from domain.vocabulary import Role

EVERYTHING: Final = "*"
_READS: Final = frozenset(
    f"{name}:read"
    for name in (
        "notifications", "templates", "profiles", "groups", "audiences", "modules", "categories",
        "outbox", "analytics", "accounts", "suppressions", "audit", "events", "webhooks", "rules",
        "campaigns", "schedules", "triggers",
    )
)  # fmt: skip
_OWN_KEYS: Final = frozenset({"keys:read", "keys:write"})
"""Of keys, whoever is no administrator makes, sees and ends only those bound to themselves."""
_SENDS: Final = _READS | _OWN_KEYS | {"notifications:write"}

ROLE_SCOPES: Final = {
    Role.ADMINISTRATOR: frozenset({EVERYTHING}),
    Role.OPERATOR: _SENDS
    | {
        "accounts:write",
        "campaigns:write",
        "groups:write",
        "profiles:write",
        "schedules:write",
        "suppressions:write",
    },
    Role.AUTHOR: _SENDS | {"audiences:write", "campaigns:write", "groups:write", "templates:write"},
    Role.APPROVER: _READS | _OWN_KEYS | {"approvals:write", "users:read"},
    Role.VIEWER: _READS,
}
"""Whoever keeps profiles sees their addresses whole; so authors gather people into groups, where
addresses are masked, and operators alone keep, import, export and erase them."""
APPROVERS: Final = frozenset({Role.ADMINISTRATOR, Role.APPROVER})
"""Roles whose users may approve campaigns, if they did not write them."""

IMPLIED: Final = {"campaigns:write": "approvals:write"}
"""A key that may work on campaigns may decide on them, if it is bound to somebody who may."""


def granted(role: Role, key_scopes: Set[str]) -> frozenset[str]:
    """Return what a key of these scopes may do that is bound to a user of this role."""
    wanted = frozenset(key_scopes) | {IMPLIED[one] for one in key_scopes if one in IMPLIED}
    allowed = ROLE_SCOPES[role]
    if EVERYTHING in wanted:
        return allowed
    return wanted if EVERYTHING in allowed else wanted & allowed


def covers(scopes: Set[str], role: Role) -> bool:
    """Whether scopes hold all that a role may do: nobody gives a role that is above their own."""
    return EVERYTHING in scopes or ROLE_SCOPES[role] <= scopes
