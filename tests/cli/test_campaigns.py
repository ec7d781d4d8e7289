"""campaign as an operator types it: what is asked of the API, and what is told of its answers."""

from contextlib import nullcontext
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import campaigns
from cli.main import app as command

FOUND: dict[str, Any] = {
    "id": "cmp_1", "name": "Spring", "state": "sending", "audience": "aud_1", "category": "bulk",
    "priority": "low", "created_by": "ann", "hash": "9f2c", "problem": None,
    "approve_by": None,
    "engagement": {"rates": {}},
    "sender": {"from": "News <news@example.com>"}, "brand": {"name": "Harbour"},
    "pace": {"per_second": 50.0, "ramp": {"start_per_second": 5, "over_seconds": 600}, "now": 8.0},
    "canary": {"state": "passed", "recipients": 10, "counts": {"sent": 10, "failed": 0}},
    "ab_test": {
        "state": "decided", "winner": "b", "decided_by": "measure", "measure": "clicked",
        "variants": [
            {"variant": "a", "template": "plain", "sent": 10, "hits": 1},
            {"variant": "b", "template": "bold", "sent": 10, "hits": 4},
        ],
    },
}  # fmt: skip
LEDGER = {"asked": 20, "reasons": {}, **dict.fromkeys(campaigns._NUMBERS, 0), "sent": 20}


def test_what_is_typed_is_asked_and_what_is_answered_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, str, Any]] = []

    def asked(_client: Any, method: str, place: str, **given: Any) -> Any:
        calls.append((method, place, given.get("json")))
        return LEDGER if place.endswith("/ledger") else FOUND

    monkeypatch.setattr(campaigns, "connect", lambda *_: nullcontext())
    monkeypatch.setattr(campaigns, "asked", asked)

    def run(*words: str) -> str:
        done = CliRunner().invoke(command, ["campaign", *words], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    assert run("pace", "cmp_1", "50", "--from", "5", "--over", "600") == (
        "sending, 50 a second, now 8\n"
    )
    run("pace", "cmp_1", "none")
    run("pace", "cmp_1", "0")
    run("winner", "cmp_1", "b", "--reason", "Clearer.")
    ramp = {"start_per_second": 5.0, "over_seconds": 600.0}
    assert calls == [
        ("PATCH", "/v1/campaigns/cmp_1", {"pace": {"per_second": "50", "ramp": ramp}}),
        ("PATCH", "/v1/campaigns/cmp_1", {"pace": None}),
        ("PATCH", "/v1/campaigns/cmp_1", {"pace": {"per_second": "0", "ramp": None}}),
        ("POST", "/v1/campaigns/cmp_1/winner", {"variant": "b", "reason": "Clearer."}),
    ]
    shown = run("show", "cmp_1")
    for told in (
        "from        News <news@example.com>", "brand       Harbour",
        "pace        50 a second, now 8", "canary      passed, 10 recipients: 10 sent",
        "test        b won (measure)", "  b         bold: 4 clicked of 10 sent",
    ):  # fmt: skip
        assert told in shown
