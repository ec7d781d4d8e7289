"""`python -m bench.campaigns [--recipients N …]`: how fast campaigns go, and what they cost.

Starts the processes of `tocsin up` with a mail server, fills it with profiles, and sends one
campaign to all of them for each number given. Exit code 1 when something could not be measured or
the ledger does not balance, never for time.
"""

import argparse
import asyncio
import os
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import httpx
import psutil

from bench.audiences import fill
from bench.system import System, running
from cli.embedded.trouble import Trouble

RECIPIENTS: Final = (10_000,)
_PATIENCE: Final = 7_200.0
_CONTENT: Final = {
    "email": {
        "subject": "Your statement of {{ month }}",
        "html": "<p>Dear customer,</p>" + "<p>your statement of {{ month }} is ready.</p>" * 30,
    }
}


@dataclass(frozen=True, slots=True)
class Found:
    """A campaign measured: seconds, CPU seconds by process, bytes of the database."""

    recipients: int
    resolve: float
    deliver: float
    cpu: dict[str, float]
    database: int

    def line(self) -> str:
        """Return the figures as a row of the table."""
        each = 1e6 * sum(self.cpu.values()) / self.recipients
        return (
            f"| {self.recipients:,} | {self.resolve:.1f} | {self.recipients / self.resolve:,.0f}"
            f" | {self.deliver:.1f} | {self.recipients / self.deliver:,.0f} | {each:,.0f}"
            f" | {self.database / self.recipients:,.0f} |"
        )


HEAD: Final = (
    "| recipients | resolve s | resolved/s | deliver s | delivered/s | CPU µs each"
    " | PostgreSQL bytes each |\n| --: | --: | --: | --: | --: | --: | --: |"
)


async def measure(system: System, approver: httpx.AsyncClient, recipients: int) -> Found:
    """Send one campaign; raises Trouble when its ledger does not balance."""
    conn = await asyncpg.connect(system.settings.leader_dsn)
    try:
        await conn.execute("DELETE FROM suppressions")
        await conn.execute("DELETE FROM profiles")
        module = await conn.fetchval("SELECT id FROM modules WHERE key = 'default'")
        await fill(system.settings.leader_dsn, module, recipients)
        size = int(await conn.fetchval("SELECT pg_database_size(current_database())"))
        place = await _draft(system)
        cpu, began = _cpu(), time.monotonic()
        await _ask(system.api.post(f"{place}/submit"))
        found = await _until(system, place, "awaiting_approval", "draft")
        if found["state"] == "draft":
            raise Trouble(f"The campaign was not resolved: {found['problem']}")
        resolved = time.monotonic()
        await _ask(approver.post(f"{place}/approve", json={"hash": found["hash"]}))
        await _until(system, place, "completed")
        done = time.monotonic()
        used = {name: at - cpu.get(name, 0.0) for name, at in _cpu().items()}
        ledger = (await _ask(system.api.get(f"{place}/ledger"))).json()
        grown = int(await conn.fetchval("SELECT pg_database_size(current_database())")) - size
    finally:
        await conn.close()
    if not ledger["balanced"] or ledger["asked"] != recipients or ledger["waiting"]:
        raise Trouble(f"The ledger of {recipients:,} recipients is {ledger}.")
    return Found(recipients, resolved - began, done - resolved, used, grown)


async def an_approver(system: System) -> httpx.AsyncClient:
    """Return a client with the key of a new user who may approve."""
    user = {"name": "Approver", "email": "approver@example.com", "role": "approver"}
    made = (await _ask(system.api.post("/v1/users", json=user))).json()
    asked = {"name": "approver", "scopes": ["*"], "user": made["id"]}
    key = (await _ask(system.api.post("/v1/keys", json=asked))).json()["key"]
    return httpx.AsyncClient(
        base_url=system.api.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=60,
        trust_env=False,
    )  # fmt: skip


async def _draft(system: System) -> str:
    everyone = {
        "name": f"everyone at {time.time_ns()}", "kind": "filter",
        "filter": {"field": "attributes.plan", "op": "in", "value": ["free", "pro"]},
    }  # fmt: skip
    audience = (await _ask(system.api.post("/v1/audiences", json=everyone))).json()["id"]
    asked = {
        "name": "Statement", "audience": audience, "content": _CONTENT,
        "data": {"month": "November"}, "window": {"off_hours": None},
    }  # fmt: skip
    made = await _ask(system.api.post("/v1/campaigns", json=asked))
    return f"/v1/campaigns/{made.json()['id']}"


async def _until(system: System, place: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        found: dict[str, Any] = (await _ask(system.api.get(place))).json()
        if found["state"] in states:
            return found
        await asyncio.sleep(0.25)
    raise Trouble(f"A campaign did not get to {' or '.join(states)} in {_PATIENCE:.0f} s.")


async def _ask(call: Any) -> httpx.Response:
    answer: httpx.Response = await call
    if answer.is_error:
        raise Trouble(f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}")
    return answer


def _cpu() -> dict[str, float]:
    """Return the CPU seconds (user and system) of Tocsin's, PostgreSQL's and Temporal's processes
    so far, by what they are; the mail server and the measuring itself are left out.
    """
    found: dict[str, float] = {}
    for one in psutil.process_iter(["cmdline", "name", "cpu_times"]):
        words = " ".join(one.info["cmdline"] or [one.info["name"] or ""])
        kind = next((name for mark, name in _KINDS.items() if mark in words), None)
        if kind is not None and one.info["cpu_times"] is not None:
            times = one.info["cpu_times"]
            found[kind] = found.get(kind, 0.0) + times.user + times.system
    return found


_KINDS: Final = {
    "temporal server": "Temporal",
    "postgres": "PostgreSQL",
    "worker --lanes high": "worker, high",
    "worker --lanes low": "worker, low",
    "cli.main api": "API",
}


async def _run(numbers: list[int]) -> None:
    async with running() as system, await an_approver(system) as approver:
        print(HEAD, flush=True)
        for number in numbers:
            found = await measure(system, approver, number)
            print(found.line(), flush=True)
            shares = sorted(found.cpu.items(), key=lambda one: -one[1])
            told = ", ".join(f"{name} {1e6 * at / number:,.0f}" for name, at in shares)
            print(f"CPU µs each: {told}", file=sys.stderr, flush=True)
        peaks = ", ".join(f"{name} {at:.0f}" for name, at in system.peaks().items())
        print(f"\nPeak RSS, MiB: {peaks}", flush=True)
        system.check()


def main() -> int:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.campaigns", description=__doc__)
    parser.add_argument("--recipients", type=int, nargs="+", default=list(RECIPIENTS))
    numbers: list[int] = parser.parse_args().recipients
    for name in [one for one in os.environ if one.startswith("TOCSIN_")]:
        del os.environ[name]
    try:
        asyncio.run(_run(numbers))
    except (Trouble, OSError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
