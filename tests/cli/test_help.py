"""The command's help, and what it says when it lacks something: sentences, never a traceback."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from config.settings import Settings
from tests.cli.commands import Shell
from tests.fixtures.servers import free_port

COMMANDS = (
    "up", "status", "down", "api", "worker", "smtp-sink", "bounces", "migrate", "doctor", "config",
    "send", "tail", "import", "vendors", "rotate-secrets", "keys create",
    "users list", "users add", "users role", "users deactivate", "users activate", "users remove",
    "users reset-password", "audit list", "audit verify", "audit head",
    "accounts list", "accounts add", "accounts test", "accounts health", "accounts pause",
    "accounts resume", "accounts remove",
    "suppressions list", "suppressions add", "suppressions remove", "suppressions import",
    "suppressions export", "audiences list", "audiences preview", "audiences resolve",
    "campaign list", "campaign show", "campaign preview", "campaign watch", "campaign approve",
    "campaign reject", "campaign pace", "campaign winner", "campaign submit", "campaign pause",
    "campaign resume", "campaign abort", "campaign resend-missed", "templates pull",
    "templates push",
    "schedules list", "schedules next", "schedules pause", "schedules resume", "schedules trigger",
)  # fmt: skip
SECRETS = [
    name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give a shell in an empty folder."""
    return Shell(tmp_path)


async def test_help_lists_all_commands(shell: Shell) -> None:
    said = (await shell.run("--help")).out
    listed = said[said.index("Commands") :].splitlines()[1:]
    words = [line.strip("│ ").split()[0] for line in listed if line.startswith("│")]
    assert words == list(dict.fromkeys(name.split()[0] for name in COMMANDS))


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        *("keys", "users", "audit", "accounts", "campaign", "suppressions", "audiences"),
        *("schedules", "templates"),
    ],
)
def test_every_command_has_help(command: str) -> None:
    said = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="tocsin")
    assert said.exit_code == 0
    assert f"Usage: tocsin {command}" in said.output


@pytest.mark.parametrize("command", [[], ["keys"], ["users"]])
def test_without_a_command_help_is_shown(command: list[str]) -> None:
    assert "Commands" in CliRunner().invoke(app, command).output


async def test_an_unknown_command_is_refused(shell: Shell) -> None:
    assert "No such command 'sned'" in (await shell.run("sned", code=2)).err


async def test_status_of_an_empty_folder(shell: Shell) -> None:
    folder = shell.folder / ".tocsin"
    said = await shell.run("status", code=3)
    assert said.out.strip() == f"Tocsin does not run on {folder}; `tocsin up` starts it."
    assert said.err == ""
    assert not folder.exists(), "a look changes nothing"


async def test_status_of_an_empty_folder_for_scripts(shell: Shell) -> None:
    other = shell.folder / "other"
    told = (await shell.run("status", "--json", "--data-dir", str(other), code=3)).json()
    assert told == {
        "parts": [], "running": False, "ready": False, "supervisor": None, "data_dir": str(other),
    }  # fmt: skip


async def test_the_folder_of_the_environment_is_meant(shell: Shell) -> None:
    shell.variables["TOCSIN_DATA_DIR"] = str(shell.folder / "given")
    told = (await shell.run("status", "--json", code=3)).json()
    assert told["data_dir"] == str(shell.folder / "given")


async def test_down_where_nothing_runs_is_no_fault(shell: Shell) -> None:
    said = await shell.run("down")
    assert said.out.strip() == f"Tocsin does not run on {shell.folder / '.tocsin'}."


async def test_up_on_a_folder_that_cannot_be_made_says_so(shell: Shell) -> None:
    (shell.folder / "file").write_text("mine")
    said = await shell.run("up", "--data-dir", "file/data", code=1)
    assert said.err.startswith(f"The data folder {shell.folder / 'file' / 'data'} cannot be writ")
    assert "--data-dir" in said.err


@pytest.mark.parametrize(
    "command", [("send", "--text", "Hi", "--email", "a@example.com"), ("tail",)]
)
async def test_without_a_key_it_is_said_what_to_do(shell: Shell, command: tuple[str, ...]) -> None:
    said = await shell.run(*command, code=1)
    assert said.err.splitlines() == [
        "An API key is needed: --key or TOCSIN_API_KEY.",
        "`tocsin keys create NAME` makes one.",
    ]
    assert said.out == ""


async def test_without_an_api_it_is_said_what_to_do(shell: Shell) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    shell.variables |= {"TOCSIN_URL": url, "TOCSIN_API_KEY": "tcs_x"}
    said = await shell.run("send", "--text", "Hi", "--email", "a@example.com", code=1)
    assert said.err.startswith(f"The API at {url} cannot be reached (")
    assert said.err.splitlines()[-1] == "Is `tocsin up` running?"


