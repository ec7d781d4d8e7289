"""Turns samples into figures: percentiles, a table for people, RESULTS.md."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import psutil

from bench.latency import Round
from bench.otp import Codes

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
AIM: Final = 2.0
"""What the ratio at p50 should not pass; a figure to watch, never a reason to fail."""

_PERCENTILES: Final = (50, 95, 99)
_SENT: Final = "Tocsin: POST until the mail server has the message"
_ACCEPTED: Final = "Tocsin: POST until its answer (202)"
_COMPLETED: Final = "Reference: workflow with one no-op activity, start until completed"
_RAN: Final = "Reference: start until its activity runs"
_ALONE: Final = "Code by text: POST until the vendor is asked, idle"


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found."""

    rounds: Sequence[Round]
    codes: Codes
    peaks: Mapping[str, float]
    versions: Mapping[str, str]
    command: str
    loads: tuple[float, float]
    """Load of the machine (1 min) before and after; the bench itself makes less than 1."""

    def table(self) -> str:
        """Return the figures as Markdown: latency in ms, medians of the rounds; memory in MiB."""
        ours = figures([one.sent for one in self.rounds])
        reference = figures([one.completed for one in self.rounds])
        rows = [
            (_SENT, _milliseconds(ours)),
            (_COMPLETED, _milliseconds(reference)),
            ("**Ratio**", [f"**{a / b:.2f}**" for a, b in zip(ours, reference, strict=True)]),
            (_ACCEPTED, _milliseconds(figures([one.accepted for one in self.rounds]))),
            (_RAN, _milliseconds(figures([one.ran for one in self.rounds]))),
        ]
        latency = _grid(("Idle latency, ms", *(f"p{one}" for one in _PERCENTILES)), rows)
        memory = _grid(
            ("Memory, peak RSS", "MiB"), [(name, [f"{at:.0f}"]) for name, at in self.peaks.items()]
        )
        return f"{latency}\n{self._spread()}\n\n{self._codes()}\n{memory}"

    def document(self) -> str:
        """Return RESULTS.md: the table, and what it was measured on."""
        samples = len(self.rounds[0].sent)
        memory = psutil.virtual_memory().total / 2**30
        facts = {
            "Date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "Command": f"`{self.command}`",
            "Samples": _rounds(len(self.rounds), samples),
            "Machine": f"{os.cpu_count()} CPUs, {memory:.0f} GiB RAM, {platform.system()}",
            "Load before and after": _load(*self.loads),
            "Python": platform.python_version(),
            **self.versions,
        }
        return (
            "# Dispatch latency of an idle system\n\n"
            "Written by `python -m bench`. One sequential client with a kept connection asks for\n"
            "one e-mail of the category `transactional`, rests, starts one reference workflow on\n"
            "the same Temporal server, rests, and so on. API, workers, PostgreSQL with its\n"
            "replica and Temporal are the processes of `tocsin up`; the mail server is a fake\n"
            f"one in the client's process. The aim is a ratio of at most {AIM:.0f} at p50.\n\n"
            + "\n".join(f"- {name}: {fact}" for name, fact in facts.items())
            + f"\n\n{self.table()}"
        )

    def _codes(self) -> str:
        """Return the latency of one-time passwords, idle and beside a full low lane."""
        found = self.codes
        idle, busy = percentiles(found.idle), percentiles(found.busy)
        rows = [
            (_ALONE, _milliseconds(idle)),
            (f"The same, at least {found.least_queued:,} low ones waiting", _milliseconds(busy)),
            ("**Busy to idle**", [f"**{a / b:.2f}**" for a, b in zip(busy, idle, strict=True)]),
        ]
        head = ("One-time passwords, ms", *(f"p{one}" for one in _PERCENTILES))
        return (
            f"{_grid(head, rows)}\n{len(found.idle)} and {len(found.busy)} codes; meanwhile"
            f" {found.low_per_second:.0f} mails a second left on the low lane.\n"
        )

    def _spread(self) -> str:
        """Return the medians of the single rounds: how far the figures can be trusted."""
        ours, reference = (
            ", ".join(f"{1000 * percentiles(samples)[0]:.1f}" for samples in each)
            for each in (
                [one.sent for one in self.rounds],
                [one.completed for one in self.rounds],
            )
        )
        return f"p50 by round: Tocsin {ours}; reference {reference}."


def percentiles(samples: Sequence[float]) -> list[float]:
    """Return p50, p95 and p99, interpolated between neighbours."""
    cuts = quantiles(samples, n=100, method="inclusive")
    return [cuts[one - 1] for one in _PERCENTILES]


def figures(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Return each percentile's median over the rounds."""
    return [median(each) for each in zip(*map(percentiles, rounds), strict=True)]


def _milliseconds(seconds: Sequence[float]) -> list[str]:
    return [f"{1000 * one:.1f}" for one in seconds]


def _grid(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return a Markdown table: names to the left, figures to the right."""
    cells = [list(head), *([name, *values] for name, values in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    cells.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "".join(
        f"| {row[0].ljust(widths[0])} | "
        + " | ".join(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        + " |\n"
        for row in cells
    )


def _rounds(count: int, samples: int) -> str:
    if count == 1:
        return f"1 round of {samples}"
    return f"{count} rounds of {samples}, medians of the rounds"


def _load(before: float, after: float) -> str:
    busy = max(before, after) > (os.cpu_count() or 1)
    warning = " - the machine was busy with other things, so these are not idle figures"
    return f"{before:.1f}, {after:.1f}{warning * busy}"
