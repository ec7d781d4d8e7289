"""What of a user becomes a profile, and what of it a later push changes."""

from typing import Any

import pytest

from domain.scim.errors import ScimRefusal
from domain.scim.people import NOBODY, person
from domain.scim.projection import Projection
from domain.scim.schemas import ENTERPRISE


def fields(**document: Any) -> dict[str, Any]:
    return dict(person({"userName": "ann", **document}).fields)


def test_a_name_is_the_shown_one_else_made_of_its_parts() -> None:
    name = {"givenName": "Ann", "familyName": "Example"}
    assert fields(displayName="A. Example", name=name)["name"] == "A. Example"
    assert fields(name={**name, "formatted": "Ms Example"})["name"] == "Ms Example"
    assert fields(name=name)["name"] == "Ann Example"
    assert fields()["name"] is None


def test_the_primary_address_is_used_then_the_one_of_work() -> None:
    home, work = {"value": "h@example.com", "type": "home"}, {"value": "w@x.com", "type": "Work"}
    assert fields(emails=[home, work])["email"] == "w@x.com"
    assert fields(emails=[work, {**home, "primary": True}])["email"] == "h@example.com"
    assert fields(emails=[{"value": "nobody", "primary": True}, home])["email"] == "h@example.com"
    with pytest.raises(ScimRefusal, match="'nobody' is not an e-mail address"):
        fields(emails=[{"value": "nobody"}])


def test_a_number_that_cannot_be_used_is_no_reason_to_refuse_anybody() -> None:
    mobile = {"value": "tel:+1-415-555-0100", "type": "mobile"}
    bad = {"value": "ext. 12", "type": "work"}
    assert fields(phoneNumbers=[bad, mobile])["phone"] == "+14155550100"
    assert fields(phoneNumbers=[bad])["phone"] is None
    assert fields(phoneNumbers=[{"value": "+14155550101", "type": "fax"}])["phone"] is None


def test_the_finer_language_is_taken() -> None:
    assert fields(preferredLanguage="fr", locale="fr_CA")["locale"] == "fr_CA"
    assert fields(preferredLanguage="de", locale="fr-CA")["locale"] == "de"
    assert fields(preferredLanguage="en-US,en;q=0.8")["locale"] == "en-US"
    assert fields(preferredLanguage="??", locale="es", timezone="Mars/Base")["locale"] == "es"
    assert fields(timezone="Mars/Base")["timezone"] is None


def test_attributes_are_flat_so_that_audiences_can_ask_for_them() -> None:
    found = person({
        "userName": "ann", "title": "Clerk", "name": {"givenName": "Ann"},
        "roles": [{"value": "a"}, {"value": "b"}],
        "addresses": [{"country": "FR"}, {"country": "CA", "primary": True}],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "7"}},
        "urn:example:2.0:User": {"tag": "red"},
    })  # fmt: skip
    assert found.attributes == {
        "title": "Clerk", "givenName": "Ann", "roles": ["a", "b"], "country": "CA",
        "department": "Sales", "manager": {"value": "7"}, "tag": "red",
    }  # fmt: skip


def test_only_what_a_push_changes_is_written() -> None:
    first = person({"userName": "a", "emails": [{"value": "a@example.com"}], "title": "x"})
    second = person({"userName": "a", "emails": [{"value": "a@example.com"}], "nickName": "b"})
    present = {
        "email": "mended@example.com",
        "phone": "+1",
        "attributes": {"plan": 1, "title": "x"},
    }
    after = second.over(present, first)
    assert after == {
        "email": "mended@example.com", "phone": "+1", "attributes": {"plan": 1, "nickName": "b"},
    }  # fmt: skip
    assert second.over(present, NOBODY)["email"] == "a@example.com"


def test_answers_hold_what_was_asked_for() -> None:
    whole = {
        "schemas": ["s"], "id": "1", "userName": "a", "name": {"givenName": "A", "familyName": "B"},
        "emails": [{"value": "v", "type": "t"}], ENTERPRISE: {"department": "d", "division": "e"},
    }  # fmt: skip
    asked = f"USERNAME, name.givenName,emails.value,{ENTERPRISE}:department"
    assert Projection.read(asked, None).of(whole) == {
        "schemas": ["s"], "id": "1", "userName": "a", "name": {"givenName": "A"},
        "emails": [{"value": "v"}], ENTERPRISE: {"department": "d"},
    }  # fmt: skip
    left = Projection.read(None, f"id,emails,name.familyName,{ENTERPRISE}").of(whole)
    assert left == {
        "schemas": ["s"], "id": "1", "userName": "a", "name": {"givenName": "A"},
    }  # fmt: skip
