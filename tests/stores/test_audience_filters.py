"""Filters over profiles: each operator on a real PostgreSQL, and any value is only a value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.contract.audience_filter import Expression
from stores.audience_filters import condition
from stores.database import Database
from tests.stores.test_profiles import a_module, a_profile

PEOPLE: dict[str, dict[str, Any]] = {
    "ann": {"email": "Ann@example.com", "timezone": "Europe/Paris", "locale": "fr",
            "attributes": {"plan": "pro", "age": 31, "tags": ["a", "b"], "vip": True,
                           "address": {"city": "Paris"}, "since": "2024-05-01"}},
    "bob": {"phone": "+14155550100", "timezone": "America/New_York",
            "attributes": {"plan": "free", "age": 9, "tags": [], "vip": False, "odd": "31"}},
    "cyd": {"name": "100% Cyd_", "attributes": {"plan": None, "age": "many", "tags": "ab"}},
}  # fmt: skip
CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({"field": "attributes.plan", "value": "pro"}, {"ann"}),
    ({"field": "attributes.plan", "op": "ne", "value": "pro"}, {"bob", "cyd"}),
    ({"field": "attributes.plan", "op": "in", "value": ["pro", "free"]}, {"ann", "bob"}),
    ({"field": "attributes.plan", "op": "not_in", "value": ["pro"]}, {"bob", "cyd"}),
    ({"field": "attributes.plan", "op": "exists", "value": True}, {"ann", "bob"}),
    ({"field": "attributes.plan", "op": "exists", "value": False}, {"cyd"}),
    ({"field": "attributes.none", "op": "exists", "value": False}, {"ann", "bob", "cyd"}),
    ({"field": "attributes.age", "op": "gt", "value": 9}, {"ann"}),
    ({"field": "attributes.age", "op": "gte", "value": 9}, {"ann", "bob"}),
    ({"field": "attributes.age", "op": "lt", "value": 9.5}, {"bob"}),
    ({"field": "attributes.age", "op": "lte", "value": 31}, {"ann", "bob"}),
    ({"field": "attributes.age", "value": 31}, {"ann"}),
    ({"field": "attributes.odd", "value": 31}, set()),
    ({"field": "attributes.vip", "value": True}, {"ann"}),
    ({"field": "attributes.address.city", "value": "Paris"}, {"ann"}),
    ({"field": "attributes.tags", "op": "contains", "value": "a"}, {"ann", "cyd"}),
    ({"field": "attributes.since", "op": "gte", "value": "2024-01-01"}, {"ann"}),
    ({"field": "attributes.plan", "op": "starts_with", "value": "pr"}, {"ann"}),
    ({"field": "email", "value": "ann@EXAMPLE.com"}, {"ann"}),
    ({"field": "email", "op": "in", "value": ["ANN@example.com"]}, {"ann"}),
    ({"field": "email", "op": "exists", "value": False}, {"bob", "cyd"}),
    ({"field": "email", "op": "ne", "value": "ann@example.com"}, {"bob", "cyd"}),
    ({"field": "name", "op": "contains", "value": "%"}, {"cyd"}),
    ({"field": "name", "op": "starts_with", "value": "_00"}, set()),
    ({"field": "timezone", "op": "starts_with", "value": "Europe/"}, {"ann"}),
    ({"field": "external_id", "op": "gt", "value": "ann"}, {"bob", "cyd"}),
    ({"field": "created_at", "op": "gt", "value": "2001-01-01T00:00:00Z"}, {"ann", "bob", "cyd"}),
    ({"field": "created_at", "op": "lt", "value": "2001-01-01T00:00:00+02:00"}, set()),
    ({"field": "groups", "op": "contains", "value": "beta"}, {"bob"}),
    ({"field": "groups", "op": "exists", "value": False}, {"ann", "cyd"}),
    ({"not": {"field": "attributes.age", "op": "gt", "value": 9}}, {"bob", "cyd"}),
    ({"any": [{"field": "locale", "value": "fr"}, {"field": "attributes.vip", "value": False}]},
     {"ann", "bob"}),
    ({"all": [{"field": "attributes.plan", "op": "exists", "value": True},
              {"not": {"field": "locale", "value": "fr"}}]}, {"bob"}),
]  # fmt: skip
_EXPRESSION: TypeAdapter[Any] = TypeAdapter(Expression)


def compiled(expression: Any) -> tuple[str, list[Any]]:
    values: list[Any] = []

    def bind(value: Any, kind: str) -> str:
        values.append(value)
        return f"${len(values)}::{kind}"

    return condition(_EXPRESSION.validate_python(expression), bind), values


async def matching(conn: Any, expression: Any) -> set[str]:
    where, values = compiled(expression)
    raw = (await conn.get_raw_connection()).driver_connection
    rows = await raw.fetch(f"SELECT external_id, {where} AS fits FROM profiles p", *values)
    assert None not in {row["fits"] for row in rows}
    return {row["external_id"] for row in rows if row["fits"]}


async def test_every_operator(db: Database) -> None:
    async with db.leader() as conn:
        module = await a_module(conn)
        for name, fields in PEOPLE.items():
            id = await a_profile(conn, module, **{"external_id": name, **fields})
            if name == "bob":
                await conn.exec_driver_sql(
                    "WITH g AS (INSERT INTO groups (id, module_id, name)"
                    " VALUES (gen_random_uuid(), $1, 'beta') RETURNING id)"
                    " INSERT INTO profile_groups SELECT $2, id FROM g",
                    (module, id),
                )
        for expression, wanted in CASES:
            assert await matching(conn, expression) == wanted, expression
            negated = await matching(conn, {"not": expression})
            assert negated == set(PEOPLE) - wanted, expression


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50))
def test_a_value_never_becomes_sql(value: str) -> None:
    for op in ("eq", "lt", "contains", "starts_with"):
        for field in ("attributes.plan", "name"):
            words, values = compiled({"field": field, "op": op, "value": value})
            usual, _ = compiled({"field": field, "op": op, "value": "usual"})
            assert words == usual
            assert value in str(values) or repr(value)[1:-1] in str(values)


@pytest.mark.parametrize("key", ["a'b", 'a"b', "a}b", "a--b", "ключ", "a$1"])
async def test_a_key_never_becomes_sql(db: Database, key: str) -> None:
    words, _ = compiled({"field": f"attributes.{key}", "op": "starts_with", "value": "x"})
    assert key not in words
    async with db.leader() as conn:
        module = await a_module(conn)
        await a_profile(conn, module, external_id="odd", attributes={key: "xyz"})
        for op, value in (("starts_with", "x"), ("eq", "xyz"), ("contains", "y")):
            asked = {"field": f"attributes.{key}", "op": op, "value": value}
            assert await matching(conn, asked) == {"odd"}
