"""templates pull and push against a real API and database, commands in this process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from api.app import create_api
from cli.embedded.trouble import Trouble
from cli.main import app as tocsin
from tests.api.test_templates import a_template, publish
from tests.fixtures.api import KEY, Client
from tests.fixtures.serving import served

MJML = (
    "<mjml><mj-body><mj-section><mj-column>\n<mj-text>Hi {{ order }}</mj-text>\n"
    "</mj-column></mj-section></mj-body></mjml>"
)
RICH: dict[str, Any] = {
    "locale": "en",
    "content": {
        "email": {"subject": "Ünï: # {{ order }}", "html": MJML, "text": "One\n\nTwo \n"},
        "push": {"title": "yes", "body": "2030-01-31", "data": {"a": [1, None, "x\ty"]}},
        "telegram": {"text": "null", "buttons": [[{"text": "Go", "url": "https://example.com"}]]},
    },
    "locales": {"fr-CA": {"email": {"subject": "S", "text": "\r\nligne\u0085\u2028fin"}}},
    "schema": {"properties": {"order": {"type": "string", "examples": ["A\n1", "yes"]}}},
}  # fmt: skip


@pytest.fixture
async def site(client: Client) -> AsyncIterator[str]:
    async with served(create_api(client.app)) as address:
        yield address


async def run(site: str, *arguments: str) -> str:
    """Run a command and return what it says; raises the Trouble that it ends with."""

    def invoke() -> Any:
        given = ["templates", *arguments, "--url", site, "--key", KEY]
        return CliRunner().invoke(tocsin, given, catch_exceptions=True)

    result = await asyncio.to_thread(invoke)
    if isinstance(result.exception, Trouble):
        raise result.exception
    assert result.exit_code == 0, result.output
    return str(result.output)


async def test_what_is_pulled_and_pushed_changes_nothing(
    client: Client, site: str, tmp_path: Path
) -> None:
    footer = {"key": "footer", "source": "Example\n", "locales": {"fr": "Exemple"}}
    await client.post("/v1/partials", json=footer)
    await a_template(client, category="bulk", priority="high", name="Orders")
    await a_template(client, "rich", RICH)
    before = (await client.get("/v1/templates")).json()
    await run(site, "pull", str(tmp_path))
    assert {path.name for path in (tmp_path / "rich").iterdir()} == {
        "template.yaml", "en.email.mjml", "en.email.txt", "en.telegram.txt", "fr-CA.email.txt",
    }  # fmt: skip
    assert (tmp_path / "rich/en.email.mjml").read_text() == MJML + "\n"
    said = await run(site, "push", str(tmp_path))
    assert said == "footer: unchanged\norder: unchanged\nrich: unchanged\n"
    assert (await client.get("/v1/templates")).json() == before


async def test_a_folder_moves_to_an_empty_system(client: Client, site: str, tmp_path: Path) -> None:
    await a_template(client, "rich", RICH)
    first = (await client.get("/v1/templates/rich")).json()
    await run(site, "pull", str(tmp_path))
    await client.delete("/v1/templates/rich")
    assert await run(site, "push", str(tmp_path)) == "rich: new\n"
    again = (await client.get("/v1/templates/rich")).json()
    names = ("key", "name", "category", "priority", "locale", "content", "locales", "schema")
    assert [again[name] for name in names] == [first[name] for name in names]


async def test_a_change_becomes_a_version_and_is_published(
    client: Client, site: str, tmp_path: Path
) -> None:
    await a_template(client)
    await publish(client)
    await run(site, "pull", str(tmp_path))
    (tmp_path / "order/fr.sms.txt").write_text("Voici {{ order }}\n")
    document = yaml.safe_load((tmp_path / "order/template.yaml").read_text())
    (tmp_path / "order/template.yaml").write_text(yaml.dump({**document, "priority": "low"}))
    said = await run(site, "push", str(tmp_path), "--dry-run", "--publish")
    assert "order: would be changed: locales.fr.sms.text\n" in said
    assert "-Commande {{ order }}\n+Voici {{ order }}\n" in said
    assert (await client.get("/v1/templates/order")).json()["version"] == 1
    said = await run(site, "push", str(tmp_path), "--publish", "--note", "Friendlier")
    assert said.splitlines()[:3] == [
        "order: changed: priority", "order: changed: locales.fr.sms.text",
        "order: published version 2",
    ]  # fmt: skip
    found = (await client.get("/v1/templates/order")).json()
    assert (found["published_version"], found["priority"]) == (2, "low")
    assert found["versions"][0]["note"] == "Friendlier"
    assert await run(site, "push", str(tmp_path), "--publish") == "order: unchanged\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("template.yaml", "key: [", "is not YAML"),
        ("template.yaml", "- a", "must hold key"),
        ("template.yaml", "key: other\ncontent: {sms: {text: x}}", "as its folder"),
        ("template.yaml", "key: order\ncontent: {sms: {text: {file: ../x}}}", "of this folder"),
        ("template.yaml", "key: order\ncontent: {sms: {text: {file: x.txt}}}", "missing"),
        ("template.yaml", "key: order\ncontent: {sms: {words: x}}", "content.sms.text"),
        ("en.sms.txt", "{% if", "content.sms.text"),
    ],
)
async def test_what_is_wrong_is_said_by_file_and_field(
    client: Client, site: str, tmp_path: Path, name: str, text: str, words: str
) -> None:
    await a_template(client)
    await run(site, "pull", str(tmp_path))
    (tmp_path / "order" / name).write_text(text)
    with pytest.raises(Trouble, match=words) as raised:
        await run(site, "push", str(tmp_path))
    assert "order" in raised.value.what
    assert (await client.get("/v1/templates/order")).json()["version"] == 1


async def test_an_empty_folder_is_told(site: str, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="holds no templates"):
        await run(site, "push", str(tmp_path))
    with pytest.raises(Trouble, match="is no folder"):
        await run(site, "push", str(tmp_path / "nothing"))
