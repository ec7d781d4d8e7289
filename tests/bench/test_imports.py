"""The bench of imports, with few rows against the API of the test's own process."""

from typing import Any, cast

import pytest

from bench.imports import Found, measure, table
from bench.system import System
from cli.embedded.trouble import Trouble
from services import importing
from services.import_judging import Judged
from tests.fixtures.api import Client
from workers.importing import Importing


class _InProcess:
    def __init__(self, client: Client) -> None:
        self.api = client


async def test_every_row_is_a_profile_and_the_figures_are_shown(client: Client) -> None:
    system = cast(System, _InProcess(client))
    async with Importing(client.app):
        first, again = await measure(system, 1_200), await measure(system, 1_200)
    assert (first.made["created"], again.made["unchanged"]) == (1_200, 1_200)
    groups = (await client.get("/v1/groups", params={"name": "everybody"})).json()["items"]
    assert [one["profiles"] for one in groups] == [1_200]
    peaks = {"API and dashboard": 100.0, "Worker, low lane and upkeep": 90.0}
    shown = table(Found(2.0, 4.0, first.made), Found(1.0, 3.0, again.made), peaks)
    assert "| 2.0 | 600 |" in shown
    assert "| Until all are profiles | 4.0 | 300 |" in shown
    assert "| API and dashboard | 100 |" in shown


async def test_a_row_that_is_lost_is_no_figure(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(_form: Any, _lines: Any, _rows: Any) -> Judged:
        return Judged()

    monkeypatch.setattr(importing, "judge", lossy)
    async with Importing(client.app):
        with pytest.raises(Trouble, match="0 of 10"):
            await measure(cast(System, _InProcess(client)), 10)
