"""The bench's figures: percentiles, medians of rounds, and a document that names no machine."""

import socket

import pytest

from bench.latency import Round
from bench.otp import Codes
from bench.report import Report, figures, percentiles


def a_round(sent: float, completed: float) -> Round:
    """Return a round whose samples are all alike."""
    return Round([sent] * 20, [0.004] * 20, [completed] * 20, [0.006] * 20)


def a_report(*rounds: Round) -> Report:
    versions = {"PostgreSQL": "18.1", "Temporal": "1.30.0"}
    codes = Codes([0.1] * 20, [0.15] * 20, least_queued=5_000, low_per_second=321.0)
    return Report(
        rounds, codes, {"API and dashboard": 123.4}, versions, "python -m bench", (0.2, 500.0)
    )


def test_percentiles_are_interpolated() -> None:
    assert percentiles([float(one) for one in range(101)]) == [50.0, 95.0, 99.0]
    assert percentiles([0.0, 1.0]) == pytest.approx([0.5, 0.95, 0.99])


def test_figures_are_medians_of_the_rounds() -> None:
    assert figures([[1.0] * 10, [9.0] * 10, [2.0] * 10]) == [2.0, 2.0, 2.0]


def test_the_table_shows_both_and_their_ratio() -> None:
    rounds = [a_round(0.030, 0.020), a_round(0.010, 0.010), a_round(0.090, 0.060)]
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in a_report(*rounds).table().splitlines()
        if line.startswith("|")
    }
    assert rows["Tocsin: POST until the mail server has the message"] == ["30.0"] * 3
    reference = "Reference: workflow with one no-op activity, start until completed"
    assert rows[reference] == ["20.0"] * 3
    assert rows["**Ratio**"] == ["**1.50**"] * 3
    assert rows["The same, at least 5,000 low ones waiting"] == ["150.0"] * 3
    assert rows["**Busy to idle**"] == ["**1.50**"] * 3
    assert rows["API and dashboard"] == ["123"]
    spread = "p50 by round: Tocsin 30.0, 10.0, 90.0; reference 20.0, 10.0, 60.0."
    assert spread in a_report(*rounds).table()


def test_the_document_tells_on_what_it_was_measured_but_not_where() -> None:
    text = a_report(a_round(0.03, 0.02)).document()
    for known in (
        "Date: ",
        "CPUs",
        "GiB RAM",
        "PostgreSQL: 18.1",
        "Temporal: 1.30.0",
        "Python: ",
        "Load before and after: 0.2, 500.0 - the machine was busy",
    ):
        assert known in text
    assert "1 rounds of 20" not in text
    assert "1 round of 20" in text
    assert socket.gethostname() not in text
    assert not any(word.startswith(("/", "`/")) for word in text.split() if "v1" not in word)
