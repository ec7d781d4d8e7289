"""audiences as an operator types them."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.test_audiences import a_profile, an_audience
from tests.cli.commands import Shell, on_database
from tests.fixtures.api import Client


@pytest.fixture
def shell(tmp_path: Path, client: Client, database: Any) -> Shell:
    """Give a shell of the operator of a bootstrapped system."""
    return Shell(tmp_path, dict(on_database(database)))


async def test_an_audience_is_listed_previewed_and_resolved(shell: Shell, client: Client) -> None:
    known = await a_profile(client, external_id="u1", email="ann@example.com")
    made = await an_audience(
        client, "staff", kind="profiles",
        profiles=[
            known, {"email": "x@example.com", "name": "Nobody, known"}, {"external_id": "u2"},
        ],
    )  # fmt: skip
    assert made["id"] in (await shell.run("audiences", "list")).out
    assert (await shell.run("audiences", "list", "--kind", "ldap", "--json")).json() == []
    told = (await shell.run("audiences", "preview", "staff")).out
    assert told.splitlines()[:2] == ["3 members, 2 can be reached.", "1 no address"]
    assert "a•••@example.com" in told
    whole = (await shell.run("audiences", "resolve", made["id"])).out.splitlines()
    assert whole[0] == "profile,external_id,name,email,phone,telegram,whatsapp"
    assert f"{known},u1,,ann@example.com,,," in whole
    assert ',,"Nobody, known",x@example.com,,,' in whole
    kept = (await shell.run("audiences", "resolve", "staff", "--snapshot")).json()
    listed = (await client.get(f"/v1/audiences/{made['id']}/snapshots")).json()["items"]
    assert [one["id"] for one in listed] == [kept["id"]]
    gone = await shell.run("audiences", "preview", "nobody", code=1)
    assert gone.err.startswith("There is no audience nobody.")
