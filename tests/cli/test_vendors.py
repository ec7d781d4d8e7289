"""vendors: a line each, whatever the terminal's width, and the settings of one."""

import json

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from cli.embedded.trouble import Trouble
from cli.main import app
from domain.vocabulary import Channel
from vendors.contract import Capabilities, VendorKind
from vendors.registry import KINDS


def said(monkeypatch: pytest.MonkeyPatch, *arguments: str, width: int = 80) -> list[str]:
    """Return the lines that `tocsin vendors …` prints on a terminal so wide."""
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(app, ["vendors", *arguments])
    assert result.exit_code == 0, result.output
    return [line.rstrip() for line in result.output.splitlines()]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_every_vendor_has_one_line(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    head, *lines, hint = said(monkeypatch, width=width)
    assert head.split() == [
        "vendor", "title", "channels", "batch", "receipts", "replies", "look-up",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines] == sorted(KINDS)
    assert max(map(len, [head, *lines, hint])) <= width
    assert "tocsin vendors NAME" in hint


def test_a_line_says_what_the_vendor_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {line.split()[0]: line.split() for line in said(monkeypatch)}
    assert lines["infobip"] == [
        "infobip", "Infobip", "SMS", "sms", "1,000", "yes", "yes", "yes",
    ]  # fmt: skip
    assert lines["ses"] == ["ses", "Amazon", "SES", "email", "50", "yes", "-", "-"]
    assert lines["webhook"][-5:] == ["all", "1", "yes", "yes", "-"]


def test_only_a_title_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    long = VendorKind(
        "pling", "Pling, " * 20, frozenset({Channel.WHATSAPP}), KINDS["sandbox"].settings,
        KINDS["sandbox"].open_account, Capabilities(batch=1000, look_up=True),
    )  # fmt: skip
    monkeypatch.setitem(KINDS, "pling", long)
    lines = said(monkeypatch)
    [line] = [one for one in lines if one.startswith("pling")]
    assert "…" in line
    assert line.split()[-5:] == ["whatsapp", "1,000", "-", "-", "yes"]
    assert max(map(len, lines)) <= 80
    assert any("twilio_whatsapp" in one for one in lines)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("width", [80, 200])
def test_the_settings_of_one(monkeypatch: pytest.MonkeyPatch, name: str, width: int) -> None:
    first, *lines = said(monkeypatch, name, width=width)
    assert first.startswith(KINDS[name].title)
    assert max(map(len, [first, *lines])) <= width
    fields = {field.alias or key: field for key, field in KINDS[name].settings.model_fields.items()}
    listed = {line.split()[0]: line for line in lines if not line.startswith(" ")}
    for setting, field in fields.items():
        words = listed[setting].split()
        assert (words[1] == "required") == field.is_required(), listed[setting]
        assert words[2 if field.is_required() else 1] == str(field.description).split()[0]


def test_on_a_wide_terminal_a_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, *lines = said(monkeypatch, "infobip", width=200)
    assert len(lines) == len(KINDS["infobip"].settings.model_fields)
    shown = {line.split()[0]: line for line in lines}
    assert shown["api_key"].split("  ")[0] == "api_key"
    assert "required" in shown["api_key"]
    assert shown["api_key"].endswith("(secret)")
    assert shown["webhook_password"].endswith("(secret)")
    assert shown["webhook_algorithm"].endswith("(one of sha256, sha384, sha512; default sha256)")
    assert shown["connections"].endswith("(default 50)")
    assert shown["from"].endswith("Sender: a number or a name")


@pytest.mark.parametrize("name", KINDS)
def test_every_secret_is_marked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text = "\n".join(said(monkeypatch, name, width=300))
    fields = KINDS[name].settings.model_fields
    secrets = [one for one, field in fields.items() if SecretStr.__name__ in str(field.annotation)]
    assert text.count("(secret") == len(secrets)


def test_what_is_required_stands_first_and_what_all_have_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, _, *lines = said(monkeypatch, "mandrill", width=200)
    names = [line.split()[0] for line in lines]
    assert names[:2] == ["api_key", "from"]
    assert names[-4:] == ["connections", "connect_seconds", "reply_seconds", "ca_file"]


def test_scripts_get_json(monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = json.loads("".join(said(monkeypatch, "--json")))
    assert [one["name"] for one in all_of_them] == sorted(KINDS)
    one = json.loads("".join(said(monkeypatch, "infobip", "--json")))
    assert one == next(other for other in all_of_them if other["name"] == "infobip")
    assert one["capabilities"]["look_up"] is True


def test_a_vendor_that_is_none_is_said_in_a_sentence() -> None:
    result = CliRunner().invoke(app, ["vendors", "nobody"])
    assert isinstance(result.exception, Trouble)
    assert result.exception.what == "There is no vendor nobody."
    assert "tocsin vendors" in result.exception.remedy
