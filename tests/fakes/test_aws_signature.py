"""The fake of AWS checks signatures by itself: AWS's own examples pass, and nothing else does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fakes.aws_signature import FakeAws
from fakes.http_vendor import Asked

NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


class FakeExample(FakeAws):
    """The service of AWS's test suite."""

    service = "service"
    key_id = "AKIDEXAMPLE"
    secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

    def now(self) -> datetime:
        return NOW + self.ahead


class FakeOther(FakeExample):
    """One that knows another key."""

    key_id = "AKIDOTHER"


def asked(
    signature: str, *, method: str = "GET", query: str = "", body: bytes = b"", names: str = ""
) -> Asked:
    names = f"{names}host;x-amz-date"
    headers = {
        "host": "example.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
        "content-type": "application/x-www-form-urlencoded",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            f"SignedHeaders={names}, Signature={signature}"
        ),
    }
    url = f"https://example.amazonaws.com/{'?' if query else ''}{query}"
    return Asked(method, "/", query, headers, body, url)


EXAMPLES = [
    asked("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    asked("5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", method="POST"),
    asked(
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        query="Param2=value2&Param1=value1",
    ),
    asked(
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        method="POST", body=b"Param1=value1", names="content-type;",
    ),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES)
def test_published_examples_pass(example: Asked) -> None:
    assert FakeExample().denial(example) is None


@pytest.mark.parametrize("example", EXAMPLES)
def test_whatever_is_changed_is_denied(example: Asked) -> None:
    for changed in (
        replace(example, method="PUT"),
        replace(example, query=f"{example.query}&more=1"),
        replace(example, body=example.body + b" "),
        replace(example, headers={**example.headers, "host": "other.amazonaws.com"}),
        replace(example, url="https://example.amazonaws.com/other"),
    ):
        denied = FakeExample().denial(changed)
        assert denied is not None
        assert denied[0] == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("minutes", "words"), [(6, "Signature expired"), (-6, "Signature not yet current")]
)
def test_five_minutes_are_the_most(minutes: int, words: str) -> None:
    fake = FakeExample()
    fake.ahead = timedelta(minutes=minutes)
    denied = fake.denial(EXAMPLES[0])
    assert denied is not None
    assert denied[1].startswith(words)
    fake.ahead = timedelta(minutes=minutes / 2)
    assert fake.denial(EXAMPLES[0]) is None


def test_no_authorization_and_other_keys_are_denied() -> None:
    unsigned = replace(EXAMPLES[0], headers={"host": "example.amazonaws.com"})
    assert FakeExample().denial(unsigned) is not None
    assert FakeOther().denial(EXAMPLES[0]) is not None
