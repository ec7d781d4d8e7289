"""PATCH of users: the operations of the standard, and as Entra and Okta send them."""

from copy import deepcopy
from typing import Any

import pytest

from domain.scim.documents import user_document
from domain.scim.errors import ScimRefusal, ScimType
from domain.scim.patching import operations, patched
from domain.scim.schemas import ENTERPRISE, USER

ANN: dict[str, Any] = {
    "userName": "ann@example.com",
    "name": {"givenName": "Ann", "familyName": "Example"},
    "emails": [
        {"value": "ann@example.com", "type": "work", "primary": True},
        {"value": "home@example.com", "type": "home"},
    ],
    "active": True,
    ENTERPRISE: {"department": "Sales", "manager": {"value": "7", "displayName": "Boss"}},
}
WORK = 'emails[type eq "work"]'


def after(*given: dict[str, Any], document: dict[str, Any] = ANN) -> dict[str, Any]:
    """Return a user after operations; the one before must stay as it was."""
    before = deepcopy(document)
    found = patched(document, operations({"Operations": list(given)}))
    assert document == before
    return found


def changed(**given: Any) -> dict[str, Any]:
    return {**ANN, **given}


def op(verb: str, path: str | None = None, value: Any = None) -> dict[str, Any]:
    return {"op": verb, **({"path": path} if path else {}), "value": value}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (op("Replace", "active", "False"), {"active": False}),
        (op("Replace", "active", [{"$ref": None, "value": "False"}]), {"active": False}),
        (op("replace", None, {"active": False}), {"active": False}),
        (op("replace", None, {"Active": "false", "id": "x", "photos": [1]}), {"active": False}),
        (op("Add", "nickName", "Babs"), {"nickName": "Babs"}),
        (op("add", "TITLE", ""), {}),
        (op("replace", "name.givenName", "Anne"),
         {"name": {"givenName": "Anne", "familyName": "Example"}}),
        (op("replace", "name", {"givenName": "Anne"}),
         {"name": {"givenName": "Anne", "familyName": "Example"}}),
        (op("replace", None, {"name.givenName": "Anne", f"{ENTERPRISE}:department": "Ops"}),
         {"name": {"givenName": "Anne", "familyName": "Example"},
          ENTERPRISE: {**ANN[ENTERPRISE], "department": "Ops"}}),
        (op("Replace", f"{ENTERPRISE}:manager", "8"),
         {ENTERPRISE: {"department": "Sales", "manager": {"value": "8"}}}),
        (op("remove", f"{ENTERPRISE}:manager.displayName"),
         {ENTERPRISE: {"department": "Sales", "manager": {"value": "7"}}}),
        (op("add", None, {ENTERPRISE: {"costCenter": 4130}}),
         {ENTERPRISE: {**ANN[ENTERPRISE], "costCenter": "4130"}}),
        (op("add", USER, {"title": "Lead", "NAME.familyName": "E"}),
         {"title": "Lead", "name": {"givenName": "Ann", "familyName": "E"}}),
        (op("add", None, {USER: {"title": "Lead"}}), {"title": "Lead"}),
        (op("add", "urn:example:2.0:User:tag", "red"), {"urn:example:2.0:User": {"tag": "red"}}),
        (op("Replace", f"{WORK}.value", "new@example.com"),
         {"emails": [{"value": "new@example.com", "type": "work", "primary": True},
                     ANN["emails"][1]]}),
        (op("replace", None, {f"{WORK}.value": "new@example.com"}),
         {"emails": [{"value": "new@example.com", "type": "work", "primary": True},
                     ANN["emails"][1]]}),
        (op("Replace", 'phoneNumbers[type eq "mobile"].value', "+14155550100"),
         {"phoneNumbers": [{"type": "mobile", "value": "+14155550100"}]}),
        (op("add", "emails", [{"value": "c@example.com", "primary": True}, ANN["emails"][1]]),
         {"emails": [{**ANN["emails"][0], "primary": False}, ANN["emails"][1],
                     {"value": "c@example.com", "primary": True}]}),
        (op("replace", "emails", {"value": "c@example.com"}),
         {"emails": [{"value": "c@example.com"}]}),
        (op("remove", WORK), {"emails": ANN["emails"][1:]}),
        (op("Remove", "emails", [{"value": "home@example.com"}]), {"emails": ANN["emails"][:1]}),
        (op("remove", 'emails[type eq "fax"]'), {}),
        (op("replace", 'roles[primary eq "True"].value', "lead"),
         {"roles": [{"primary": True, "value": "lead"}]}),
    ],
)  # fmt: skip
def test_one_operation(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert after(given) == changed(**wanted)


@pytest.mark.parametrize("path", ["emails", "name", ENTERPRISE, "active"])
def test_what_is_removed_is_gone(path: str) -> None:
    assert after(op("remove", path)) == {k: v for k, v in ANN.items() if k != path}
    if path != ENTERPRISE:
        assert path not in after(op("replace", path, None))


def test_the_last_value_of_an_extension_takes_it_along() -> None:
    found = after(op("remove", f"{ENTERPRISE}:department"), op("remove", f"{ENTERPRISE}:manager"))
    assert ENTERPRISE not in found


def test_operations_are_applied_in_order() -> None:
    found = after(op("add", "title", "a"), op("replace", "title", "b"), op("remove", WORK))
    assert (found["title"], len(found["emails"])) == ("b", 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ([], ScimType.INVALID_SYNTAX),
        ({"Operations": []}, ScimType.INVALID_SYNTAX),
        ({"Operations": [op("move", "title", "x")]}, ScimType.INVALID_SYNTAX),
        ({"Operations": [op("remove")]}, ScimType.NO_TARGET),
        ({"Operations": [op("add", None, "x")]}, ScimType.INVALID_VALUE),
        ({"Operations": [op("add", "emails[", "x")]}, ScimType.INVALID_PATH),
        ({"Operations": [op("remove", USER)]}, ScimType.INVALID_PATH),
        ({"Operations": [op("add", "colour", "x")]}, ScimType.INVALID_PATH),
        ({"Operations": [op("add", "name.colour", "x")]}, ScimType.INVALID_PATH),
        ({"Operations": [op("add", 'title[type eq "x"]', "x")]}, ScimType.INVALID_PATH),
        ({"Operations": [op("replace", "id", "x")]}, ScimType.MUTABILITY),
        ({"Operations": [op("replace", "groups", [])]}, ScimType.MUTABILITY),
        ({"Operations": [op("replace", 'emails[value sw "z"].type', "x")]}, ScimType.NO_TARGET),
        ({"Operations": [op("replace", "active", "perhaps")]}, ScimType.INVALID_VALUE),
        ({"Operations": [op("remove", "userName")]}, ScimType.INVALID_VALUE),
        ({"Operations": [op("replace", "title", {"a": 1})]}, ScimType.INVALID_VALUE),
        ({"Operations": [op("replace", "title", "x\x00")]}, ScimType.INVALID_VALUE),
        ({"Operations": [op("replace", "title", "x" * 70_000)]}, ScimType.INVALID_VALUE),
    ],
)
def test_what_is_wrong_is_named_in_the_words_of_the_standard(body: Any, kind: ScimType) -> None:
    with pytest.raises(ScimRefusal) as caught:
        patched(ANN, operations(body))
    assert caught.value.scim_type is kind


def test_a_user_is_brought_into_one_form() -> None:
    found = user_document(
        {
            "schemas": ["x"], "id": "7", "meta": {}, "groups": [{"value": "g"}], "password": "s",
            "USERNAME": "ann", "active": "True", "emails": "ann@example.com", "title": None,
            "phoneNumbers": [{"Value": "1", "colour": "red"}, {"type": "fax"}], "roles": [],
            ENTERPRISE: {"Manager": "7", "employeeNumber": 12, "unknown": "x"},
        }
    )  # fmt: skip
    assert found == {
        "userName": "ann", "active": True, "emails": [{"value": "ann@example.com"}],
        "phoneNumbers": [{"value": "1"}],
        ENTERPRISE: {"manager": {"value": "7"}, "employeeNumber": "12"},
    }  # fmt: skip
    assert user_document(found) == found
