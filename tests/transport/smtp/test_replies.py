"""Replies read from bytes, however they are chopped, and never without bounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.smtp.replies import MAX_LINE_OCTETS, MAX_LINES, MalformedReply, Reply, ReplyReader

STREAM = (
    b"220 mail.example.com ESMTP\r\n"
    b"250-mail.example.com\r\n250-SIZE 1000\r\n250 8BITMIME\r\n"
    b"550 5.1.1 nobody of that name\r\n"
    b"354\r\n"
    b"250-2.0.0 first\n250 2.0.0 second \xff\n"
)
REPLIES = [
    Reply(220, ("mail.example.com ESMTP",)),
    Reply(250, ("mail.example.com", "SIZE 1000", "8BITMIME")),
    Reply(550, ("5.1.1 nobody of that name",)),
    Reply(354, ("",)),
    Reply(250, ("2.0.0 first", "2.0.0 second \\xff")),
]


def test_bytes_may_come_one_by_one() -> None:
    reader = ReplyReader()
    found = [reply for octet in STREAM for reply in reader.feed(bytes([octet]))]
    assert found == REPLIES
    assert reader.idle


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_it_does_not_matter_where_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = ReplyReader()
    chunks = [STREAM[start:end] for start, end in pairwise(edges)]
    assert [reply for chunk in chunks for reply in reader.feed(chunk)] == REPLIES


def test_a_part_of_a_reply_is_not_idle() -> None:
    reader = ReplyReader()
    assert list(reader.feed(b"250-a\r\n")) == []
    assert not reader.idle


@pytest.mark.parametrize(
    ("line", "enhanced", "text"),
    [
        ("5.1.1 nobody", "5.1.1", "nobody"),
        ("5.1.10 null MX", "5.1.10", "null MX"),
        ("5.7.1", "5.7.1", ""),
        ("2.1.0 class does not fit the code", "", "2.1.0 class does not fit the code"),
        ("5.1.1234 too long", "", "5.1.1234 too long"),
        ("5.1 too short", "", "5.1 too short"),
        ("nobody 5.1.1", "", "nobody 5.1.1"),
    ],
)
def test_enhanced_codes(line: str, enhanced: str, text: str) -> None:
    reply = Reply(550, (line,))
    assert (reply.enhanced, reply.text) == (enhanced, text)


def test_the_enhanced_code_of_every_line_is_cut_off_the_text() -> None:
    assert Reply(550, ("5.7.1 not", "5.7.1 wanted")).text == "not wanted"


@pytest.mark.parametrize(
    "stream",
    [
        b"hello\r\n",
        b"25\r\n",
        b"2500 too long a code\r\n",
        b"150 no such class\r\n",
        b"650 no such class\r\n",
        b"250+what\r\n",
        b"\r\n",
        b"250-a\r\n251 b\r\n",
        b"\xff\xfe\r\n",
        b"250 " + b"x" * MAX_LINE_OCTETS + b"\r\n",
        b"250-" + b"x" * (MAX_LINE_OCTETS + 1),
        b"250-x\r\n" * (MAX_LINES + 1),
    ],
)
def test_what_is_no_reply_is_refused(stream: bytes) -> None:
    with pytest.raises(MalformedReply):
        list(ReplyReader().feed(stream))


def test_whole_replies_before_the_garbage_count() -> None:
    replies = ReplyReader().feed(b"250 ok\r\ngarbage\r\n")
    assert next(replies) == Reply(250, ("ok",))
    with pytest.raises(MalformedReply):
        next(replies)


@given(st.binary(max_size=200))
def test_any_bytes_are_replies_or_refused(data: bytes) -> None:
    try:
        for reply in ReplyReader().feed(data):
            assert 200 <= reply.code <= 599
    except MalformedReply:
        pass
