"""The chain of the audit log: what is gone, altered or put in between shows."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.audit_chain import GENESIS, Head, HeadWrong, Line, MarkRing, Sealed, fault, seal

RING = MarkRing(["new key", "old key"])


def a_line(n: int) -> Line:
    at = datetime(2030, 1, 31, 9, n, tzinfo=UTC)
    return Line(UUID(int=n), at, None, "operator", "user.changed", "usr_x", {"n": n, "ü": [1.5]})


def a_chain(length: int) -> list[Sealed]:
    head, made = Head(), list[Sealed]()
    for n in range(1, length + 1):
        line = a_line(n)
        made.append(seal(head, line, RING.mark(line)))
        head = Head(made[-1].seq, made[-1].hash)
    return made


def first_fault(chain: list[Sealed]) -> tuple[int, str] | None:
    last = Head()
    for one in chain:
        why = fault(last, one)
        if why is not None:
            return last.seq + 1, why
        last = Head(one.seq, one.hash)
    return None


def test_a_chain_as_it_was_sealed_holds() -> None:
    chain = a_chain(5)
    assert first_fault(chain) is None
    assert chain[0].previous == GENESIS
    assert chain[3].previous == chain[2].hash


@pytest.mark.parametrize("at", range(4))
def test_what_is_gone_or_altered_is_named(at: int) -> None:
    chain = a_chain(5)
    gone = chain[:at] + chain[at + 1 :]
    assert first_fault(gone) == (at + 1, f"the line {at + 1} is missing")
    changes: tuple[tuple[str, Any], ...] = (
        ("actor", "somebody"), ("action", "x"), ("subject", "y"), ("detail", {}),
        ("at", datetime(2031, 1, 1, tzinfo=UTC)), ("module_id", UUID(int=5)), ("id", UUID(int=6)),
    )  # fmt: skip
    for name, value in changes:
        altered = replace(chain[at], line=replace(chain[at].line, **{name: value}))
        broken = [*chain[:at], altered, *chain[at + 1 :]]
        assert first_fault(broken) == (at + 1, "it is not as it was sealed"), name
        assert RING.fault(altered.line, altered.mark) is not None, name


def test_a_line_that_is_put_in_or_sealed_anew_breaks_the_next() -> None:
    chain = a_chain(3)
    forged = seal(Head(1, chain[0].hash), a_line(9), None)
    assert first_fault([chain[0], forged, chain[2]]) == (
        3, "the line before it is not the one that was there",
    )  # fmt: skip


def test_marks_are_of_a_key_and_an_unknown_key_says_nothing() -> None:
    line = a_line(1)
    assert RING.fault(line, MarkRing(["old key"]).mark(line)) is None
    assert RING.fault(line, MarkRing(["gone"]).mark(line)) is None
    assert RING.fault(line, None) == "it was not written by Tocsin: it has no mark"
    assert RING.fault(a_line(2), RING.mark(line)) is not None


def test_a_zone_does_not_change_what_a_line_says() -> None:
    line = a_line(1)
    moved = replace(line, at=line.at.astimezone())
    assert line.canonical() == moved.canonical()
    assert b"\xc3\xbc" in line.canonical()


def test_heads_are_read_as_they_are_written() -> None:
    head = Head(12, bytes(range(32)))
    assert Head.of(f" {head}\n") == head
    for wrong in ("", "12", "x:00", "12:zz", "12:00", f"-1:{'00' * 32}", f"{2**63}:{'00' * 32}"):
        with pytest.raises(HeadWrong):
            Head.of(wrong)
