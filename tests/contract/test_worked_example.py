"""The worked example of docs/vendors.md passes the suite as it stands there."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.http_vendor import Behaviour, Forgery
from tests.contract import test_vendors as suite
from tests.contract.case import Case
from tests.guards.test_packages import ROOT
from vendors.registry import KINDS

MOST_LINES = 150
PAGE = ROOT / "docs" / "vendors.md"


def blocks() -> dict[str, str]:
    """The code of the page, by the name in each first line."""
    found = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return dict(found)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    for name, code in blocks().items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(KINDS, "pling", importlib.import_module("pling").KIND)
    [case] = importlib.import_module("case_pling").CASES
    yield case
    for name in blocks():
        sys.modules.pop(name, None)


def test_it_is_short() -> None:
    found = blocks()
    assert set(found) == {"pling", "fake_pling", "case_pling"}
    lines = [line for name in ("pling", "fake_pling") for line in found[name].splitlines()]
    code = [line for line in lines if line.strip()]
    print(f"adapter and fake: {len(code)} lines")
    assert len(code) <= MOST_LINES


@pytest.mark.parametrize("behaviour", list(Behaviour))
async def test_every_behaviour_is_judged(example: Case, behaviour: Behaviour) -> None:
    await suite.test_every_behaviour_is_judged(example, behaviour)


@pytest.mark.parametrize(
    "check",
    [
        suite.test_what_was_accepted_reached_the_vendor_with_our_tag,
        suite.test_wrong_secrets_are_the_accounts_affair,
        suite.test_nobody_there_is_transient,
        suite.test_too_long_a_message_is_refused_before_it_is_sent,
        suite.test_settings_show_no_secret,
        suite.test_a_batch_is_one_call_and_each_has_its_outcome,
        suite.test_many_at_once_are_all_told_apart,
        suite.test_noise_in_place_of_a_receipt_is_refused,
    ],
)
async def test_the_suite_passes(example: Case, check: Any) -> None:
    await check(example)


async def test_its_receipts_are_heard_and_forged_ones_refused(example: Case) -> None:
    for event in example.events:
        await suite.test_every_event_is_heard(example, event)
    for forgery in example.forgeries:
        await suite.test_forged_receipts_are_refused(example, Forgery(forgery))
