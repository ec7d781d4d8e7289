"""Codes are what RFC 4226 makes of a key, and nothing but the key and the seed decides them."""

import hashlib
import hmac
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.one_time_codes import LENGTHS, CodeRing, KeyGone, Seed, truncate

RING = CodeRing(["newest", "older", "oldest"])
seeds = st.builds(
    Seed,
    id=st.uuids(),
    key_id=st.just(RING.newest),
    generation=st.integers(1, 2**31),
    length=st.sampled_from(LENGTHS),
)


def a_seed(number: int = 7, *, ring: CodeRing = RING, length: int = 6, generation: int = 1) -> Seed:
    return Seed(UUID(int=number), ring.newest, generation, length)


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "46119246"),
        (1111111109, "68084774"),
        (1111111111, "67062674"),
        (1234567890, "91819424"),
        (2000000000, "90698825"),
        (20000000000, "77737706"),
    ],
)
def test_truncation_gives_the_codes_of_rfc_6238(moment: int, code: str) -> None:
    key = b"12345678901234567890123456789012"
    digest = hmac.digest(key, (moment // 30).to_bytes(8, "big"), hashlib.sha256)
    assert truncate(digest, 8) == code
    assert truncate(digest, 4) == code[-4:]


@given(seeds)
def test_a_code_has_its_length_in_digits_and_is_always_the_same(seed: Seed) -> None:
    code = RING.code(seed)
    assert len(code) == seed.length
    assert code.isascii()
    assert code.isdigit()
    assert CodeRing(["newest"]).code(seed) == code
    assert RING.matches(seed, code)


@given(seeds, st.text(max_size=12))
def test_nothing_else_matches(seed: Seed, guess: str) -> None:
    assert RING.matches(seed, guess) == (guess == RING.code(seed))


def test_a_guess_that_is_no_text_of_its_own_does_not_match() -> None:
    assert not RING.matches(a_seed(), "\udcff")


@given(seeds)
def test_a_shorter_code_is_the_end_of_a_longer_one_and_zeros_are_kept(seed: Seed) -> None:
    longest = RING.code(Seed(seed.id, seed.key_id, seed.generation, 8))
    assert RING.code(seed) == longest[-seed.length :]


def test_leading_zeros_are_as_common_as_other_digits() -> None:
    first = Counter(RING.code(a_seed(number, length=4))[0] for number in range(5_000))
    assert set(first) == set("0123456789")
    assert all(400 < count < 600 for count in first.values()), first


def test_id_generation_and_key_each_change_the_code() -> None:
    other = CodeRing(["another"])
    codes = {
        RING.code(a_seed(length=8)),
        RING.code(a_seed(8, length=8)),
        RING.code(a_seed(generation=2, length=8)),
        other.code(a_seed(ring=other, length=8)),
    }
    assert len(codes) == 4


def test_a_new_key_in_front_kills_no_live_code() -> None:
    before = CodeRing(["old"])
    seed = a_seed(ring=before)
    after = CodeRing(["new", "old"])
    assert after.newest != before.newest
    assert after.code(seed) == before.code(seed)
    assert after.subject("address", "x") == before.subject("address", "x")
    with pytest.raises(KeyGone, match="TOCSIN_SECRET_KEY"):
        CodeRing(["new"]).code(seed)


def test_subjects_tell_their_parts_apart_and_hide_them() -> None:
    names = {RING.subject("a", "bc"), RING.subject("ab", "c"), RING.subject("a", "b", "c")}
    assert len(names) == 3
    assert b"bc" not in RING.subject("a", "bc")
    assert CodeRing(["other"]).subject("a", "bc") not in names


@pytest.mark.parametrize("length", [0, 3, 9])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="4 to 8 digits"):
        truncate(bytes(32), length)


def test_keys_do_not_show_themselves() -> None:
    shown = f"{RING!r} {vars(RING)!r} {a_seed()!r} {RING.newest}"
    assert "newest" not in shown.replace("newest=", "")
    assert RING.code(a_seed()) not in shown
    assert a_seed().masked == "••••••"
