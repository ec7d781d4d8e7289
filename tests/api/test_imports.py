"""/v1/profiles/import and /v1/imports: files in, rows judged one by one, nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response
from starlette.requests import ClientDisconnect

from domain.errors import Conflict
from services.access import operator
from services.import_uploads import Upload
from services.importing import work_on_next
from stores import imports as store
from tests.fixtures.api import Client, problem_fields

CSV, NDJSON = "text/csv", "application/x-ndjson"


async def post(client: AsyncClient, content: Any, kind: str = CSV) -> Response:
    return await client.post("/v1/profiles/import", content=content, headers={"Content-Type": kind})


async def imported(client: Client, content: Any, kind: str = CSV) -> dict[str, Any]:
    """Import a file to its end and return the import."""
    answer = await post(client, content, kind)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['id']}"
    while await work_on_next(client.app):
        pass
    found: dict[str, Any] = (await client.get(answer.headers["location"])).json()
    return found


async def rejected(client: Client, made: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/imports/{made['id']}/rejected")
    assert answer.headers["content-type"] == NDJSON
    return [json.loads(line) for line in answer.text.splitlines()]


async def profile(client: AsyncClient, external_id: str) -> dict[str, Any]:
    [found] = (await client.get("/v1/profiles", params={"external_id": external_id})).json()[
        "items"
    ]
    one: dict[str, Any] = found
    return one


def lines(*documents: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in documents)


async def test_examples_run(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    described = document["paths"]["/v1/profiles/import"]["post"]["requestBody"]["content"]
    for kind, content in described.items():
        [one] = content["examples"].values()
        made = await imported(client, one["value"], kind)
        assert (made["state"], made["rejected"]) == ("finished", 0)
        assert made["created"] == one["value"].count("customer-")


async def test_ndjson_makes_what_post_makes(client: Client) -> None:
    full = {
        "external_id": "a", "name": "A", "email": "A@Example.com", "phone": "+1 415 555 0100",
        "telegram": "4711", "whatsapp": "+14155550101", "locale": "fr-CA",
        "timezone": "America/Toronto", "attributes": {"plan": "gold", "deep": {"x": [1, None]}},
        "groups": ["beta", "news"],
    }  # fmt: skip
    posted = (await client.post("/v1/profiles", json={**full, "external_id": "b"})).json()
    made = await imported(client, lines(full), NDJSON)
    assert made["state"] == "finished"
    assert (made["rows"], made["imported"], made["created"]) == (1, 1, 1)
    own = {"id", "external_id", "created_at", "updated_at"}
    found = await profile(client, "a")
    assert {k: v for k, v in found.items() if k not in own} == {
        k: v for k, v in posted.items() if k not in own
    }


async def test_a_known_profile_is_changed_as_by_a_merge_patch(client: Client) -> None:
    first = {
        "external_id": "a", "name": "A", "email": "a@example.com", "groups": ["beta"],
        "attributes": {"plan": "gold", "deep": {"x": 1}},
    }  # fmt: skip
    await client.post("/v1/profiles", json=first)
    change = {
        "external_id": "a", "name": None, "groups": ["news"],
        "attributes": {"deep": {"y": 2}, "plan": None},
    }  # fmt: skip
    made = await imported(client, lines(change, {"external_id": "a", "locale": "fr"}), NDJSON)
    assert (made["created"], made["updated"], made["unchanged"]) == (0, 2, 0)
    found = await profile(client, "a")
    assert (found["name"], found["email"], found["locale"]) == (None, "a@example.com", "fr")
    assert found["attributes"] == {"deep": {"x": 1, "y": 2}}
    assert [one["name"] for one in found["groups"]] == ["news"]
    assert found["version"] == 2
    again = await imported(client, lines(change), NDJSON)
    assert (again["unchanged"], again["imported"]) == (1, 1)
    assert (await profile(client, "a"))["version"] == 2


async def test_a_cell_holds_several_addresses(client: Client) -> None:
    cell = "email:a@work.example verified label=at work|sms:+1 415 555 0142 primary"
    file = f"external_id,email,addresses\na,a@example.com,{cell}\nb,,b@example.com\nc,,sms:12\n"
    made = await imported(client, file)
    assert (made["created"], made["rejected"]) == (1, 2)
    found = await profile(client, "a")
    assert (found["email"], found["phone"]) == ("a@example.com", "+14155550142")
    assert [one["label"] for one in found["addresses"]] == [None, "at work", None]
    fields = [[one["field"] for one in row["errors"]] for row in await rejected(client, made)]
    assert fields == [["row"], ["addresses[0].address"]]


async def test_every_wrong_row_is_named_and_the_others_come_in(client: Client) -> None:
    file = b"\n".join(
        [
            b'{"external_id": "ok"}',
            b"not json",
            b"[1]",
            b"",
            b'{"external_id": "b", "email": "nowhere", "phone": "12", "tiemzone": "x"}',
            b'{"email": "c@example.com"}',
            b'{"external_id": "d", "name": "\xff"}',
            b'{"external_id": "e", "name": "a\\u0000b"}',
            b'{"external_id": "f", "groups": ["grp_00000000000000000000000000"]}',
            b'{"external_id": "g", "name": "' + b"x" * 200_000 + b'"}',
            b'{"external_id": "h", "timezone": "Mars/Base"}',
            b'{"external_id": "last"}',
        ]
    )
    made = await imported(client, file, NDJSON)
    assert (made["rows"], made["created"], made["rejected"]) == (11, 2, 9)
    found = {one["line"]: one for one in await rejected(client, made)}
    told = {line: [error["field"] for error in one["errors"]] for line, one in found.items()}
    assert told == {
        2: ["row"], 3: ["row"], 5: ["email", "phone", "tiemzone"], 6: ["external_id"],
        7: ["row"], 8: ["name"], 9: ["groups[0]"], 10: ["row"], 11: ["timezone"],
    }  # fmt: skip
    assert found[2]["row"] == "not json"
    assert "UTF-8" in found[7]["errors"][0]["message"]
    assert found[7]["row"] == '{"external_id": "d", "name": "\ufffd"}'
    assert "131,072" in found[10]["errors"][0]["message"]


async def test_csv_with_bom_semicolons_quotes_and_breaks(client: Client) -> None:
    file = (
        "\ufeffexternal_id;name;attributes.plan;attributes.home.city;groups\r\n"
        'a;"Two\r\nlines";gold;"Par;is";beta | news\r\n'
        'b;"She said ""hi""";;;\r\n'
        "c;x\r\n"
        'd;"open;;;\r\n'
    )
    made = await imported(client, file)
    assert (made["created"], made["rejected"]) == (1, 3)
    found = {one["line"]: one["errors"][0] for one in await rejected(client, made)}
    assert found[2]["field"] == "name"  # a name is one line, in a file too
    assert found[5] == {"field": "row", "message": "has 2 cells, but the header has 5"}
    assert "not closed" in found[6]["message"]
    assert (await profile(client, "b"))["name"] == 'She said "hi"'


