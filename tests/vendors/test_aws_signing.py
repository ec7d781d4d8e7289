"""Signature Version 4 against the documentation's example and its test suite."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.http import HttpRequest
from vendors.aws_signing import Credentials, canonical_request, sign, signing_key

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
CREDENTIALS = Credentials("AKIDEXAMPLE", SECRET)
HOST = "https://example.amazonaws.com"
FORM = "application/x-www-form-urlencoded"

VECTORS = [
    pytest.param(
        HttpRequest(
            "GET",
            "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            {"Content-Type": f"{FORM}; charset=utf-8"},
        ),
        "iam",
        "content-type;host;x-amz-date",
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        id="iam-list-users",
    ),
    pytest.param(
        HttpRequest("GET", f"{HOST}/"),
        "service",
        "host;x-amz-date",
        "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        id="get-vanilla",
    ),
    pytest.param(
        HttpRequest("POST", f"{HOST}/"),
        "service",
        "host;x-amz-date",
        "553f88c9e4d10fc9e109e2aeb65f030801b70c2f6468faca261d401ae622fc87",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        id="post-vanilla",
    ),
    pytest.param(
        HttpRequest("GET", f"{HOST}/?Param2=value2&Param1=value1"),
        "service",
        "host;x-amz-date",
        "816cd5b414d056048ba4f7c5386d6e0533120fb1fcfa93762cf0fc39e2cf19e0",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        id="query-unsorted",
    ),
    pytest.param(
        HttpRequest("POST", f"{HOST}/", {"Content-Type": FORM}, b"Param1=value1"),
        "service",
        "content-type;host;x-amz-date",
        "42a5e5bb34198acb3e84da4f085bb7927f2bc277ca766e6d19c73c2154021281",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        id="post-form",
    ),
]


def signed(request: HttpRequest, service: str = "service") -> dict[str, str]:
    """Return the headers that signing leaves."""
    made = sign(request, CREDENTIALS, region="us-east-1", service=service, now=NOW)
    return dict(made.headers)


def with_date(request: HttpRequest) -> HttpRequest:
    headers = {**request.headers, "X-Amz-Date": "20150830T123600Z"}
    return HttpRequest(request.method, request.url, headers, request.body)


@pytest.mark.parametrize(("request_", "service", "names", "canonical", "signature"), VECTORS)
def test_published_vectors(
    request_: HttpRequest, service: str, names: str, canonical: str, signature: str
) -> None:
    spelled = canonical_request(with_date(request_))
    assert hashlib.sha256(spelled.encode()).hexdigest() == canonical
    headers = signed(request_, service)
    assert headers["X-Amz-Date"] == "20150830T123600Z"
    assert headers["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_the_published_signing_key() -> None:
    assert signing_key(SECRET, "20150830", "us-east-1", "iam").hex() == (
        "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    )


def test_a_session_token_is_sent_and_signed() -> None:
    given = Credentials("AKIDEXAMPLE", SECRET, "a-session-token")
    made = sign(
        HttpRequest("GET", f"{HOST}/"), given, region="us-east-1", service="service", now=NOW
    )
    assert made.headers["X-Amz-Security-Token"] == "a-session-token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in made.headers["Authorization"]


def test_another_zone_is_the_same_moment() -> None:
    request = HttpRequest("GET", f"{HOST}/")
    there = NOW.astimezone(timezone(timedelta(hours=-7)))
    made = sign(request, CREDENTIALS, region="us-east-1", service="service", now=there)
    assert dict(made.headers) == signed(request)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.amazonaws.com/", "example.amazonaws.com"),
        ("https://example.amazonaws.com:443/", "example.amazonaws.com"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
        ("http://127.0.0.1:8080/ses/", "127.0.0.1:8080"),
        ("http://somebody@127.0.0.1:8080/", "127.0.0.1:8080"),
    ],
)
def test_the_host_is_signed_as_it_is_sent(url: str, host: str) -> None:
    assert f"\nhost:{host}\n" in canonical_request(HttpRequest("GET", url))


def test_spaces_in_headers_are_folded_and_paths_are_encoded_twice() -> None:
    request = HttpRequest("GET", f"{HOST}/a%20b?c=%2F~&b", {"X-Note": "  a   b "})
    assert canonical_request(request).split("\n")[:5] == [
        "GET", "/a%2520b", "b=&c=%2F~", "host:example.amazonaws.com", "x-note:a b",
    ]  # fmt: skip


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(CREDENTIALS)
    assert "a-session-token" not in repr(Credentials("A", "b", "a-session-token"))
