"""`python -m bench [--quick]`: exit code 1 when something could not be measured, never for time."""

import argparse
import asyncio
import os
import signal
import sys

from bench import report
from bench.latency import WARM_UP, check_once, measure
from bench.otp import QUEUED, measure_codes
from bench.system import running
from cli.embedded.trouble import Trouble


def main() -> int:
    """Measure, print the table, and write RESULTS.md unless it was a quick look."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 samples; RESULTS.md stays")
    quick: bool = parser.parse_args().quick
    for name in [one for one in os.environ if one.startswith("TOCSIN_")]:
        del os.environ[name]
    try:
        found = asyncio.run(_run(*((1, 20) if quick else (3, 200)), quick=quick))
    except (Trouble, OSError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Stopped.", file=sys.stderr)
        return 130
    print(found.table())
    if not quick:
        report.RESULTS.write_text(found.document())
    return 0


async def _run(rounds: int, samples: int, *, quick: bool) -> report.Report:
    load = os.getloadavg()[0]
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    _say("Starting PostgreSQL, Temporal, the API, the workers and a mail server.")
    async with running() as system:
        measured = []
        for number in range(1, rounds + 1):
            _say(f"Round {number} of {rounds}: {samples} samples of each.")
            measured.append(await measure(system, samples))
        check_once(system, rounds * (samples + WARM_UP))
        queued = 300 if quick else QUEUED
        _say(f"One-time passwords, alone and beside {queued:,} messages of the low lane.")
        codes = await measure_codes(system, samples, queued)
        system.check()
        return report.Report(
            measured,
            codes,
            system.peaks(),
            await system.versions(),
            "python -m bench --quick" if quick else "python -m bench",
            (load, os.getloadavg()[0]),
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
