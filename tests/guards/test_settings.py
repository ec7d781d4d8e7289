"""Every setting is described, listed by `tocsin config` and documented; nothing else is."""

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app
from config.settings import Settings
from tests.guards.test_packages import ROOT
from tests.guards.test_shape import product_files

VARIABLES = {f"TOCSIN_{name.upper()}": field for name, field in Settings.model_fields.items()}
PAGE = ROOT / "docs" / "settings.md"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A shell without any of our variables, in a folder without .env."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def config(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["config", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_every_setting_is_described() -> None:
    assert {name for name, field in VARIABLES.items() if not field.description} == set()


def test_config_lists_every_setting_with_its_meaning(bare: pytest.MonkeyPatch) -> None:
    listed = json.loads(config("--json"))
    assert {name: row["meaning"] for name, row in listed.items()} == {
        name: field.description for name, field in VARIABLES.items()
    }


def test_config_lists_every_setting_for_people(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("COLUMNS", "300")
    assert set(re.findall(r"TOCSIN_\w+", config())) == set(VARIABLES)


SECRETS = [
    name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field)
]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_config_shows_no_secret(bare: pytest.MonkeyPatch, name: str, form: tuple[str, ...]) -> None:
    secret = "5ecret" * 11
    many = "list[" in str(Settings.model_fields[name.lower()].annotation)
    bare.setenv(f"TOCSIN_{name}", json.dumps([secret]) if many else secret)
    bare.setenv("COLUMNS", "300")
    shown = config(*form)
    assert "(set)" in shown
    assert "5ecret" not in shown


def test_every_secret_by_its_name_is_a_secret() -> None:
    telling = re.compile(r"PASSWORD|SECRET|_KEY$|DATABASE_URL|REPLICA_URLS|SMTP_URL")
    assert {name for name in VARIABLES if telling.search(name)} == {
        f"TOCSIN_{name}" for name in SECRETS
    }


def of_commands() -> set[str]:
    """Variables that options of the commands read; they are no settings."""
    commands = [typer.main.get_command(app)]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
    named = {option.envvar for command in commands for option in command.params}
    return {one for one in named if isinstance(one, str)} - set(VARIABLES)


def named(*files: Path) -> set[str]:
    """Variables that files name."""
    return {
        name for file in files for name in re.findall(r"\bTOCSIN_[A-Z_]*[A-Z]\b", file.read_text())
    }


def test_every_variable_is_documented() -> None:
    assert (set(VARIABLES) | of_commands()) - named(PAGE) == set()


def test_only_variables_that_exist_are_documented() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("deploy/**/*.y*ml")]
    assert named(*pages) - set(VARIABLES) - of_commands() == set()


def test_the_product_names_only_variables_that_exist() -> None:
    assert named(*product_files()) - set(VARIABLES) - of_commands() == set()
