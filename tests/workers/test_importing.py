"""A control lane that is killed in the middle of an import neither loses rows nor doubles them."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from domain.ids import new_id
from stores import profiles
from tests.cli.commands import Shell, on_database
from tests.fixtures.api import Client
from tests.fixtures.heard import default_module, fetch
from tests.fixtures.servers import until

ROWS = 2_500


async def test_kill_in_the_middle_of_a_chunk(client: Client, database: Any, tmp_path: Path) -> None:
    rows = [{"external_id": f"c-{number}", "groups": ["all"]} for number in range(ROWS)]
    file = "".join(json.dumps(row) + "\n" for row in rows) + '{"external_id": 1}\n'
    answer = await client.post(
        "/v1/profiles/import", content=file, headers={"Content-Type": "application/x-ndjson"}
    )
    path = f"/v1/imports/{answer.json()['id']}"
    shell = Shell(tmp_path, dict(on_database(database)))

    async def in_the_second_chunk() -> bool:
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        seen = (await client.get(path)).json()
        return seen["imported"] == 1_000 and bool(await fetch(client.app, waiting))

    async with client.app.db.engine.connect() as conn:
        # A profile that somebody else is just making stops the worker in the middle of its write.
        module = await default_module(client.app)
        fields = dict.fromkeys(profiles.FIELDS) | {"attributes": {}, "addresses": []}
        fields |= {"external_id": "c-1500"}
        await profiles.add(conn, new_id(), module, fields)
        killed = await shell.start("worker", "--lanes", "control")
        await until(in_the_second_chunk)
        killed.kill()
        await killed.communicate()
        await conn.rollback()
    seen = (await client.get(path)).json()
    assert (seen["state"], seen["imported"], seen["rejected"]) == ("running", 1_000, 0)
    again = await shell.start("worker", "--lanes", "control")

    async def finished() -> bool:
        return str((await client.get(path)).json()["state"]) == "finished"

    await until(finished)
    again.send_signal(signal.SIGTERM)
    await asyncio.wait_for(again.communicate(), 60)
    done = (await client.get(path)).json()
    assert (done["created"], done["updated"], done["rejected"]) == (ROWS, 0, 1)
    [group] = (await client.get("/v1/groups")).json()["items"]
    assert group["profiles"] == ROWS
