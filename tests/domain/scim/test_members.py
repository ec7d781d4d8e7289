"""PATCH of groups folds into sets: the same members as if each operation were done by itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scim.errors import ScimRefusal, ScimType
from domain.scim.members import GroupChange, folded, group_change
from domain.scim.patching import operations

PEOPLE = ("a", "b", "c", "d")
some = st.sets(st.sampled_from(PEOPLE), max_size=3).map(sorted)


def said(ids: list[str]) -> list[dict[str, Any]]:
    return [{"value": one, "$ref": None} for one in ids]


def chosen(ids: list[str]) -> str:
    return "members[" + " or ".join(f'value eq "{one}"' for one in ids) + "]"


adds = some.map(lambda ids: ({"op": "Add", "path": "members", "value": said(ids)}, "add", ids))
without_path = some.map(lambda ids: ({"op": "add", "value": {"members": said(ids)}}, "add", ids))
replaces = some.map(
    lambda ids: ({"op": "replace", "path": "members", "value": said(ids)}, "replace", ids)
)
removes = some.filter(bool).map(
    lambda ids: ({"op": "Remove", "path": "members", "value": said(ids)}, "remove", ids)
)
picks = some.filter(bool).map(lambda ids: ({"op": "remove", "path": chosen(ids)}, "remove", ids))
empties = st.just(({"op": "remove", "path": "members"}, "replace", list[str]()))
steps = st.lists(adds | without_path | replaces | removes | picks | empties, min_size=1, max_size=6)


@given(st.sets(st.sampled_from(PEOPLE)), steps)
def test_sets_come_to_the_same_as_steps(present: set[str], steps: list[Any]) -> None:
    wanted = set(present)
    for _, verb, ids in steps:
        match verb:
            case "add":
                wanted |= set(ids)
            case "remove":
                wanted -= set(ids)
            case _:
                wanted = set(ids)
    change = folded(operations({"Operations": [one for one, _, _ in steps]})).members
    kept = set() if change.emptied else present - change.removed
    assert kept | change.added == wanted
    assert not change.added & change.removed


def test_names_and_ids() -> None:
    found = folded(operations({"Operations": [
        {"op": "replace", "value": {"id": "grp_1", "displayName": "New"}},
        {"op": "Add", "path": "externalId", "value": "x"},
    ]}))  # fmt: skip
    assert found == GroupChange("New", "x")
    gone = folded(operations({"Operations": [{"op": "remove", "path": "externalId"}]}))
    assert gone.external_id == ""


def test_a_whole_group_without_members_leaves_them() -> None:
    assert not group_change({"displayName": "x"}).members
    assert group_change({"displayName": "x", "members": []}).members.emptied


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"op": "add", "path": "owner", "value": "x"}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": 'members[value sw "x"]'}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": "members[value eq \"x\" and type pr]"}, ScimType.INVALID_PATH),
        ({"op": "replace", "path": "id", "value": "x"}, ScimType.MUTABILITY),
        ({"op": "replace", "path": "displayName", "value": 7}, ScimType.INVALID_VALUE),
        ({"op": "replace", "path": "displayName", "value": "x" * 300}, ScimType.INVALID_VALUE),
        ({"op": "replace", "path": "externalId", "value": "a\nb"}, ScimType.INVALID_VALUE),
        ({"op": "add", "path": "members", "value": [{"value": "g", "type": "Group"}]},
         ScimType.INVALID_VALUE),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(given: dict[str, Any], kind: ScimType) -> None:
    with pytest.raises(ScimRefusal) as caught:
        folded(operations({"Operations": [given]}))
    assert caught.value.scim_type is kind