@pytest.mark.parametrize(
    "command",
    [("migrate",), ("keys", "create", "x"), ("users", "reset-password", "admin@example.com")],
    ids=" ".join,
)
async def test_without_a_database_it_is_said_what_to_do(
    shell: Shell, command: tuple[str, ...]
) -> None:
    database = f"postgresql://tocsin@127.0.0.1:{free_port()}/tocsin"
    shell.variables |= {"TOCSIN_DATABASE_URL": database, "TOCSIN_SECRET_KEY": "0" * 64}
    said = await shell.run(*command, code=1)
    assert said.err.startswith("The database does not answer: ")
    assert said.err.splitlines()[-1] == "`tocsin doctor` says more."


@pytest.mark.parametrize("command", ["keys create x", "users reset-password admin@example.com"])
async def test_without_a_secret_key_it_is_said_what_to_do(shell: Shell, command: str) -> None:
    said = await shell.run(*command.split(), code=1)
    assert said.err.startswith("TOCSIN_SECRET_KEY is not set")
    assert "`tocsin up` keeps a key in its data folder" in said.err


async def test_an_unknown_lane_is_refused(shell: Shell) -> None:
    said = await shell.run("worker", "--lanes", "high,express", code=2)
    assert "lanes are high, medium, low, control; not express" in said.err


async def test_config_for_scripts_hides_secrets(shell: Shell) -> None:
    secret = "5ecret" * 11
    for name in SECRETS:
        many = "list[" in str(Settings.model_fields[name].annotation)
        shell.variables[f"TOCSIN_{name.upper()}"] = json.dumps([secret, secret]) if many else secret
    said = await shell.run("config", "--json")
    assert "5ecret" not in said.out + said.err
    listed = said.json()
    shown = {name: listed[f"TOCSIN_{name.upper()}"]["value"] for name in SECRETS}
    assert shown.pop("replica_urls") == ["(set)", "(set)"]
    assert set(shown.values()) == {"(set)"}
    assert {listed[f"TOCSIN_{name.upper()}"]["from"] for name in SECRETS} == {"environment"}


async def test_config_reads_the_file_and_hides_its_secrets(shell: Shell) -> None:
    (shell.folder / ".env").write_text("TOCSIN_SECRET_KEY=5ecret\nTOCSIN_PORT=9000\n")
    said = await shell.run("config", "--json")
    assert "5ecret" not in said.out
    listed = said.json()
    assert listed["TOCSIN_SECRET_KEY"]["value"] == "(set)"
    assert listed["TOCSIN_PORT"]["value"] == 9000


@pytest.fixture
async def strange() -> AsyncIterator[str]:
    """Give the address of a server that is not ours."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>"
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("command", ["send --text Hi --email a@example.com", "tail"])
async def test_an_answer_that_is_not_ours_is_told(shell: Shell, strange: str, command: str) -> None:
    shell.variables |= {"TOCSIN_URL": strange, "TOCSIN_API_KEY": "tcs_x"}
    said = await shell.run(*command.split(), code=1)
    assert strange in said.err
    assert "502" in said.err


@pytest.mark.parametrize("command", ["status", "migrate"])
async def test_a_wrong_setting_is_named_in_a_sentence(shell: Shell, command: str) -> None:
    shell.variables["TOCSIN_PORT"] = "eighty"
    said = await shell.run(command, code=1)
    assert "TOCSIN_PORT" in said.err


async def test_up_detached_on_a_folder_that_cannot_be_made_says_so(shell: Shell) -> None:
    (shell.folder / "file").write_text("mine")
    said = await shell.run("up", "--detach", "--data-dir", "file/data", code=1)
    assert "database" not in said.err
    assert "--data-dir" in said.err


async def test_a_sink_on_a_taken_port_does_not_blame_the_database(
    shell: Shell, strange: str
) -> None:
    shell.variables |= {
        "TOCSIN_SMTP_SINK_PORT": strange.rpartition(":")[2],
        "TOCSIN_DATABASE_URL": f"postgresql://tocsin@127.0.0.1:{free_port()}/tocsin",
        "TOCSIN_SECRET_KEY": "0" * 64,
    }
    said = await shell.run("smtp-sink", code=1)
    assert "database" not in said.err
    assert "TOCSIN_SMTP_SINK_PORT" in said.err


async def test_a_bounce_listener_needs_a_port(shell: Shell) -> None:
    said = await shell.run("bounces", code=1)
    assert said.err.startswith("There is no port for bounce mails.")
    assert "TOCSIN_BOUNCES_PORT" in said.err


async def test_tail_ends_cleanly_while_it_waits_for_an_api(shell: Shell) -> None:
    calls = asyncio.Semaphore(0)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        calls.release()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        process = await shell.start("tail", "--url", url, "--key", "tcs_x")
        await calls.acquire()
        await calls.acquire()  # it tries again, and waits once more
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert b"Traceback" not in err
    assert (process.returncode, out) == (0, b"")
