"""GET /v1/profiles/{id}/export: one document with all that is kept about one person."""

import pytest

from domain.ids import encode
from tests.fixtures.api import Client
from tests.fixtures.heard import Probe
from tests.fixtures.person import EMAIL, PHONE, add_profile, ask, plant
from vendors.registry import KINDS


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    made = Probe()
    monkeypatch.setitem(KINDS, "probe", made.kind)
    return made


async def test_everything_is_in_one_document(client: Client, probe: Probe) -> None:
    planted = await plant(client, probe)
    twin = (await client.post("/v1/profiles", json={"email": EMAIL})).json()
    await ask(client, twin["id"])
    answer = await client.get(f"/v1/profiles/{planted['id']}/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert planted["id"] in answer.headers["content-disposition"]
    found = answer.json()
    assert found["profile"] == (await client.get(f"/v1/profiles/{planted['id']}")).json()
    assert [one["address"] for one in found["suppressions"]] == [PHONE]
    assert [one["action"] for one in found["changes"]] == ["profile.created"]
    assert [one["text"] for one in found["replies"]] == ["STOP, says Zeldaquux"]
    assert {one["id"] for one in found["notifications"]} == {
        *planted["waiting"], *(encode("ntf", planted[one]["id"]) for one in ("sent", "failed")),
    }  # fmt: skip
    for one in found["notifications"]:
        assert one == (await client.get(f"/v1/notifications/{one['id']}")).json()
    sent = next(one for one in found["notifications"] if one["state"] == "sent")
    assert [one["kind"] for one in sent["deliveries"][0]["receipts"]] == ["bounced"]
    assert EMAIL not in str(found["notifications"])


async def test_many_notifications_come_in_pages(client: Client) -> None:
    made = await add_profile(client)
    asked = [await ask(client, made["id"]) for _ in range(45)]
    found = (await client.get(f"/v1/profiles/{made['id']}/export")).json()
    assert [one["id"] for one in found["notifications"]] == asked


async def test_an_export_is_for_those_who_may_read_all_of_it(client: Client) -> None:
    made = await add_profile(client)
    path = f"/v1/profiles/{made['id']}/export"
    for scope in ("profiles:read", "notifications:read"):
        assert (await (await client.with_key(scope)).get(path)).status_code == 403
    other = await client.with_key("*", module="other")
    assert (await other.get(path)).status_code == 404
    assert (await client.get("/v1/profiles/prf_x/export")).status_code == 404
