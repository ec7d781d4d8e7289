"""Inputs of vendors' forms: made of any schema, and read back as they were shown."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr

from dashboard.figures import duration, percent, plain
from dashboard.vendor_bars import HEIGHT, MINUTES, STEP, bars
from dashboard.vendor_fields import (
    changes_document,
    first_texts,
    kept_texts,
    new_document,
    texts_of,
)
from dashboard.vendor_inputs import Input, Kind, label_of, settings_inputs
from domain.errors import Invalid
from services.account_health import KINDS
from vendors.contract import VendorSettings


class Region(StrEnum):
    """Of a vendor of another package."""

    EU = "eu"
    US = "us"


class Odd(VendorSettings):
    """Settings of every kind that a vendor of another package may have."""

    note: str = Field("", description="A note")
    region: Region = Field(Region.EU, description="Region")
    key: SecretStr = Field(json_schema_extra={"contentMediaType": "application/x-pem-file"})
    token: SecretStr | None = None
    strict: bool = True
    tries: int | None = Field(3, description="Tries.")
    share: float = 0.5
    hosts: list[str] = Field(default_factory=list, description="Hosts")
    headers: dict[str, str] = Field(default_factory=dict)
    certificate: str = Field("", json_schema_extra={"contentMediaType": "application/x-pem-file"})
    base_url: str = Field(description="Where it is")


INPUTS = settings_inputs(Odd.model_json_schema(by_alias=True))
BY_NAME = {one.name.removeprefix("settings."): one for one in INPUTS}
WORD = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
FILLED = st.fixed_dictionaries({
    "note": WORD, "region": st.sampled_from(["eu", "us"]), "key": WORD, "token": WORD,
    "strict": st.booleans(), "tries": st.integers(-(10**12), 10**12),
    "share": st.floats(allow_nan=False, allow_infinity=False),
    "hosts": st.lists(WORD, min_size=1, max_size=3),
    "headers": st.dictionaries(WORD, WORD, min_size=1, max_size=3),
    "certificate": st.lists(WORD, min_size=1, max_size=3).map("\n".join), "base_url": WORD,
})  # fmt: skip


def test_a_schema_becomes_inputs_with_the_required_ones_first() -> None:
    assert [one.name for one in INPUTS[:2]] == ["settings.key", "settings.base_url"]
    assert {name: one.kind for name, one in BY_NAME.items()} == {
        "note": Kind.LINE, "region": Kind.CHOICE, "key": Kind.FILE, "token": Kind.LINE,
        "strict": Kind.SWITCH, "tries": Kind.NUMBER, "share": Kind.NUMBER, "hosts": Kind.LIST,
        "headers": Kind.OBJECT, "certificate": Kind.FILE, "base_url": Kind.LINE,
    }  # fmt: skip
    assert [name for name, one in BY_NAME.items() if one.secret] == ["key", "token"]
    assert BY_NAME["region"].choices == [("eu", "eu"), ("us", "us")]
    assert BY_NAME["tries"].help == "Tries. Empty: 3."
    assert BY_NAME["hosts"].help == "Hosts, one a line."
    assert not BY_NAME["base_url"].of_connection, "it is required"
    assert first_texts(INPUTS) == {"settings.region": "eu", "settings.strict": "yes"}


@given(settings=FILLED)
def test_what_is_shown_is_read_back(settings: dict[str, Any]) -> None:
    account = {"settings": settings}
    texts = texts_of(INPUTS, account)
    assert (texts["settings.key"], texts["settings.token"]) == ("", "")
    sent = {name: value.replace("\n", "\r\n") for name, value in texts.items()}
    assert changes_document(INPUTS, sent, texts) == {}
    secrets = {"settings.key": settings["key"], "settings.token": settings["token"]}
    assert new_document(INPUTS, {**sent, **secrets}) == account
    assert secrets.keys() & kept_texts(INPUTS, {**sent, **secrets}).keys() == set()


def test_a_change_holds_only_what_differs() -> None:
    shown = texts_of(INPUTS, {"settings": {"note": "n", "tries": 3, "strict": True}})
    sent = {**shown, "settings.note": "", "settings.strict": "", "settings.token": " new ",
            "clear.settings.key": "yes"}  # fmt: skip
    assert changes_document(INPUTS, sent, shown) == {
        "settings": {"key": "", "note": None, "strict": False, "token": " new "}
    }
    assert changes_document(INPUTS, {**shown, "clear.settings.note": "yes"}, shown) == {}


def test_what_is_no_json_is_named() -> None:
    for text in ("{", "[]", "7"):
        with pytest.raises(Invalid) as caught:
            new_document(INPUTS, {"settings.headers": text})
        assert [one.field for one in caught.value.errors] == ["settings.headers"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), (" 0.5 ", 0.5), ("1e3", 1000.0), ("0,5", "0,5"), ("many", "many"), ("", None)],
)
def test_a_number_that_is_none_stays_what_was_typed(text: str, value: Any) -> None:
    one = Input("cost", "Cost", Kind.NUMBER)
    assert new_document([one], {"cost": text}) == ({} if value is None else {"cost": value})


def test_labels_are_spelt_as_people_do() -> None:
    names = ("account_sid", "base_url", "from", "ca_file", "api_key", "vapid_private_key")
    assert [label_of(name) for name in names] == [
        "Account SID", "Base URL", "From", "CA file", "API key", "VAPID private key",
    ]  # fmt: skip


def test_figures_are_said_shortly() -> None:
    thin = "\u2009"
    assert [plain(n) for n in (0.0, 5, 0.0075, 1e6)] == ["0", "5", "0.0075", "1000000"]
    assert [percent(n) for n in (0, 0.0004, 0.001, 0.12345, 1)] == [
        f"0{thin}%", f"<0.1{thin}%", f"0.1{thin}%", f"12.3{thin}%", f"100{thin}%",
    ]  # fmt: skip
    assert [duration(n) for n in (25, 1000, 2500)] == [f"25{thin}ms", f"1{thin}s", f"2.5{thin}s"]


MINUTE = st.fixed_dictionaries(dict.fromkeys(KINDS, st.integers(0, 10**6)))


@given(counts=st.dictionaries(st.integers(0, 70), MINUTE, max_size=20), second=st.integers(0, 59))
def test_bars_stand_in_their_minute_and_never_leave_the_drawing(
    counts: dict[int, dict[str, int]], second: int
) -> None:
    as_of = datetime(2030, 1, 31, 9, 30, second, tzinfo=UTC)
    minutes = [
        {**one, "at": (as_of.replace(second=0) - timedelta(minutes=ago)).isoformat()}
        for ago, one in sorted(counts.items(), reverse=True)
    ]
    drawn = bars(minutes, as_of.isoformat())
    seen = [
        ago for ago in sorted(counts, reverse=True) if ago < MINUTES and any(counts[ago].values())
    ]
    assert [bar.x for bar in drawn.bars] == [(MINUTES - 1 - ago) * STEP for ago in seen]
    for bar, ago in zip(drawn.bars, seen, strict=True):
        assert sum(counts[ago].values()) <= drawn.most
        assert all(part.height > 0 for part in bar.parts)
        assert sum(part.height for part in bar.parts) <= HEIGHT + 0.1
        assert min(part.y for part in bar.parts) >= -0.1
    assert sum(drawn.totals.values()) == sum(sum(one.values()) for one in counts.values())


def test_a_minute_says_what_it_holds() -> None:
    minute = {**dict.fromkeys(KINDS, 0), "accepted": 1200, "rejected": 1, "unknown": 2}
    [bar] = bars([{**minute, "at": "2030-01-31T09:30:00.000Z"}], "2030-01-31T09:30:59.000Z").bars
    assert bar.told == "09:30 UTC: 1\u2009200 accepted; 2 not now, or in doubt; 1 refused"
    assert [part.tone for part in bar.parts] == ["sent", "unknown", "failed"]
