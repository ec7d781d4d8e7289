"""Every example of the API's description runs, in the order in which it is described."""

import json
from typing import Any

import pytest
from httpx import AsyncClient

from tests.fixtures.api import Client
from tests.fixtures.system import System
from tests.guards.test_access import document, operations


def examples() -> list[tuple[str, str, str, Any]]:
    """(method, path, media type, body) of each example: what makes a thing before what needs it."""
    found = []
    for method, path in sorted(operations(), key=lambda one: "{" in one[1]):
        body = document()["paths"][path][method].get("requestBody", {"content": {}})
        for kind, content in body["content"].items():
            found += [(method, path, kind, one["value"]) for one in content["examples"].values()]
    return found


def promised(method: str, path: str) -> list[int]:
    """Statuses with which an operation says that it succeeds."""
    responses = document()["paths"][path][method]["responses"]
    return [int(status) for status in responses if status.startswith("2")]


AT_ONCE = {"otp"}
"""What is refused while Temporal is away, since it would be of no use later."""
IN_THEIR_ORDER = {"campaigns"}
"""What needs an audience and two people: tests/acceptance/test_campaigns_by_api.py runs them."""
BY_ANOTHER = {"/v1/schedules/{id}/approve", "/v1/schedules/{id}/revoke"}
"""What needs two people: tests/acceptance/test_scheduled_campaigns.py runs them."""
AUDIENCE = "aud_01k5q1p3v8f2m9t7c4x6z0a1b2"
RESOURCES = sorted({path.split("/")[2] for _, path, *_ in examples()} - AT_ONCE - IN_THEIR_ORDER)


@pytest.mark.parametrize("resource", RESOURCES)
async def test_every_example_runs(client: Client, resource: str) -> None:
    await run(client, resource)


@pytest.mark.parametrize("resource", sorted(AT_ONCE))
async def test_every_example_of_what_starts_at_once_runs(system: System, resource: str) -> None:
    await run(system.client, resource)


async def an_audience(client: AsyncClient) -> str:
    """Return the id of an audience that the examples may name."""
    body = {"name": "them", "kind": "profiles", "profiles": [{"email": "ada@example.com"}]}
    made = await client.post("/v1/audiences", json=body)
    return str(made.json()["id"])


async def run(client: AsyncClient, resource: str) -> None:
    places: dict[str, str] = {}
    for method, path, kind, body in examples():
        if path.split("/")[2] != resource or path in BY_ANOTHER:
            continue
        collection, _, below = path.partition("/{")
        one = places.get(collection, "") + below.partition("}")[2] if below else path
        content = body if isinstance(body, str) else json.dumps(body)
        if AUDIENCE in content:
            content = content.replace(AUDIENCE, await an_audience(client))
        answer = await client.request(method, one, content=content, headers={"Content-Type": kind})
        assert answer.status_code in promised(method, path), f"{method} {path}: {answer.text}"
        if location := answer.headers.get("location"):
            places.setdefault(collection, location)


def test_there_are_examples_to_run() -> None:
    bodies = [one for one in operations() if "requestBody" in document()["paths"][one[1]][one[0]]]
    assert {(method, path) for method, path, *_ in examples()} == set(bodies)
    assert len(bodies) >= 18
