"""Rotas by the API, on their pages and from a terminal: kept, asked who is on duty, wrong ones."""

import asyncio
import json
from typing import Any

from typer.testing import CliRunner

from cli.main import app as command
from services.app import App
from tests.cli.commands import on_database
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.dashboard import Browser

MONDAY = "2030-01-07T09:30:00+01:00"


async def people(client: Client, *names: str) -> dict[str, str]:
    """Profiles by name, which is their external id, too."""
    found = {}
    for name in names:
        body = {"name": name.title(), "external_id": name, "email": f"{name}@example.com"}
        found[name] = (await client.post("/v1/profiles", json=body)).json()["id"]
    return found


async def a_rota(client: Client, *names: str, **given: Any) -> dict[str, Any]:
    body = {
        "name": "on-call", "members": [{"external_id": name} for name in names],
        "start": "2030-01-07", "timezone": "Europe/Paris", **given,
    }  # fmt: skip
    answer = await client.post("/v1/rotas", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_rota_is_kept_and_says_who_is_on_duty(client: Client) -> None:
    known = await people(client, "ann", "ben", "cy")
    ann, ben, cy = known.values()
    made = await a_rota(client, "ann", "ben")
    assert (made["members"], made["every"], made["handover"]) == ([ann, ben], "week", "09:00")
    told = (await client.get("/v1/rotas/on-call/duty", params={"at": MONDAY, "weeks": 2})).json()
    assert (told["on_duty"], told["order"], told["names"][ann]) == (ann, [ann, ben], "Ann")
    assert [(one["profile"], one["start_at"]) for one in told["shifts"]] == [
        (ann, "2030-01-07T08:00:00.000Z"), (ben, "2030-01-14T08:00:00.000Z"),
    ]  # fmt: skip
    stands = {"profile": cy, "start_at": MONDAY, "end_at": "2030-01-09T00:00:00Z"}
    path = f"/v1/rotas/{made['id']}"
    changed = await client.patch(path, json={"overrides": [stands]}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    told = (await client.get(f"{path}/duty", params={"at": MONDAY, "weeks": 1})).json()
    assert (told["on_duty"], told["order"]) == (cy, [cy, ben, ann])
    assert [one["override"] for one in told["shifts"]] == [False, True, False]
    assert (await client.patch(path, json={}, headers={"If-Match": '"1"'})).status_code == 412
    # Whoever is erased takes no more turns.
    assert (await client.delete(f"/v1/profiles/{cy}")).status_code == 204
    assert (await client.delete(f"/v1/profiles/{ann}")).status_code == 204
    found = (await client.get(path)).json()
    assert (found["members"], found["overrides"]) == ([ben], [])
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_what_is_wrong_is_said_and_others_rotas_are_not_seen(client: Client) -> None:
    await people(client, "ann")
    for wrong, field in (
        ({"name": "a b"}, "name"),
        ({"members": [{"external_id": "nobody"}]}, "members[0].external_id"),
        ({"members": ["prf_x"]}, "members[0]"),
        ({"every": "month"}, "every"),
        ({"start": "soon"}, "start"),
        ({"start": "0001-01-01"}, "start"),
        ({"handover": "25:00"}, "handover"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"overrides": [{"profile": {"external_id": "ann"}, "start_at": MONDAY,
          "end_at": MONDAY}]}, "overrides[0].end_at"),
        ({"overrides": [{"profile": {"external_id": "zoe"}, "start_at": MONDAY,
          "end_at": "2030-02-01T00:00:00Z"}]}, "overrides[0].profile.external_id"),
    ):  # fmt: skip
        body = {"name": "r", "start": "2030-01-07", **wrong}
        answer = await client.post("/v1/rotas", json=body)
        assert (answer.status_code, problem_fields(answer)) == (422, [field]), answer.text
    made = await a_rota(client, "ann")
    again = await client.post("/v1/rotas", json={"name": "on-call", "start": "2030-01-07"})
    assert again.status_code == 409
    other = await client.with_key("rotas:read", "rotas:write", module="other")
    assert (await other.get(f"/v1/rotas/{made['id']}")).status_code == 404
    assert (await other.get("/v1/rotas")).json()["items"] == []
    reader = await client.with_key("rotas:read")
    assert (await reader.get("/v1/rotas/on-call")).status_code == 200
    assert (await reader.patch("/v1/rotas/on-call", json={})).status_code == 403


async def test_a_rota_on_its_pages_and_from_a_terminal(
    client: Client, app: App, database: Any, browser_client: Browser
) -> None:
    await people(client, "ann", "ben", "cy")
    assert "Rotas are listed here" in (await browser_client.get("/rotas")).text
    said = {
        "name": "nights", "members": "ann\nben\n", "every": "day", "start": "2020-01-01",
        "handover": "20:00", "timezone": "Europe/Paris",
    }  # fmt: skip
    wrong = await browser_client.submit("/rotas", **{**said, "members": "ann\nzoe"})
    assert wrong.status_code == 422
    assert "No. 2 names no profile of this module." in wrong.text
    path = (await browser_client.submit("/rotas", **said)).headers["location"]
    page = (await browser_client.get(path)).text
    assert "is on duty now; then" in page
    stood = await browser_client.submit(
        f"{path}/stand-in", version="1", profile="cy", start_at="2020-01-01T20:00",
        end_at="2099-01-01T20:00",
    )  # fmt: skip
    assert stood.status_code == 303, stood.text
    assert ">Cy</a> is on duty now" in (await browser_client.get(path)).text
    stale = await browser_client.submit(path, **said, version="1")
    assert stale.status_code == 412

    async def run(*words: str) -> str:
        invoke = CliRunner().invoke
        environment = {**on_database(database), "NO_COLOR": "1"}
        done = await asyncio.to_thread(invoke, command, ["rotas", *words], env=environment)
        assert done.exception is None, done.exception
        return str(done.stdout)

    [listed] = json.loads(await run("list", "--json"))
    assert (listed["name"], listed["names"][listed["on_duty"]]) == ("nights", "Cy")
    assert "Cy" in await run("list")
    assert "stands in" in await run("show", "nights", "--weeks", "1")
    told = await run("stand-in", "nights", "ben", "2100-01-01T00:00:00Z", "2100-01-02T00:00:00Z")
    assert told == "2 stand in on nights\n"
    await browser_client.submit(f"{path}/stand-in/0/remove", version="3")
    assert "is on duty now; then" in (await browser_client.get(path)).text
    gone = await browser_client.submit(f"{path}/remove", version="4")
    assert gone.headers["location"] == "/rotas"
