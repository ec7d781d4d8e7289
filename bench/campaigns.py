"""`python -m bench.campaigns [--recipients N …] [--codes] [--pause] [--kill]`: campaigns at speed.

Starts the processes of `tocsin up` with a mail server that counts and many profiles, and sends
one campaign to all of them for each number given, beside a bare sender of the same mails. With
--codes one-time passwords are measured alone and beside the campaign, with --pause it is paused on
its way, with --kill every process is killed once. Exit code 1 when something could not be measured,
the ledger does not balance or does not agree with the mail server; never for time.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from bench import bare_mail, cpu
from bench.audiences import fill
from bench.beside import Codes
from bench.otp import texts_to_fake
from bench.sink import Counts, counting
from bench.system import System, running
from cli.embedded.trouble import Trouble
from domain import campaign
from domain.ids import decode

RECIPIENTS: Final = (10_000,)
_PATIENCE: Final = 7_200.0
_PARAGRAPH: Final = (
    '<p style="color:#333">What is new this month, in a sentence or two for all.</p>'
)
CONTENT: Final[dict[str, Any]] = {
    "email": {
        "subject": "Your statement of {{ month }}",
        "html": (
            '<!doctype html><html><body><table width="100%"><tr><td style="font-size:15px">'
            "<p>Dear {{ name }},</p><p>your statement of <b>{{ month }}</b> is ready. The balance"
            " is {{ balance }} and the next payment is due on {{ due }}.</p>"
            + _PARAGRAPH
            * 16
            + '<p><a href="https://example.com/statements/{{ month }}">See the statement</a></p>'
            '<p>You get this as a customer. <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
            "</td></tr></table></body></html>"
        ),
    },
    "data": {"month": "November", "balance": "20.50 EUR", "due": "1 December", "name": "customer"},
}
"""A personalised mail of 2 kB."""
_WISHES: Final = ("codes", "pause", "kill")
_KILLED: Final = ("api", "worker-high", "worker-low", "temporal", "postgres", "replica")


@dataclass(slots=True)
class Found:
    """A campaign measured: seconds, CPU seconds by process, bytes of the database."""

    recipients: int
    resolve: float = 0.0
    deliver: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    resolve_cpu: float = 0.0
    database: int = 0
    hash: str = ""
    bare: bare_mail.Bare | None = None
    notes: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the figures as a row of the table."""
        each = 1e6 / self.recipients
        bare = self.bare or bare_mail.Bare(0, float("nan"), float("nan"))
        return (
            f"| {self.recipients:,} | {self.recipients / self.resolve:,.0f}"
            f" | {self.recipients / self.deliver:,.0f}"
            f" | {self.recipients / (self.resolve + self.deliver):,.0f}"
            f" | {self.resolve_cpu * each:,.0f} | {sum(self.cpu.values()) * each:,.0f}"
            f" | {bare.rate:,.0f} | {bare.each:,.0f}"
            f" | {self.recipients / self.deliver / bare.rate:.2f}"
            f" | {self.database * 1e-6 * each:,.0f} |"
        )


HEAD: Final = (
    "| recipients | resolved/s | delivered/s | whole/s | CPU µs each to resolve | to deliver"
    " | bare sender/s | its CPU µs each | ratio of rates | PostgreSQL bytes each |\n"
    "| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"
)


