"""Return paths: made for an attempt, found again in any case of letters, made by nobody else."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import InvalidId, encode
from domain.return_paths import (
    TOKEN_LENGTH,
    BounceAddress,
    ReturnPaths,
    attempt_of,
    read_bounce_address,
)

KEYS = ReturnPaths(["new", "old"])
ATTEMPTS = st.integers(min_value=0, max_value=2**128 - 1).map(
    lambda number: encode("att", UUID(int=number))
)
PATTERNS = ["bounce@mail.example.com", "bounce-*@mail.example.com", "*.b@e.com", "bounces.e.com"]
ADDRESSES = [read_bounce_address(one) for one in PATTERNS]
ANY = encode("att", UUID(int=7))


@given(ATTEMPTS, st.sampled_from(ADDRESSES), st.data())
def test_a_return_path_leads_back_to_its_attempt(
    attempt: str, address: BounceAddress, data: Any
) -> None:
    path = address.with_token(KEYS.token(attempt))
    assert len(path.partition("@")[0]) <= 64
    upper = data.draw(st.sets(st.integers(0, len(path) - 1)))
    mangled = "".join(one.upper() if n in upper else one for n, one in enumerate(path))
    token = address.token_in(mangled)
    assert token is not None
    assert len(token) == TOKEN_LENGTH
    assert KEYS.proves(token)
    assert attempt_of(token) == attempt


@given(ATTEMPTS, st.integers(0, TOKEN_LENGTH - 1), st.sampled_from("abcdefghjkmnpqrstvwxyz234567"))
def test_a_token_with_one_other_character_is_believed_by_nobody(
    attempt: str, place: int, other: str
) -> None:
    token = KEYS.token(attempt)
    forged = token[:place] + other + token[place + 1 :]
    assert KEYS.proves(forged) == (forged == token)


@given(ATTEMPTS, ATTEMPTS)
def test_the_hash_of_one_attempt_does_not_serve_another(one: str, other: str) -> None:
    token = other.removeprefix("att_") + KEYS.token(one)[-16:]
    assert KEYS.proves(token) == (one == other)


@given(st.text(max_size=60))
def test_noise_is_no_token(noise: str) -> None:
    assert not KEYS.proves(noise)
    for address in ADDRESSES:
        assert address.token_in(f"{noise}@mail.example.com") is None


def test_keys_rotate() -> None:
    before, after = ReturnPaths(["old"]), ReturnPaths(["new"])
    assert KEYS.proves(before.token(ANY)), "what is on its way stays good"
    assert after.proves(KEYS.token(ANY)), "the newest makes them"
    assert not after.proves(before.token(ANY)), "an old key that was taken away proves nothing"


def test_without_a_key_nothing_is_made_and_nothing_believed() -> None:
    with pytest.raises(LookupError):
        ReturnPaths().token(ANY)
    assert not ReturnPaths().proves(KEYS.token(ANY))


@pytest.mark.parametrize("attempt", ["att_1", "ntf_00000000000000000000000007", "", "att_"])
def test_only_attempts_have_return_paths(attempt: str) -> None:
    with pytest.raises(InvalidId):
        KEYS.token(attempt)


@pytest.mark.parametrize(
    ("pattern", "path", "plain"),
    [
        ("bounce@mail.example.com", "bounce+T@mail.example.com", "bounce@mail.example.com"),
        ("bounce-*@mail.example.com", "bounce-T@mail.example.com", "bounce@mail.example.com"),
        ("a.*.b@mail.example.com", "a.T.b@mail.example.com", "ab@mail.example.com"),
        ("Bounce@Mail.Example.com", "Bounce+T@mail.example.com", "bounce@mail.example.com"),
        ("bounces.example.com", "T@bounces.example.com", "abuse@bounces.example.com"),
        ("*@bounces.example.com", "T@bounces.example.com", "abuse@bounces.example.com"),
        ("b@bücher.example", "b+T@xn--bcher-kva.example", "b@xn--bcher-kva.example"),
        (f"{'b' * 21}@example.com", f"{'b' * 21}+T@example.com", f"{'b' * 21}@example.com"),
    ],
)
def test_patterns(pattern: str, path: str, plain: str) -> None:
    found = read_bounce_address(pattern)
    assert (found.with_token("T"), found.plain) == (path, plain)


@pytest.mark.parametrize(
    "pattern",
    ["", "@example.com", "b@", "b*c*@example.com", "b @example.com", "b..c@example.com", "no name",
     "é@example.com", "b@example..com", '"b"@example.com', "b\r\n@example.com", ".*@example.com",
     f"{'b' * 22}@example.com", f"{'b' * 23}*@example.com"],
)  # fmt: skip
def test_wrong_patterns_say_what_is_wrong(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"neither an address|no room|is not a domain"):
        read_bounce_address(pattern)


@pytest.mark.parametrize(
    "address",
    ["bounce@mail.example.com", "bounce+@mail.example.com", "bounce+short@mail.example.com",
     "other+{token}@mail.example.com", "bounce+{token}@example.com",
     "bounce+{token}x@mail.example.com", "bounce{token}@mail.example.com", "bounce+{token}", ""],
)  # fmt: skip
def test_other_addresses_hold_no_token(address: str) -> None:
    found = read_bounce_address("bounce@mail.example.com")
    assert found.token_in(address.replace("{token}", KEYS.token(ANY))) is None