async def test_attributes_may_hold_breaks_and_lie_deep(client: Client) -> None:
    file = 'external_id\tattributes.note\tattributes.home.city\tgroups\na\t"x\ny"\tParis\tb|n\n'
    made = await imported(client, file, "text/tab-separated-values")
    assert made["created"] == 1
    found = await profile(client, "a")
    assert found["attributes"] == {"note": "x\ny", "home": {"city": "Paris"}}
    assert [one["name"] for one in found["groups"]] == ["b", "n"]


@pytest.mark.parametrize(
    ("header", "field", "told"),
    [
        ("external_id,email,email", "header[1]", "another column"),
        ("external_id,colour", "header[1]", "no column"),
        ("external_id,", "header[1]", "no name"),
        ("email,name", "header", "external_id"),
        ('external_id,"email', "header", "not closed"),
        ("external_id,attributes.", "header[1]", "no column"),
        ("external_id,\udcff", "header", "UTF-8"),
    ],
)
async def test_a_wrong_header_is_refused_at_once(
    client: Client, header: str, field: str, told: str
) -> None:
    answer = await post(client, f"{header}\na,b,c\n".encode(errors="surrogateescape"))
    assert answer.status_code == 422
    assert field in problem_fields(answer)
    assert told in answer.text
    assert (await client.get("/v1/imports")).json()["items"] == []


@pytest.mark.parametrize(
    ("content", "kind", "field"),
    [
        (b"", CSV, "body"),
        (b"\n \n", NDJSON, "body"),
        (b'[{"external_id": "a"}]', NDJSON, "body"),
        ("external_id\na\n".encode("utf-16"), CSV, "body"),
        (b"\x1f\x8b\x08", NDJSON, "body"),
        (b"{}", "application/json", "Content-Type"),
        (b"external_id", "text/csv; charset=iso-8859-1", "Content-Type"),
    ],
)
async def test_what_is_no_file_of_profiles_is_refused(
    client: Client, content: bytes, kind: str, field: str
) -> None:
    answer = await post(client, content, kind)
    assert answer.status_code == 422
    assert problem_fields(answer) == [field]


