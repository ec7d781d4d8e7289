"""The examples of the API's description run as they stand."""

import json
from typing import Any

import pytest

from tests.fixtures.api import Client
from tests.guards.test_examples import AUDIENCE, an_audience


def examples(document: dict[str, Any], method: str, path: str) -> list[Any]:
    described = document["paths"][path][method]["requestBody"]["content"]["application/json"]
    return [example["value"] for example in described["examples"].values()]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/templates",
        "/v1/profiles",
        "/v1/groups",
        "/v1/categories",
        "/v1/suppressions",
        "/v1/rules",
        "/v1/users",
        "/v1/schedules",
        "/v1/triggers",
    ],
)
async def test_creating(client: Client, path: str) -> None:
    document = (await client.get("/openapi.json")).json()
    for example in examples(document, "post", path):
        if AUDIENCE in (content := json.dumps(example)):
            content = content.replace(AUDIENCE, await an_audience(client))
        answer = await client.post(path, json=json.loads(content))
        assert answer.status_code == 201, answer.text
        name = answer.headers["location"]
        assert (await client.get(name)).status_code == 200
        for change in examples(document, "patch", _of_one(document, path)):
            assert (await client.patch(name, json=change)).status_code == 200


async def test_what_is_done_with_a_template(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    (example,) = examples(document, "post", "/v1/templates")
    await client.post("/v1/templates", json=example)
    for action, status in (("versions", 201), ("publish", 200), ("preview", 200)):
        (example,) = examples(document, "post", f"/v1/templates/{{key}}/{action}")
        answer = await client.post(f"/v1/templates/order-shipped/{action}", json=example)
        assert answer.status_code == status, answer.text


async def test_devices(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    profile = (await client.post("/v1/profiles", json={"name": "Sample Recipient"})).json()
    for example in examples(document, "post", "/v1/profiles/{id}/devices"):
        answer = await client.post(f"/v1/profiles/{profile['id']}/devices", json=example)
        assert answer.status_code == 201, answer.text


async def test_what_a_recipient_chooses(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    profile = (await client.post("/v1/profiles", json={"name": "Sample Recipient"})).json()["id"]
    for method, name in (("put", "preferences"), ("post", "unsubscribe")):
        for example in examples(document, method, f"/v1/profiles/{{id}}/{name}"):
            answer = await client.request(method, f"/v1/profiles/{profile}/{name}", json=example)
            assert answer.status_code == 200, answer.text


def _of_one(document: dict[str, Any], path: str) -> str:
    [of_one] = {f"{path}/{{id}}", f"{path}/{{key}}"} & set(document["paths"])
    return of_one
