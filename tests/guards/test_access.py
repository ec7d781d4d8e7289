"""No route answers anybody without a valid key, and each describes itself."""

import re
from functools import cache
from typing import Any, cast

import pytest
from httpx import AsyncClient

from api.app import create_api
from domain.ids import encode, new_id
from services.app import App
from tests.fixtures.api import Client, a_client

SCIM = "/scim/v2/"
"""Has errors of its own form."""

DISCOVERY = {
    f"{SCIM}{path}"
    for path in (
        "ServiceProviderConfig", "ResourceTypes", "ResourceTypes/{name}", "Schemas",
        "Schemas/{urn}",
    )
}  # fmt: skip
"""Says the same of every installation (RFC 7643 §5)."""

OPEN = {"/healthz", "/readyz", "/metrics", *DISCOVERY}
SIGNED = "/v1/receipts/{account}"
"""Called by vendors, whose own signature is the authentication; nothing else is like it."""

FILES = {"/v1/profiles/import"}
"""Take files, streamed, and no JSON document."""

JSON = {"application/json", "application/scim+json"}
METHODS = {"get", "put", "post", "patch", "delete", "head", "options", "trace"}
KEYS = {
    "no key": None,
    "a wrong key": "Bearer tcs_wrong",
    "an empty key": "Bearer ",
    "a password": "Basic c2FtOnNhbQ==",
}


@cache
def document() -> dict[str, Any]:
    """The description of the API, which needs no running system."""
    return create_api(cast(App, None)).openapi()


def operations() -> list[tuple[str, str]]:
    paths = document()["paths"]
    return [(method, path) for path in paths for method in paths[path] if method in METHODS]


GUARDED = [one for one in operations() if one[1] not in OPEN and one[1] != SIGNED]


def name(one: tuple[str, str]) -> str:
    return f"{one[0]} {one[1]}"


async def ask(client: AsyncClient, one: tuple[str, str], key: str | None) -> Any:
    method, path = one
    filled = re.sub(r"\{number\}", "1", path)
    filled = re.sub(r"\{\w+\}", "some_01JZZZZZZZZZZZZZZZZZZZZZZZ", filled)
    headers = {} if key is None else {"Authorization": key}
    return await client.request(method, filled, json=example(one), headers=headers)


def example(one: tuple[str, str]) -> Any:
    """The body that the description shows; None where none is needed."""
    described = document()["paths"][one[1]][one[0]].get("requestBody")
    if described is None:
        return None
    for kind in JSON & set(described["content"]):
        return next(iter(described["content"][kind]["examples"].values()))["value"]
    return None  # a file, which is refused before it is looked at


def check_refusal(answer: Any, one: tuple[str, str], status: int, type: str) -> None:
    assert answer.status_code == status, name(one)
    assert answer.headers["content-type"] == problem_kind(one[1]), name(one)
    if one[1].startswith(SCIM):
        assert answer.json()["status"] == str(status), name(one)
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    else:
        assert answer.json()["type"] == type, name(one)


def problem_kind(path: str) -> str:
    return "application/scim+json" if path.startswith(SCIM) else "application/problem+json"


def test_every_route_stands_under_v1_or_is_open_on_purpose() -> None:
    assert len(GUARDED) > 40
    assert [one for one in GUARDED if not one[1].startswith(("/v1/", SCIM))] == []
    assert {path for _, path in operations()} >= OPEN


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
async def test_every_route_refuses(app: App, key: str | None) -> None:
    async with a_client(app, None) as client:
        for one in GUARDED:
            answer = await ask(client, one, key)
            check_refusal(answer, one, 401, "/problems/unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer"), name(one)


async def test_every_route_asks_for_a_scope(client: Client) -> None:
    weak = await client.with_key("nothing:at-all")
    for one in GUARDED:
        answer = await ask(weak, one, weak.headers["authorization"])
        check_refusal(answer, one, 403, "/problems/forbidden")


async def test_what_vendors_sign_tells_nobody_else_anything(app: App) -> None:
    assert {method for method, path in operations() if path == SIGNED} == {"post", "get", "head"}
    async with a_client(app, None) as client:
        for account in ("some_01JZZZZZZZZZZZZZZZZZZZZZZZ", encode("acc", new_id()), "x"):
            for method in ("POST", "GET"):
                answer = await client.request(method, f"/v1/receipts/{account}")
                assert answer.status_code == 404
                assert answer.json()["detail"] == "There is no account here that takes receipts."
            assert (await client.head(f"/v1/receipts/{account}")).status_code == 404


async def test_what_is_open_needs_no_key(app: App) -> None:
    async with a_client(app, None) as client:
        assert (await client.get("/healthz")).status_code == 200


def test_every_operation_describes_itself() -> None:
    for method, path in operations():
        described = document()["paths"][path][method]
        assert described["summary"], path
        assert described["description"].strip().endswith("."), path
        assert described["tags"], path
        assert problem_kind(path) in described["responses"]["default"]["content"], path


def test_operation_ids_are_unique() -> None:
    ids = [document()["paths"][path][method]["operationId"] for method, path in operations()]
    assert all(ids)
    assert len(ids) == len(set(ids))


def test_a_guarded_operation_says_so_and_an_open_one_does_not() -> None:
    for method, path in operations():
        guarded = document()["paths"][path][method].get("security") == [{"HTTPBearer": []}]
        assert guarded == ((method, path) in GUARDED), path


def test_every_body_has_an_example_and_a_schema_that_exists() -> None:
    described = document()
    schemas = described["components"]["schemas"]
    for method, path in operations():
        body = described["paths"][path][method].get("requestBody")
        if body is None:
            continue
        if path in FILES:
            assert all(one["examples"] for one in body["content"].values()), path
            continue
        [(kind, content)] = body["content"].items()
        assert content["examples"], path
        if path.startswith(SCIM):  # its schemas are told by /scim/v2/Schemas
            assert kind == "application/scim+json", path
            continue
        assert kind == "application/json", path
        assert content["schema"]["$ref"].rpartition("/")[2] in schemas, path


def test_every_reference_leads_somewhere() -> None:
    described = document()
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(_references(described)) <= known


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return here + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []
