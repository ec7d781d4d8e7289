"""Measures one-time passwords alone, and beside a campaign that is on its way."""

import asyncio
import itertools
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, Final

from bench.latency import rest
from bench.otp import Arrivals, measure_code
from bench.system import System

_CODES: Final = 100


@dataclass(slots=True)
class Codes:
    """One-time passwords, alone and beside a campaign: seconds from POST to the vendor."""

    system: System
    texts: Arrivals
    idle: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Any = field(default_factory=lambda: itertools.count(1_000_000))

    async def measure(self, *, alone: bool) -> None:
        """Measure codes: a hundred alone, or as many as go until the campaign is over."""
        into = self.idle if alone else self.busy
        for _ in range(10 if alone else 0):
            await measure_code(self.system, self.texts, next(self._numbers))
        while len(into) < _CODES and not (self.over.is_set() and not alone):
            into.append(await measure_code(self.system, self.texts, next(self._numbers)))
            await rest()

    def told(self) -> str:
        """Return both as text."""
        if len(self.busy) < 2:
            return "Codes: the campaign was over too soon."
        idle, busy = quantiles(self.idle, n=100), quantiles(self.busy, n=100)
        return (
            f"Codes alone -> beside it ({len(self.busy)} samples), ms: p50 {idle[49] * 1e3:.0f} ->"
            f" {busy[49] * 1e3:.0f} ({busy[49] / idle[49]:.2f}), p99 {idle[98] * 1e3:.0f} ->"
            f" {busy[98] * 1e3:.0f} ({busy[98] / idle[98]:.2f})."
        )
