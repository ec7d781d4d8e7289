"""What the answer to EHLO offers."""

import pytest

from transport.smtp.capabilities import Capabilities, parse_capabilities


def test_all_that_we_know_of() -> None:
    lines = [
        "mail.example.com at your service",
        "SIZE 35882577",
        "8bitmime",
        "STARTTLS",
        "AUTH LOGIN plain XOAUTH2",
        "ENHANCEDSTATUSCODES",
        "PIPELINING",
        "SMTPUTF8",
        "CHUNKING",
        "DSN",
    ]
    assert parse_capabilities(lines) == Capabilities(
        size=True,
        size_limit=35_882_577,
        eightbitmime=True,
        smtputf8=True,
        starttls=True,
        pipelining=True,
        enhanced_codes=True,
        dsn=True,
        auth=frozenset({"LOGIN", "PLAIN", "XOAUTH2"}),
    )


def test_the_greeting_line_offers_nothing() -> None:
    assert parse_capabilities(["STARTTLS"]) == Capabilities()


@pytest.mark.parametrize("line", ["SIZE", "SIZE 0", "SIZE many", "SIZE -5", "SIZE ²"])
def test_a_size_without_a_limit(line: str) -> None:
    found = parse_capabilities(["mail.example.com", line])
    assert (found.size, found.size_limit) == (True, 0)


def test_the_old_way_to_offer_auth() -> None:
    found = parse_capabilities(["mail.example.com", "AUTH=LOGIN", "AUTH PLAIN", ""])
    assert found.auth == {"LOGIN", "PLAIN"}
