"""The words of codes show the code as it is, on every channel, or are refused."""

from typing import Any

import pytest

from channels.rendering import render
from domain.contract.content import Content
from domain.contract.otp import OtpRequest
from domain.vocabulary import Channel
from services.otp_words import BUILT_IN, a_probe, check_shown, data_of

CHANNELS = [channel for channel in Channel if channel is not Channel.INAPP]


def data(default_domain: str = "", **given: Any) -> dict[str, Any]:
    request = OtpRequest.model_validate(
        {"recipient": {"phone": "+14155550100"}, "ttl_seconds": 300, "data": given}
    )
    return data_of(request, default_domain)


def faults(text: str, length: int = 6, **given: Any) -> list[str]:
    words = {"sms": {"text": text}}
    found = check_shown(words, data(**given), [Channel.SMS], length)
    return [one.field for one in found]


def text_of(**given: Any) -> str:
    found = render(Channel.SMS, BUILT_IN["sms"], {**data(**given), "code": "012345"})
    return str(found["text"])


def test_there_are_words_for_every_channel_that_sends_codes() -> None:
    assert set(BUILT_IN) == set(CHANNELS)
    assert Content.model_validate(BUILT_IN)


@pytest.mark.parametrize("length", [4, 6, 8])
@pytest.mark.parametrize("given", [{}, {"app": "Example Shop", "domain": "shop.example.com"}])
def test_the_built_in_words_show_the_code(length: int, given: dict[str, Any]) -> None:
    assert check_shown(BUILT_IN, data(**given), CHANNELS, length) == []


def test_the_built_in_sms() -> None:
    assert text_of() == "012345 is your code. It is valid for 5 minutes."


def test_the_last_line_of_an_sms_binds_the_code_to_a_domain() -> None:
    assert text_of(app="Shop", domain="Shop.example.com") == (
        "012345 is your Shop code. It is valid for 5 minutes.\n\n@shop.example.com #012345"
    )
    assert text_of().splitlines()[-1] != "@ #012345"


def test_the_domain_of_the_request_comes_before_the_setting() -> None:
    assert data("example.com")["domain"] == "example.com"
    assert data("example.com", domain="other.example.com")["domain"] == "other.example.com"


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(1, 1), (59, 1), (60, 1), (119, 1), (120, 2), (900, 15)]
)
def test_minutes_are_never_more_than_there_are_but_for_the_first(
    seconds: int, minutes: int
) -> None:
    request = OtpRequest.model_validate(
        {"recipient": {"phone": "+14155550100"}, "ttl_seconds": seconds}
    )
    assert data_of(request, "")["ttl_minutes"] == minutes


@pytest.mark.parametrize(
    "text",
    [
        "{{ code }}",
        "{{ code[:3] }} {{ code[3:] }}",
        "{{ code | join('-') }}",
        "{% for digit in code %}<b>{{ digit }}</b>{% endfor %}",
        "https://example.com/?code={{ code | urlencode }}",
        "{{ code }} {{ code }}",
    ],
)
def test_words_may_set_the_code_apart(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "{{ code | int }}",
        "{{ code | reverse }}",
        "{{ code[:5] }}",
        "{{ code }} not {{ code | reverse }}",
        "{{ code | join('x') }}",
        "{% if code[1] == '7' %}{{ code }}{% else %}nothing{% endif %}",
        "{{ code }} {{ code | length if code[2] == '3' }}",
    ],
)
def test_words_that_do_not_show_it_or_show_more_are_refused(text: str) -> None:
    assert faults(text) == ["content.sms"]


def test_digits_that_are_there_by_chance_are_no_fault() -> None:
    for length in (4, 6, 8):
        probe = a_probe(length)
        assert faults("{{ code }} for {{ order }}", length, order=f"A-{probe}") == []
        assert faults("for {{ order }}", length, order=f"A-{probe}") == ["content.sms"]
