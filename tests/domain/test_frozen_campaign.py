"""What a submission freezes comes back as it was, and its hash tells every change."""

from datetime import time
from uuid import UUID

from domain.campaign_window import OpenHours
from domain.frozen_campaign import Frozen, fingerprint
from domain.vocabulary import CategoryClass, Channel

FROZEN = Frozen(
    category="news",
    class_=CategoryClass.BULK,
    priority="low",
    channels=(Channel.EMAIL, Channel.SMS),
    template=(UUID(int=1), 3),
    template_key="spring",
    data={"x": 1},
    off_hours=OpenHours(time(22), time(6)),
)


def test_a_column_reads_as_what_was_written() -> None:
    assert Frozen.read(FROZEN.column()) == FROZEN


def test_the_hash_changes_with_everything_that_is_approved_but_not_with_counts() -> None:
    column, words = FROZEN.column(), {"content": {"email": {"text": "Hi"}}}
    window = ["2026-06-10T12:00:00+00:00", None]
    first = fingerprint(column, snapshot="a", words=words, window=window, run=1)
    assert first == fingerprint(
        {**column, "counts": {"asked": 3}}, snapshot="a", words=words, window=window, run=1
    )
    others = {
        fingerprint({**column, "data": {"x": 2}}, snapshot="a", words=words, window=window, run=1),
        fingerprint(
            {**column, "channels": ["email"]}, snapshot="a", words=words, window=window, run=1
        ),
        fingerprint(column, snapshot="b", words=words, window=window, run=1),
        fingerprint(column, snapshot="a", words={}, window=window, run=1),
        fingerprint(column, snapshot="a", words=words, window=[None, None], run=1),
        fingerprint(column, snapshot="a", words=words, window=window, run=2),
        *(
            fingerprint({**column, **part}, snapshot="a", words=words, window=window, run=1)
            for part in (
                {"pace": {"per_second": 5}}, {"canary": {"share": 0.1}}, {"sender": {"from": "x"}},
                {"brand": {"name": "X"}}, {"ab_test": {"measure": "clicked"}},
            )
        ),
    }  # fmt: skip
    assert len(others | {first}) == 12
