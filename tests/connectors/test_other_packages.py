"""Connectors of other packages come by entry point, as vendors do."""

from importlib.metadata import EntryPoint
from typing import Any

from structlog.testing import capture_logs

from config.plugins import load_kinds
from connectors.contract import ConnectorKind, ConnectorSettings, Member
from connectors.registry import CONNECTORS, GROUP, TAKEN
from tests.api.test_audiences import an_audience, preview
from tests.fixtures.api import Client


class Settings(ConnectorSettings):
    count: int


async def _members(settings: Any, surroundings: Any) -> Any:
    for number in range(0, settings.count, 2):
        yield [Member(external_id=str(n)) for n in (number, number + 1)]


CRM = ConnectorKind("crm", "A CRM", Settings, _members)
NO_KIND = "crm"


def entry(value: str) -> EntryPoint:
    return EntryPoint("crm", f"tests.connectors.test_other_packages:{value}", GROUP)


def test_a_connector_is_loaded_and_what_is_none_is_left_out() -> None:
    with capture_logs() as logs:
        found = load_kinds([entry("NO_KIND"), entry("CRM")], CONNECTORS, ConnectorKind, "connector")
    assert [kind.title for kind in found.values()] == ["A CRM"]
    assert logs[0]["event"] == "plugin.not_taken"


def test_no_connector_takes_a_name_of_ours() -> None:
    assert not set(TAKEN) & set(CONNECTORS)


async def test_a_connector_of_somebody_elses_serves_audiences(
    client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setitem(CONNECTORS, "crm", CRM)
    made = await an_audience(client, kind="crm", crm={"count": 4})
    assert made["crm"] == {"count": 4}
    assert (await preview(client, made))["count"] == 4
    wrong = {"name": "w", "kind": "union", "union": [{"kind": "crm", "crm": {"count": "x"}}]}
    answer = await client.post("/v1/audiences", json=wrong)
    assert [one["field"] for one in answer.json()["errors"]] == ["union[0].crm.count"]
