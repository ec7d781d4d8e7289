"""`python -m bench.imports`: rows a second and peak memory of an import of profiles.

Starts the processes of `tocsin up`, uploads a file that is made while it is sent, and waits until
every row is a profile. Exit code 1 when something could not be measured, never for time.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from bench.system import System, running
from cli.embedded.trouble import Trouble

PROFILES: Final = 1_000_000
_TOGETHER: Final = 500
_PATIENCE: Final = 7_200.0
_SHOWN: Final = ("API and dashboard", "Worker, low lane and upkeep")


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds until the upload was answered, and until the last row was worked on."""

    upload: float
    work: float
    made: dict[str, Any]


async def measure(system: System, profiles: int) -> Found:
    """Import profiles once; raises Trouble when not each became one."""
    begun = time.monotonic()
    answer = await system.api.post(
        "/v1/profiles/import",
        content=_file(profiles),
        headers={"Content-Type": "application/x-ndjson"},
        timeout=_PATIENCE,
    )
    uploaded = time.monotonic()
    if answer.status_code != 202:
        raise Trouble(f"The upload was answered {answer.status_code}.")
    made: dict[str, Any] = answer.json()
    while made["finished_at"] is None:
        if time.monotonic() - uploaded > _PATIENCE:
            raise Trouble("The import did not end.")
        await asyncio.sleep(0.2)
        made = (await system.api.get(f"/v1/imports/{made['id']}")).json()
    if made["imported"] != profiles:
        raise Trouble(f"{made['imported']} of {profiles} rows were imported.")
    return Found(uploaded - begun, time.monotonic() - begun, made)


def table(found: Found, again: Found, peaks: dict[str, float]) -> str:
    """Return the figures as Markdown."""
    rows = found.made["rows"]
    lines = [
        "| Import | s | rows/s |",
        "| --- | ---: | ---: |",
        f"| Upload of {rows:,} rows, {found.made['bytes'] / 2**20:.0f} MiB | {found.upload:.1f} |"
        f" {rows / found.upload:,.0f} |",
        f"| Until all are profiles | {found.work:.1f} | {rows / found.work:,.0f} |",
        f"| The same file again | {again.work:.1f} | {rows / again.work:,.0f} |",
        "",
        "| Memory, peak RSS | MiB |",
        "| --- | ---: |",
        *(f"| {name} | {peaks[name]:.0f} |" for name in _SHOWN),
    ]
    return "\n".join(lines)


async def _file(profiles: int) -> AsyncIterator[bytes]:
    for first in range(0, profiles, _TOGETHER):
        yield "".join(
            json.dumps(_row(number)) + "\n"
            for number in range(first, min(first + _TOGETHER, profiles))
        ).encode()


def _row(number: int) -> dict[str, Any]:
    return {
        "external_id": f"customer-{number}",
        "name": f"Recipient {number}",
        "email": f"recipient-{number}@example.com",
        "phone": f"+1415{5_000_000 + number % 5_000_000:07}",
        "locale": "fr-CA",
        "timezone": "America/Toronto",
        "attributes": {"plan": ("gold", "silver")[number % 2], "visits": number % 100},
        "groups": ["everybody", f"group {number % 20}"],
    }


async def _run(profiles: int) -> str:
    async with running() as system:
        found = await measure(system, profiles)
        peaks = system.peaks()
        again = await measure(system, profiles)
        system.check()
        return table(found, again, peaks)


def main() -> int:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    parser.add_argument("--profiles", type=int, default=PROFILES, help="rows of the file")
    profiles: int = parser.parse_args().profiles
    for name in [one for one in os.environ if one.startswith("TOCSIN_")]:
        del os.environ[name]
    try:
        print(asyncio.run(_run(profiles)))
    except (Trouble, OSError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
