"""How the accounts do: every outcome is counted, failing ones open a circuit, probes close it."""

import asyncio
import bisect
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Row

from domain import circuit
from domain.outcome import Outcome
from domain.routing import Circuit
from domain.vocabulary import OutcomeKind, Scope
from stores import account_states as store
from stores.database import DATABASE_ERRORS, Database

log = structlog.get_logger()

_REFRESH_SECONDS: Final = 0.5
_FLUSH_SECONDS: Final = 0.25
_THROTTLED_SECONDS: Final = 1.0
_PROBE_SECONDS: Final = 30.0


@dataclass(slots=True)
class _Tally:
    """Outcomes of one account that are not in the database yet."""

    kinds: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    latencies: list[int] = field(default_factory=lambda: [0] * (len(store.LATENCY_BOUNDS) + 1))

    def row(self, account_id: UUID) -> dict[str, Any]:
        """Return it as the store takes it."""
        kinds = ("accepted", "rejected", "throttled", "transient", "unknown", "refused")
        return {
            "account_id": account_id,
            **{kind: self.kinds[kind] for kind in kinds},
            "latencies": self.latencies,
        }


class Health:
    """The states of all accounts as this process knows them, at most half a second old.

    `scale` multiplies how long a circuit stays open, as it does with every delay.
    """

    def __init__(self, db: Database, *, scale: float = 1.0) -> None:
        self._db = db
        self._wait = circuit.WAIT_SECONDS * scale
        self._states: dict[UUID, Row[Any]] = {}
        self._fresh_until = 0.0
        self._records: defaultdict[UUID, circuit.Record] = defaultdict(circuit.Record)
        self._tallies: defaultdict[UUID, _Tally] = defaultdict(_Tally)
        self._flushing: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Look the states up anew, when they are old."""
        if time.monotonic() < self._fresh_until:
            return
        async with self._db.leader() as conn:
            rows = await store.load(conn)
        for row in rows:
            before = self._states.get(row.account_id)
            if before is not None and before.circuit != row.circuit:
                self._records[row.account_id].forget()
        self._states = {row.account_id: row for row in rows}
        self._fresh_until = time.monotonic() + _REFRESH_SECONDS

    def unusable(self, account_id: UUID) -> str:
        """Return why an account must not be used now; nothing when it may."""
        state = self._states.get(account_id)
        if state is None:
            return ""
        if state.circuit != Circuit.CLOSED:
            return f"circuit open since {_clock(state.changed_at)}: {state.reason}"
        return f"throttled until {_clock(state.slowed_until)}" if state.slowed else ""

    def forbids(self, account_id: UUID) -> str:
        """Return the reason for which nothing more may go to an account; nothing when it may."""
        state = self._states.get(account_id)
        if state is None:
            return ""
        if state.circuit != Circuit.CLOSED:
            return "circuit_open"
        return "rate_account" if state.slowed else ""

    def comes_back(self, account_id: UUID) -> datetime | None:
        """Return when an unusable account may be tried again."""
        state = self._states.get(account_id)
        if state is None:
            return None
        moment: datetime | None = (
            state.retry_at if state.circuit != Circuit.CLOSED else state.slowed_until
        )
        return moment

    async def begin_probe(self, account_id: UUID) -> UUID | None:
        """Return the token of a probe, when one is due and nobody else has it."""
        state = self._states.get(account_id)
        if state is None or not state.probe_due:
            return None
        token = uuid4()
        async with self._db.leader() as conn:
            taken = await store.begin_probe(conn, account_id, token, seconds=_PROBE_SECONDS)
        self._fresh_until = 0.0
        return token if taken else None

    async def note(
        self, account_id: UUID, outcome: Outcome, seconds: float, probe: UUID | None = None
    ) -> None:
        """Count an outcome; what speaks against the account is acted on at once."""
        tally = self._tallies[account_id]
        refused = outcome.kind is OutcomeKind.REJECTED and outcome.scope is Scope.ACCOUNT
        tally.kinds["refused" if refused else outcome.kind.value] += 1
        tally.latencies[bisect.bisect_left(store.LATENCY_BOUNDS, seconds * 1000)] += 1
        try:
            await self._act_on(account_id, outcome, probe)
        except DATABASE_ERRORS as error:  # what became of the message must be told all the same
            log.warning("health.not_noted", kind=type(error).__name__)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_soon())

    async def _act_on(self, account_id: UUID, outcome: Outcome, probe: UUID | None) -> None:
        if probe is not None:
            await self._end_probe(account_id, outcome, probe)
        elif why := self._records[account_id].add(outcome):
            await self._trip({account_id: why})
        if outcome.kind is OutcomeKind.THROTTLED and outcome.scope is Scope.ACCOUNT:
            await self._slow_down(account_id, outcome.retry_after or _THROTTLED_SECONDS)

    async def close(self) -> None:
        """Write down what was counted."""
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self._flush()

    async def _flush_soon(self) -> None:
        await asyncio.sleep(_FLUSH_SECONDS)
        await self._flush()

    async def _flush(self) -> None:
        tallies, self._tallies = self._tallies, defaultdict(_Tally)
        if not tallies:
            return
        rows = [tallies[id].row(id) for id in sorted(tallies)]
        failing = [row["account_id"] for row in rows if row["transient"] or row["unknown"]]
        try:
            async with self._db.leader() as conn:
                await store.count(conn, rows)
                await store.recover(conn, [row["account_id"] for row in rows if row["accepted"]])
                reasons = {}
                if failing:
                    reasons = await store.find_failing(
                        conn, failing, least=circuit.LEAST_BAD, share=circuit.BAD_SHARE
                    )
            if reasons:
                await self._trip(reasons)
        except DATABASE_ERRORS as error:  # counts of a quarter of a second are no promise
            log.warning("health.not_counted", kind=type(error).__name__)

    async def _trip(self, reasons: dict[UUID, str]) -> None:
        async with self._db.leader() as conn:
            opened = await store.trip(
                conn, reasons, wait=self._wait, doublings=circuit.MOST_DOUBLINGS
            )
        for id in opened:
            self._records[id].forget()
            log.warning("circuit.opened", account=str(id), why=reasons[id])
        await self._look_again()

    async def _end_probe(self, account_id: UUID, outcome: Outcome, token: UUID) -> None:
        async with self._db.leader() as conn:
            if circuit.bad(outcome):
                await store.fail_probe(
                    conn,
                    account_id,
                    token,
                    outcome.reason,
                    wait=self._wait,
                    doublings=circuit.MOST_DOUBLINGS,
                )
            else:
                await store.pass_probe(conn, account_id, token, enough=circuit.PROBES_TO_CLOSE)
        self._fresh_until = 0.0

    async def _slow_down(self, account_id: UUID, seconds: float) -> None:
        async with self._db.leader() as conn:
            await store.slow_down(conn, account_id, seconds=seconds)
        await self._look_again()

    async def _look_again(self) -> None:
        """Let what waits for its turn at an account know at once that it changed."""
        self._fresh_until = 0.0
        await self.refresh()


def _clock(moment: datetime | None) -> str:
    return "now" if moment is None else f"{moment.astimezone(UTC):%H:%M:%S} UTC"
