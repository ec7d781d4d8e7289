"""What roles may do, and what a key of a user may at most."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.contract.access import RESOURCES
from domain.roles import EVERYTHING, IMPLIED, ROLE_SCOPES, covers, granted
from domain.vocabulary import Role

SCOPES = [EVERYTHING, *(f"{name}:{how}" for name in RESOURCES for how in ("read", "write"))]


def test_the_table_names_every_role_and_only_scopes_that_exist() -> None:
    assert set(ROLE_SCOPES) == set(Role)
    assert set().union(*ROLE_SCOPES.values()) <= set(SCOPES)


@given(st.sampled_from(Role), st.sets(st.sampled_from(SCOPES)))
def test_a_key_has_no_more_than_both_allow(role: Role, scopes: set[str]) -> None:
    found = granted(role, scopes)
    wanted = scopes | {IMPLIED[one] for one in scopes if one in IMPLIED}
    assert found <= wanted or EVERYTHING in scopes
    assert found <= ROLE_SCOPES[role] or role is Role.ADMINISTRATOR
    assert covers(ROLE_SCOPES[role], role)


@pytest.mark.parametrize(
    ("role", "scopes", "found"),
    [
        (Role.OPERATOR, {"accounts:write", "users:write"}, {"accounts:write"}),
        (Role.APPROVER, {"campaigns:write"}, {"approvals:write"}),
        (Role.VIEWER, {"notifications:write"}, set()),
        (Role.ADMINISTRATOR, {"users:write"}, {"users:write"}),
        (Role.ADMINISTRATOR, {"*"}, {"*"}),
    ],
)
def test_examples(role: Role, scopes: set[str], found: set[str]) -> None:
    assert granted(role, scopes) == found


def test_nobody_but_an_administrator_covers_one() -> None:
    for role in set(Role) - {Role.ADMINISTRATOR}:
        assert not covers(ROLE_SCOPES[role], Role.ADMINISTRATOR)
    assert not covers({"users:write"}, Role.VIEWER)