@dataclass(frozen=True, slots=True)
class Bench:
    """The system with its mail server, and what is done to a campaign on its way."""

    system: System
    approver: httpx.AsyncClient
    counts: Counts
    port: int
    wishes: frozenset[str]

    async def measure(self, recipients: int) -> Found:
        """Send one campaign; raises Trouble when ledger and mail server do not agree."""
        found, dsn = Found(recipients), self.system.settings.leader_dsn
        async with _database(dsn) as conn:
            await conn.execute("DELETE FROM suppressions")
            await conn.execute("DELETE FROM profiles")
            module = await conn.fetchval("SELECT id FROM modules WHERE key = 'default'")
            await fill(dsn, module, recipients)
            await conn.execute("ANALYZE profiles")
            size = int(await conn.fetchval(_SIZE))
        found.bare = await bare_mail.measure(self.port, min(recipients, _BARE), CONTENT)
        self.counts.clear()
        place = await _draft(self.system)
        await self._resolve(place, found)
        if "codes" in self.wishes:
            async with texts_to_fake(self.system) as texts:
                codes = Codes(self.system, texts)
                await codes.measure(alone=True)
                await self._deliver(place, found, codes)
                found.notes.append(codes.told())
        else:
            await self._deliver(place, found, None)
        async with _database(dsn) as conn:  # a new connection: PostgreSQL may have been killed
            found.database = int(await conn.fetchval(_SIZE)) - size
            found.notes.append(await self._told_of_workflow(conn, place))
            await self._check(conn, place, found)
        return found

    async def _resolve(self, place: str, found: Found) -> None:
        before, began = cpu.used(), time.monotonic()
        await _ask(self.system.api.post(f"{place}/submit"))
        seen = await _until(self.system, place, "awaiting_approval", "draft")
        if seen["state"] == "draft":
            raise Trouble(f"The campaign was not resolved: {seen['problem']}")
        found.hash, found.resolve = seen["hash"], time.monotonic() - began
        found.resolve_cpu = sum(cpu.since(before).values())

    async def _deliver(self, place: str, found: Found, codes: Codes | None) -> None:
        before, began = cpu.used(), time.monotonic()
        await _ask(self.approver.post(f"{place}/approve", json={"hash": found.hash}))
        beside = [self._kill(found)] if "kill" in self.wishes else []
        beside += [self._pause(place, found)] if "pause" in self.wishes else []
        beside += [codes.measure(alone=False)] if codes else []
        going = [asyncio.create_task(one) for one in beside]
        await _until(self.system, place, "completed")
        found.deliver, found.cpu = time.monotonic() - began, cpu.since(before)
        if codes is not None:
            codes.over.set()
        await asyncio.gather(*going)

    async def _pause(self, place: str, found: Found) -> None:
        """Pause it after a quarter, see when the last mail came, and let it go on."""
        await self._came(found.recipients // 4)
        asked = time.monotonic()
        await _ask(self.system.api.post(f"{place}/pause"))
        await asyncio.sleep(4)
        left = found.recipients - self.counts.total
        late = max(self.counts.last_at - asked, 0.0)
        found.notes.append(
            f"Paused with about {left:,} to go: the last mail came {late:.2f} s after the request."
        )
        await _ask(self.system.api.post(f"{place}/resume"))

    async def _kill(self, found: Found) -> None:
        """Kill -9 every process once, in any order, at moments spread over the campaign."""
        parts = random.sample(_KILLED, len(_KILLED))
        for number, name in enumerate(parts, start=1):
            await self._came(found.recipients * number // (len(parts) + 2))
            os.kill(self.system.process(name), signal.SIGKILL)
            found.notes.append(f"Killed {name} when {self.counts.total:,} mails had come.")

    async def _came(self, mails: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while self.counts.total < mails:
            if time.monotonic() > deadline:
                raise Trouble(f"{mails:,} mails did not come in {_PATIENCE:.0f} s.")
            await asyncio.sleep(0.05)

    async def _told_of_workflow(self, conn: "asyncpg.Connection[Any]", place: str) -> str:
        row = await conn.fetchrow(_RUN, decode("cmp", place.rpartition("/")[2]))
        assert row is not None
        name = campaign.workflow_id(row["id"], row["run"], row["recoveries"])
        told = await self.system.temporal.get_workflow_handle(name).describe()
        return f"Workflow {told.status.name if told.status else ''}: {told.history_length} events."

    async def _check(self, conn: "asyncpg.Connection[Any]", place: str, found: Found) -> None:
        """Raise Trouble unless the ledger balances, and each got what the ledger says."""
        ledger = (await _ask(self.system.api.get(f"{place}/ledger"))).json()
        if not ledger["balanced"] or ledger["asked"] != found.recipients or ledger["waiting"]:
            raise Trouble(f"The ledger of {found.recipients:,} recipients is {ledger}.")
        rows = await conn.fetch(_ENDS, decode("cmp", place.rpartition("/")[2]))
        counted: dict[tuple[str, int], int] = {}
        for row in rows:
            key = (row["state"], self.counts.of(int(row["number"])))
            counted[key] = counted.get(key, 0) + 1
        told = ", ".join(f"{state} x{came}: {n:,}" for (state, came), n in sorted(counted.items()))
        found.notes.append(f"Ledger and mail server: {told}.")
        right = {("sent", 1), ("suppressed", 0), ("unknown", 0), ("unknown", 1)}
        if wrong := counted.keys() - right:
            raise Trouble(f"Ledger and mail server disagree about {sorted(wrong)}: {told}.")


_BARE: Final = 100_000
"""Mails of the bare sender at the most: its rate does not change any more."""
_SIZE: Final = "SELECT pg_database_size(current_database())"
_RUN: Final = "SELECT id, run, recoveries FROM campaigns WHERE id = $1"
_ENDS: Final = """
    SELECT d.state, substring(p.external_id FROM 2) AS number
    FROM deliveries d JOIN profiles p ON p.id = d.profile_id WHERE d.campaign_id = $1
"""


@asynccontextmanager
async def _database(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    conn = await asyncpg.connect(dsn)
    try:
        yield conn
    finally:
        await conn.close()


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
        "name": "Statement", "audience": audience, "content": {"email": CONTENT["email"]},
        "data": CONTENT["data"], "window": {"off_hours": None},
    }  # fmt: skip
    made = await _ask(system.api.post("/v1/campaigns", json=asked))
    return f"/v1/campaigns/{made.json()['id']}"


async def _until(system: System, place: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):  # the API may be what was killed
            answer = await system.api.get(place)
            found: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
            if found.get("state") in states:
                return found
        await asyncio.sleep(0.25)
    raise Trouble(f"A campaign did not get to {' or '.join(states)} in {_PATIENCE:.0f} s.")


async def _ask(call: Any) -> httpx.Response:
    answer: httpx.Response = await call
    if answer.is_error:
        raise Trouble(f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}")
    return answer


async def _run(numbers: list[int], wishes: frozenset[str]) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-sink-")))
        sink = counting(folder / "counts", max(numbers))
        counts, port = await stack.enter_async_context(sink)
        system = await stack.enter_async_context(running(mail_port=port))
        approver = await stack.enter_async_context(await an_approver(system))
        bench = Bench(system, approver, counts, port, wishes)
        print(HEAD, flush=True)
        for number in numbers:
            found = await bench.measure(number)
            print(found.line(), flush=True)
            shares = sorted(found.cpu.items(), key=lambda one: -one[1])
            told = ", ".join(f"{name} {1e6 * at / number:,.0f}" for name, at in shares)
            print(f"To deliver, CPU µs each: {told}", file=sys.stderr, flush=True)
            print(*found.notes, sep="\n", file=sys.stderr, flush=True)
        peaks = ", ".join(f"{name} {at:.0f}" for name, at in system.peaks().items())
        print(f"\nPeak RSS, MiB: {peaks}", flush=True)
        if "kill" not in wishes:
            system.check()


def main() -> int:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.campaigns", description=__doc__)
    parser.add_argument("--recipients", type=int, nargs="+", default=list(RECIPIENTS))
    for wish in _WISHES:
        parser.add_argument(f"--{wish}", action="store_true")
    given = parser.parse_args()
    wishes = frozenset(wish for wish in _WISHES if getattr(given, wish))
    for name in [one for one in os.environ if one.startswith("TOCSIN_")]:
        del os.environ[name]
    try:
        asyncio.run(_run(given.recipients, wishes))
    except (Trouble, OSError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
