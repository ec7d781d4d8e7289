"""Gathers the cases of all vendors and tells the size of the matrix when the suite ends."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from fakes.http_vendor import Behaviour
from tests.contract.case import Case

_FOLDER = Path(__file__).parent / "cases"


def all_cases() -> list[Case]:
    """Return the cases of every file in cases/."""
    found: list[Case] = []
    for file in sorted(_FOLDER.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"contract_case_{file.stem}", file)
        if spec is None or spec.loader is None:
            raise ImportError(file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.CASES
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `case` (and `behaviour`, `event`, `forgery`) over all there are."""
    names = set(metafunc.fixturenames)
    if "case" not in names:
        return
    cases = all_cases()
    if "behaviour" in names:
        pairs = [(case, one) for case in cases for one in Behaviour]
        metafunc.parametrize("case,behaviour", pairs, ids=[f"{c.id}-{b}" for c, b in pairs])
    elif "event" in names:
        told = [(case, event) for case in cases for event in case.events]
        metafunc.parametrize("case,event", told, ids=[f"{c.id}-{e}" for c, e in told])
    elif "forgery" in names:
        forged = [(case, one) for case in cases if case.events for one in case.forgeries]
        metafunc.parametrize("case,forgery", forged, ids=[f"{c.id}-{f}" for c, f in forged])
    else:
        metafunc.parametrize("case", cases, ids=[case.id for case in cases])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what passed, by kind of test."""
    if (
        report.when == "call"
        and report.passed
        and "tests/contract/test_vendors.py" in report.nodeid
    ):
        name = report.nodeid.partition("::")[2].partition("[")[0]
        _COUNTED[name] += 1


_COUNTED: Counter[str] = Counter()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how large the matrix of vendors and behaviours was."""
    if not _COUNTED:
        return
    cases = all_cases()
    vendors = len({case.vendor for case in cases})
    behaviours = _COUNTED["test_every_behaviour_is_judged"]
    others = sum(_COUNTED.values()) - behaviours
    terminalreporter.write_line(
        f"vendor contract: {vendors} vendors, {len(cases)} cases x {len(Behaviour)} behaviours = "
        f"{behaviours} judged; {others} further checks of batches, receipts and forgeries"
    )
