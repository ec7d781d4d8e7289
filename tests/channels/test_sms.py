"""Text messages: folded without growing, counted as they are charged, refused when too long."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.gsm_folding import fold
from channels.problems import INVALID, TOO_LARGE, Severity
from channels.sms import measured, problems, transform
from domain.sms_segments import GSM7, count_segments

TYPOGRAPHIC = "‘’“”„«»–—…•\u00a0\u2009\u200b´`"
TEXT = st.text(
    st.sampled_from(TYPOGRAPHIC) | st.sampled_from("ab €[é\n") | st.characters(codec="utf-8"),
    max_size=400,
)


def found(text: str, **given: Any) -> list[tuple[str, str]]:
    return [(one.severity, one.reason) for one in problems({"text": text, **given})]


@given(TEXT)
def test_folding_never_needs_more_parts(text: str) -> None:
    folded, counted = fold(text)
    assert counted == count_segments(folded)
    assert counted.count <= count_segments(text).count


@given(TEXT)
def test_folding_brings_gsm7_or_changes_nothing(text: str) -> None:
    folded, counted = fold(text)
    assert counted.encoding == GSM7 or folded == text


@given(TEXT)
def test_folding_twice_is_folding_once(text: str) -> None:
    folded, _ = fold(text)
    assert fold(folded)[0] == folded


@given(st.text(st.sampled_from("abc @£$¥èéù ÄÖ^{}[~]|€\n"), max_size=200))
def test_what_is_gsm7_stays_as_it_is(text: str) -> None:
    assert fold(text)[0] == text


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("“Hi” – it’s here…", '"Hi" - it\'s here...'),
        ("a\u00a0b\u200bc", "a bc"),
        ("cafe\u0301", "café"),
        ("“Привет”", "“Привет”"),
        ("…" * 70, "…" * 70),
    ],
)
def test_signs_are_folded_where_that_helps(text: str, folded: str) -> None:
    assert fold(text)[0] == folded


def test_a_text_is_folded_only_when_asked() -> None:
    text = "“Hi”"
    assert transform({"text": text}) == {"text": text, "encoding": "ucs2", "segments": 1}
    asked = transform({"text": text, "fold": True})
    assert asked == {"text": '"Hi"', "encoding": "gsm7", "segments": 1}
    assert transform({"text": text, "fold": False})["text"] == text


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("€" * 80, "gsm7", 1),
        ("a" * 159 + "€", "gsm7", 2),
        ("Ж" * 70, "ucs2", 1),
        ("Ж" * 71, "ucs2", 2),
        ("😀" * 36, "ucs2", 2),
    ],
)
def test_encoding_and_parts_are_told(text: str, encoding: str, segments: int) -> None:
    assert transform({"text": text}) == {"text": text, "encoding": encoding, "segments": segments}


def test_characters_and_units_are_measured() -> None:
    assert measured({"text": "5 €"}) == {
        "text": "5 €", "encoding": "gsm7", "segments": 1, "characters": 3, "units": 4,
    }  # fmt: skip


def test_characters_that_cost_are_named() -> None:
    [one] = problems({"text": "it’s “here” çà"})
    assert (one.severity, one.field) == (Severity.WARNING, "content.sms.text")
    assert one.message == ("leaves 70 characters instead of 160 in a part because of ’ “ ” ç")
    [many] = problems({"text": "Привет"})
    assert many.message.endswith("П р и в е and 1 more")


def test_folded_characters_cost_nothing() -> None:
    assert problems({"text": "it’s “here”", "fold": True}) == []


@pytest.mark.parametrize("text", ["a" * 1530, "я" * 670])
def test_ten_parts_can_be_sent(text: str) -> None:
    assert Severity.ERROR not in dict(found(text))


@pytest.mark.parametrize("text", ["a" * 1531, "я" * 671, "a" * 1601])
def test_more_than_ten_parts_are_too_large(text: str) -> None:
    assert (Severity.ERROR, TOO_LARGE) in found(text)


def test_more_than_three_parts_are_warned_of() -> None:
    assert found("a" * 459) == []
    assert [severity for severity, _ in found("a" * 460)] == [Severity.WARNING]


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_refused(text: str) -> None:
    assert found(text) == [(Severity.ERROR, INVALID)]
