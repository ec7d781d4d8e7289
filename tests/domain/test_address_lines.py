"""Addresses as people write them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.address_lines import NoAddress, read, written

_WORD = st.from_regex(r"[a-d0-9+@.]{1,12}", fullmatch=True)
_KNOWN = st.fixed_dictionaries(
    {"channel": st.sampled_from(["email", "sms", "telegram"]),
     "address": st.lists(_WORD, min_size=1, max_size=3).map(" ".join)},
    optional={"verified": st.just(True), "primary": st.just(True),
              "label": st.lists(_WORD, min_size=1, max_size=3).map(" ".join)},
)  # fmt: skip


@given(_KNOWN)
def test_what_is_written_is_read_back(address: dict[str, Any]) -> None:
    assert read(written(address)) == address


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("EMAIL: ann@work.example", {"channel": "email", "address": "ann@work.example"}),
        ("sms:+1 415 555 0100 Primary Verified",
         {"channel": "sms", "address": "+1 415 555 0100", "primary": True, "verified": True}),
        ("email:a@example.com label=verified twice",
         {"channel": "email", "address": "a@example.com", "label": "verified twice"}),
    ],
)  # fmt: skip
def test_examples(line: str, found: dict[str, Any]) -> None:
    assert read(line) == found


@pytest.mark.parametrize(
    "line", ["", "ann@example.com", "email:", "email: verified", "sms:label=x"]
)
def test_what_names_no_address_is_refused(line: str) -> None:
    with pytest.raises(NoAddress):
        read(line)