async def test_progress_is_seen_and_chunks_are_counted_once(client: Client) -> None:
    rows = lines(*({"external_id": f"c-{number}"} for number in range(2_500)))
    made = (await post(client, rows, NDJSON)).json()
    assert (made["state"], made["rows"], made["imported"]) == ("waiting", 2_500, 0)
    await work_on_next(client.app)
    path = f"/v1/imports/{made['id']}"
    seen = (await client.get(path)).json()
    assert (seen["state"], seen["imported"]) == ("running", 1_000)
    while await work_on_next(client.app):
        pass
    seen = (await client.get(path)).json()
    assert (seen["state"], seen["created"], seen["rejected"]) == ("finished", 2_500, 0)


async def test_a_chunk_that_is_stopped_half_way_is_done_again_and_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(client, lines({"external_id": "a", "groups": ["g"]}, {"email": "x"}), NDJSON)

    async def dies(*_given: Any, **_named: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(store, "move", dies)
        with pytest.raises(asyncio.CancelledError):
            await work_on_next(client.app)
    assert (await client.get("/v1/profiles")).json()["items"] == []
    while await work_on_next(client.app):
        pass
    [made] = (await client.get("/v1/imports")).json()["items"]
    assert (made["state"], made["created"], made["rejected"]) == ("finished", 1, 1)


async def test_two_workers_share_the_work(client: Client) -> None:
    for part in range(4):
        rows = ({"external_id": f"c-{number}", "name": str(part)} for number in range(1_200))
        await post(client, lines(*rows), NDJSON)

    async def work() -> None:
        while await work_on_next(client.app):
            pass

    await asyncio.gather(work(), work(), work())
    made = (await client.get("/v1/imports")).json()["items"]
    assert [one["state"] for one in made] == ["finished"] * 4
    assert sum(one["created"] for one in made) == 1_200
    assert sum(one["imported"] for one in made) == 4_800


async def test_a_fault_of_ours_ends_that_import_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(client, lines({"external_id": "a"}), NDJSON)

    async def wrong(*_given: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(store, "reject", wrong)
        assert await work_on_next(client.app)
    [made] = (await client.get("/v1/imports")).json()["items"]
    assert (made["state"], made["imported"]) == ("failed", 0)
    assert "fault on our side" in made["detail"]
    assert (await imported(client, lines({"external_id": "b"}), NDJSON))["created"] == 1


async def test_an_upload_that_breaks_off_imports_nothing(client: Client) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield lines(*({"external_id": str(number)} for number in range(1_500))).encode()
        raise ClientDisconnect

    assert (await post(client, half(), NDJSON)).status_code == 400
    assert not await work_on_next(client.app)
    [made] = (await client.get("/v1/imports")).json()["items"]
    assert (made["state"], made["imported"]) == ("failed", 0)
    assert (await client.get("/v1/profiles")).json()["items"] == []


async def test_an_upload_whose_process_died_is_given_up(client: Client) -> None:
    actor = await operator(client.app)
    upload = Upload(client.app, actor, actor.module_id, "ndjson")
    await upload.feed(lines(*({"external_id": str(number)} for number in range(1_500))).encode())
    async with client.app.db.leader() as conn:
        assert await store.end_abandoned(conn, seconds=60, detail="broke off") == []
        assert await store.end_abandoned(conn, seconds=0, detail="broke off") == [upload.id]
        assert await store.first_chunk(conn, upload.id) is None
    with pytest.raises(Conflict):
        await upload.close()
    [made] = (await client.get("/v1/imports")).json()["items"]
    assert (made["state"], made["detail"], made["imported"]) == ("failed", "broke off", 0)


async def test_an_import_can_be_forgotten(client: Client) -> None:
    made = await imported(client, lines({"external_id": "a"}, {"x": 1}), NDJSON)
    path = f"/v1/imports/{made['id']}"
    assert (await client.delete(path)).status_code == 204
    for gone in (path, f"{path}/rejected"):
        assert (await client.get(gone)).status_code == 404
    assert (await profile(client, "a"))["external_id"] == "a"


async def test_imports_are_the_modules_own(client: Client) -> None:
    made = await imported(client, lines({"external_id": "a"}), NDJSON)
    other = await client.with_key("*", module="other")
    path = f"/v1/imports/{made['id']}"
    for gone in (path, f"{path}/rejected"):
        assert (await other.get(gone)).status_code == 404
    assert (await other.delete(path)).status_code == 404
    assert (await other.get("/v1/imports")).json()["items"] == []
    assert (await post(other, lines({"external_id": "a"}), NDJSON)).status_code == 202
    reader = await client.with_key("profiles:read")
    assert (await post(reader, b"", NDJSON)).status_code == 403
    assert (await reader.delete(path)).status_code == 403


async def test_pages_of_imports(client: Client) -> None:
    for number in range(3):
        await imported(client, lines({"external_id": str(number)}), NDJSON)
    first = (await client.get("/v1/imports", params={"limit": 2})).json()
    rest = (await client.get("/v1/imports", params={"cursor": first["next_cursor"]})).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
