"""Table, pages and fakes are of the vendors that are built in, and say what is so."""

import re
from dataclasses import dataclass

import pytest

from domain.vocabulary import Channel
from fakes.apns import FakeApns
from fakes.vendors import FAKES
from tests.guards.test_packages import ROOT
from vendors.contract import VendorKind
from vendors.http_api import HttpSettings
from vendors.registry import KINDS

DOCS = ROOT / "docs"
HEAD = ["Kind", "Channels", "In a call", "Receipts", "Replies", "Look-up"]
WITHOUT_PAGE = {"sandbox"}
"""What docs/vendors.md describes itself."""
WITHOUT_HTTP = {"smtp", "sandbox"}

NO = "–"
YES_OR_NO = ("receipts", "replies", "look_up")
PLATFORMS = {"android", "ios"}


@dataclass(frozen=True)
class Row:
    """A vendor in the table: its page, and the words of the other columns."""

    page: str
    channels: str
    batch: str
    receipts: str
    replies: str
    look_up: str


def table(text: str) -> dict[str, Row]:
    """Return the rows of the table whose columns are HEAD, by the vendor's name."""
    lines = text.splitlines()
    first = lines.index(f"| {' | '.join(HEAD)} |")
    found: dict[str, Row] = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        kind, *words = (one.strip() for one in line.strip("|").split("|"))
        named = re.fullmatch(r"`(\w+)`|\[`(\w+)`\]\((.+)\)", kind)
        assert named, f"{kind} is no name, with a link or without"
        name = named[1] or named[2]
        assert name not in found, f"{name} stands there twice"
        found[name] = Row(named[3] or "", *words)
    return found


ROWS = table((DOCS / "vendors.md").read_text())


def of_channels(words: str) -> set[str]:
    named = set(re.findall(r"\w+", words))
    return set(Channel) if "all" in named else named & set(Channel)


def own_settings(kind: VendorKind) -> set[str]:
    """Return the settings that not every vendor over HTTP has."""
    fields = kind.settings.model_fields
    return {field.alias or name for name, field in fields.items()} - set(HttpSettings.model_fields)


def test_every_vendor_has_its_row() -> None:
    assert set(ROWS) == set(KINDS)


def test_every_vendor_has_its_page_and_no_page_is_of_nobody() -> None:
    assert {name for name, row in ROWS.items() if not row.page} == WITHOUT_PAGE
    pages = {f"vendors/{file.name}" for file in (DOCS / "vendors").glob("*.md")}
    assert pages == {row.page for row in ROWS.values() if row.page}


@pytest.mark.parametrize("name", KINDS)
def test_a_row_says_what_the_vendor_can_do(name: str) -> None:
    row, kind = ROWS[name], KINDS[name]
    able = kind.capabilities
    assert of_channels(row.channels) == set(kind.channels)
    assert row.batch == f"{able.batch:,}"
    said = {column: getattr(row, column) != NO for column in YES_OR_NO}
    assert said == {column: getattr(able, column) for column in YES_OR_NO}
    platforms = {one for one in PLATFORMS if one in row.channels.lower()}
    assert platforms == (set() if able.platforms == PLATFORMS else able.platforms)


@pytest.mark.parametrize("name", sorted(set(KINDS) - WITHOUT_PAGE))
def test_a_page_names_every_setting_of_its_vendor(name: str) -> None:
    page = (DOCS / ROWS[name].page).read_text()
    assert {one for one in own_settings(KINDS[name]) if f"`{one}`" not in page} == set()


def test_every_vendor_over_http_has_its_fake() -> None:
    assert {fake.name for fake in FAKES} | {FakeApns.name} == set(KINDS) - WITHOUT_HTTP


def test_a_row_that_is_wrong_is_seen() -> None:
    head = f"| {' | '.join(HEAD)} |\n| --- | --- | --- | --- | --- | --- |\n"
    good = "| [`pling`](vendors/pling.md) | sms | 1 | HMAC | – | yes |\n"
    assert table(head + good + "\n| x | y |") == {
        "pling": Row("vendors/pling.md", "sms", "1", "HMAC", NO, "yes")
    }
    for bad in (good + good, "| pling | sms | 1 | – | – | – |\n"):
        with pytest.raises(AssertionError):
            table(head + bad)
    with pytest.raises(ValueError, match="is not in list"):
        table("| Kind | Channels |\n")
