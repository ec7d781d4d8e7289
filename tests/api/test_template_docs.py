"""The lines of docs/templates.md run as they stand, in order."""

import json
import re

from tests.fixtures.api import Client
from tests.guards.test_packages import ROOT

_CURL = re.compile(r"curl -X (\w+) http://127\.0\.0\.1:8080(\S+) .*?-d '(.*?)'\n", re.DOTALL)


async def test_every_line_runs(client: Client) -> None:
    lines = _CURL.findall((ROOT / "docs/templates.md").read_text())
    assert len(lines) == 6
    for method, path, body in lines:
        answer = await client.request(method, path, json=json.loads(body))
        assert answer.is_success, f"{method} {path}: {answer.text}"
        errors = [one for one in answer.json().get("problems", []) if one["severity"] == "error"]
        assert errors == [], path
    for path in ("history", "diff?from=1&to=2", "archive", "unarchive"):
        method = "GET" if path.startswith(("history", "diff")) else "POST"
        sent = await client.request(method, f"/v1/templates/parcel/{path}", json={})
        assert sent.status_code == 200, sent.text
