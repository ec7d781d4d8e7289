"""Files are cut into the same records, however their octets arrive."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from domain.import_records import MOST_OCTETS, Record, Records

CELL = st.text(alphabet='ab",;\r\n é', max_size=6)
ROWS = st.lists(st.lists(CELL, min_size=2, max_size=3), min_size=1, max_size=6)


def cut(data: bytes, *sizes: int, delimiters: bytes | None = None) -> list[Record]:
    records = Records(delimiters)
    found: list[Record] = []
    for size in sizes:
        found += records.feed(data[:size])
        data = data[size:]
    return [*found, *records.feed(data), *records.close()]


@given(ROWS, st.lists(st.integers(0, 9), max_size=20), st.sampled_from(",;\t"))
def test_what_csv_writes_is_read_back(
    rows: list[list[str]], sizes: list[int], delimiter: str
) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(
        [[cell.replace("\r", "") for cell in row] for row in rows]
    )
    data = file.getvalue().encode()
    found = cut(data, *sizes, delimiters=delimiter.encode())
    assert not any(one.wrong for one in found)
    read = [next(csv.reader([one.raw.decode()], delimiter=delimiter)) for one in found]
    assert read == [[cell.replace("\r", "") for cell in row] for row in rows]
    lines = data.split(b"\n")
    assert all(lines[one.line - 1].startswith(one.raw.split(b"\n")[0][:9]) for one in found)


@given(st.binary(max_size=80), st.lists(st.integers(0, 9), max_size=20), st.booleans())
def test_the_pieces_make_no_difference(data: bytes, sizes: list[int], quoted: bool) -> None:
    delimiters = b"," if quoted else None
    assert cut(data, *sizes, delimiters=delimiters) == cut(data, delimiters=delimiters)


def test_lines_are_counted_and_blank_ones_left_out() -> None:
    assert cut(b"\xef\xbb\xbf{}\r\n\n  \n[1]") == [Record(1, b"{}"), Record(4, b"[1]")]


def test_a_line_that_is_too_long_is_refused_and_the_next_one_read() -> None:
    long, short, last = cut(b"x" * (3 * MOST_OCTETS) + b"\ny\nz", *[50_000] * 8)
    assert (long.line, len(long.raw), "longer than" in long.wrong) == (1, MOST_OCTETS, True)
    assert [short, last] == [Record(2, b"y"), Record(3, b"z")]


def test_a_stray_mark_costs_its_own_line_only() -> None:
    found = cut(b'a,"b\nc,d\ne,f\n', delimiters=b",")
    assert [(one.line, one.raw, bool(one.wrong)) for one in found] == [
        (1, b'a,"b', True), (2, b"c,d", False), (3, b"e,f", False),
    ]  # fmt: skip


def test_marks_that_never_close_are_given_up_in_bounded_time() -> None:
    line = b'"x","' + b"y" * 1_000 + b"\n"
    found = cut(line * 2_000, delimiters=b",")
    assert len(found) >= 1_990
    assert all(one.wrong for one in found[:1_900])


def test_a_mark_inside_a_field_means_nothing() -> None:
    assert cut(b'5" pipe,x\ny,z', delimiters=b",") == [Record(1, b'5" pipe,x'), Record(2, b"y,z")]
