"""`tocsin import` against the real API, with a worker beside it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.app import create_api
from services.app import App
from tests.cli.commands import Shell
from tests.fixtures.api import KEY, Client
from tests.fixtures.servers import until
from tests.fixtures.serving import served
from workers.importing import Importing


@pytest.fixture
async def site(app: App) -> AsyncIterator[str]:
    """Serve the API with a control lane that works on imports."""
    async with served(create_api(app)) as address, Importing(app):
        yield address


@pytest.fixture
def shell(tmp_path: Path, site: str) -> Shell:
    """Give a shell that knows the API and the key."""
    return Shell(tmp_path, {"TOCSIN_URL": site, "TOCSIN_API_KEY": KEY})


async def test_a_file_comes_in_and_refused_rows_go_into_one(shell: Shell, client: Client) -> None:
    rows = "".join(f"c-{number};c{number}@example.com\n" for number in range(1_500))
    file = shell.folder / "people.csv"
    file.write_text(f"external_id;email\n{rows}x;nowhere\n")
    said = await shell.run("import", str(file), "--rejected", "bad.ndjson", code=1)
    assert "1,500 created, 0 updated, 0 unchanged, 1 refused" in said.out
    assert "bad.ndjson" in said.err
    [bad] = (shell.folder / "bad.ndjson").read_text().splitlines()
    assert json.loads(bad)["line"] == 1_502
    file.write_text(f"external_id;email\n{rows}")
    said = await shell.run("import", str(file))
    assert "1,500 unchanged" in said.out
    found = await client.get("/v1/profiles", params={"email": "c7@example.com"})
    assert [one["external_id"] for one in found.json()["items"]] == ["c-7"]


async def test_what_cannot_be_imported_is_said_in_a_sentence(shell: Shell) -> None:
    wrong = shell.folder / "people.csv"
    wrong.write_text("external_id,colour\n1,red\n")
    assert "header[1] is colour" in (await shell.run("import", str(wrong), code=1)).err
    assert "cannot be read" in (await shell.run("import", "nowhere.csv", code=1)).err
    assert "does not say what it is" in (await shell.run("import", "people.xlsx", code=1)).err


async def test_a_client_that_hangs_up_leaves_a_failed_import(site: str, client: Client) -> None:
    host, port = site.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    row = b'{"external_id": "a"}\n' * 1_500
    head = (
        f"POST /v1/profiles/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        "Content-Type: application/x-ndjson\r\nContent-Length: 9000000\r\n\r\n"
    )
    writer.write(head.encode() + row)
    await writer.drain()

    async def state(wanted: str) -> bool:
        items = (await client.get("/v1/imports")).json()["items"]
        return [one["state"] for one in items] == [wanted]

    await until(lambda: state("uploading"))
    writer.close()
    await until(lambda: state("failed"))
    assert (await client.get("/v1/profiles")).json()["items"] == []
