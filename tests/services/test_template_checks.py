"""Data against a template version's JSON Schema."""

from typing import Any

import pytest

from domain.errors import FieldError
from domain.ids import new_id
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass
from services.template_checks import check_data, undeclared
from services.template_review import problems


def a_version(schema: dict[str, Any], content: dict[str, Any] | None = None) -> TemplateVersion:
    return TemplateVersion(
        template_id=new_id(),
        key="t",
        version=1,
        category=None,
        priority=None,
        locale="en",
        content=content or {"sms": {"text": "x"}},
        locales={},
        schema=schema,
    )


def test_without_a_schema_any_data_will_do() -> None:
    assert check_data(a_version({}), {"anything": [1]}) == []


@pytest.mark.parametrize(
    ("schema", "data", "fields"),
    [
        ({"required": ["a", "b"]}, {"b": 1}, ["data.a"]),
        ({"properties": {"o": {"required": ["x"]}}}, {"o": {}}, ["data.o.x"]),
        ({"properties": {"a": {"type": "integer"}}}, {"a": "1"}, ["data.a"]),
        ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 2]}, ["data.a[1]"]),
        ({"additionalProperties": False}, {"a": 1}, ["data"]),
        ({"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}},
         {"a": "x"}, ["data.a"]),
    ],
)  # fmt: skip
def test_what_breaks_the_schema_is_named(
    schema: dict[str, Any], data: Any, fields: list[str]
) -> None:
    assert [error.field for error in check_data(a_version(schema), data)] == fields


def test_good_data_passes() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert check_data(a_version(schema), {"a": 1, "b": "more"}) == []


def test_long_values_are_not_repeated_in_full() -> None:
    schema = {"properties": {"a": {"type": "integer"}}}
    (error,) = check_data(a_version(schema), {"a": "x" * 10_000})
    assert len(error.message) < 300


def test_many_errors_are_cut() -> None:
    schema = {"properties": {"a": {"items": {"type": "string"}}}}
    assert len(check_data(a_version(schema), {"a": list(range(1000))})) == 20


def test_a_schema_that_refers_to_itself_is_an_error_not_a_crash() -> None:
    (error,) = check_data(a_version({"$ref": "#"}), {"a": 1})
    assert error == FieldError("data", "cannot be checked: the template's schema refers to itself")


def test_undeclared_variables_are_those_of_all_words() -> None:
    content = {"sms": {"text": "{{ a }} {{ b.c }}"}, "email": {"subject": "{{ d }}", "text": "x"}}
    schema: dict[str, Any] = {"properties": {"a": {}, "unused": {}}}
    assert undeclared(a_version(schema, content)) == ["b", "d"]
    assert undeclared(a_version({}, content)) == []


@pytest.mark.parametrize(
    ("layout", "severity"),
    [("{{ count }}: {{ items[1].data.a }}", None), ("{{ nothing }}", "error")],
)
def test_a_layout_of_digests_is_tried_with_two_examples(layout: str, severity: str | None) -> None:
    schema = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    version = a_version(schema, {"sms": {"text": "{{ a }}", "digest": {"text": layout}}})
    found = problems(version, CategoryClass.TRANSACTIONAL)
    told = [one["severity"] for one in found if one["field"] == "content.sms.digest"]
    assert told == ([severity] if severity else [])
