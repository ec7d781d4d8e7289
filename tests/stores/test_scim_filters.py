"""Filters of SCIM as SQL: what cannot be answered is refused, and no value stands in the SQL."""

import pytest
from hypothesis import given

from domain.scim.errors import ScimRefusal, ScimType
from domain.scim.expressions import Filter
from domain.scim.filters import parse_filter
from domain.scim.schemas import ENTERPRISE
from stores.scim_filters import GroupConditions
from stores.scim_user_filters import UserConditions
from tests.domain.scim.test_filters import filters


@pytest.mark.parametrize(
    "filter",
    [
        'colour eq "red"', 'emails.colour eq "red"', "name pr", "title gt 7", 'active co "t"',
        'id sw "prf"', 'title[value eq "x"]', 'meta.created gt "x"', "meta.version pr",
        'meta.created gt "0001-01-01T00:00:00+23:00"', "meta.created eq null",
        'meta.created co "2"',
        'meta.created gt "2030-01-01T00:00:00"', 'emails[name.x eq "y"]', f"{ENTERPRISE}:colour pr",
        f"{ENTERPRISE}:manager.colour pr", "password pr", 'groups.display eq "x"', "title.x pr",
        'members.value eq "x"',
    ],
)  # fmt: skip
def test_what_users_cannot_be_asked_for(filter: str) -> None:
    with pytest.raises(ScimRefusal) as caught:
        UserConditions().of(parse_filter(filter))
    assert caught.value.scim_type is ScimType.INVALID_FILTER


@pytest.mark.parametrize(
    "filter", ["userName pr", 'members[display eq "x"]', 'members co "prf"', 'a[value eq "x"]']
)
def test_what_groups_cannot_be_asked_for(filter: str) -> None:
    with pytest.raises(ScimRefusal) as caught:
        GroupConditions().of(parse_filter(filter))
    assert caught.value.scim_type is ScimType.INVALID_FILTER


@given(filters)
def test_values_are_parameters(one: Filter) -> None:
    conditions = UserConditions()
    try:
        sql = conditions.of(one)
    except ScimRefusal:
        return
    literals = set(sql.split("'")[1::2])
    assert literals <= {
        "[]", "value", "type", "primary", "work", "mobile", "", "emails", "roles",
    }  # fmt: skip
    assert all(f":{name} " in sql for name in conditions.binds)
