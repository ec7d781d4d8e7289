"""suppressions as an operator types them."""

from pathlib import Path
from typing import Any

import pytest

from services.app import App
from tests.cli.commands import Shell, on_database


@pytest.fixture
def shell(tmp_path: Path, app: App, database: Any) -> Shell:
    """Give a shell of the operator of a bootstrapped system."""
    return Shell(tmp_path, dict(on_database(database)))


async def test_the_list_is_kept_from_a_terminal(shell: Shell) -> None:
    (shell.folder / "list.csv").write_text(
        "channel,address,reason\nemail,Sam@example.com,complaint\nsms,12,\n"
    )
    told = await shell.run("suppressions", "import", "list.csv", code=1)
    assert told.out == "2 rows: 1 added, 0 known, 1 rejected\n"
    assert told.err.startswith("line 3: address ")
    said = await shell.run("suppressions", "add", "sms", "+1 415 555 0100", "--scope", "all")
    assert said.out.startswith("sup_")
    items = (await shell.run("suppressions", "list", "--json")).json()
    assert [(one["address"], one["scope"], one["source"]) for one in items] == [
        ("+14155550100", "all", "command"), ("sam@example.com", "module", "import"),
    ]  # fmt: skip
    out = (await shell.run("suppressions", "export", "--reason", "complaint")).out
    assert out.splitlines()[1].startswith("email,sam@example.com,,complaint,module,")
    refused = await shell.run("suppressions", "remove", items[1]["id"], code=1)
    assert "reason is needed to lift a complaint" in refused.err
    await shell.run("suppressions", "remove", items[1]["id"], "--reason", "a mistake of ours")
    assert "sam@example.com" not in (await shell.run("suppressions", "list")).out


async def test_what_is_wrong_is_said_in_a_sentence(shell: Shell) -> None:
    said = await shell.run("suppressions", "add", "email", "nobody", code=1)
    assert said.err.startswith("address is not an e-mail address")
    said = await shell.run("suppressions", "import", "nothing.csv", code=1)
    assert said.err.startswith("nothing.csv cannot be read")
