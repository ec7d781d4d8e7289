"""Addresses: what may stand in an envelope, and how domains are written there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.smtp.mailbox import InvalidMailbox, parse_mailbox


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("sam@example.org", "sam@example.org"),
        ("a.b+c=d@sub.example.org", "a.b+c=d@sub.example.org"),
        ('"a b@c\\""@example.org', '"a b@c\\""@example.org'),
        ("sam@bücher.example", "sam@xn--bcher-kva.example"),
        ("sam@BÜCHER.example", "sam@xn--bcher-kva.example"),
        ("sam@例え.テスト", "sam@xn--r8jz45g.xn--zckzah"),
        ("用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah"),
        ("sam@localhost", "sam@localhost"),
        ("sam@[192.0.2.1]", "sam@[192.0.2.1]"),
        ("sam@[IPv6:2001:db8::1]", "sam@[IPv6:2001:db8::1]"),
        ("sam@_dmarc.example.org", "sam@_dmarc.example.org"),
    ],
)
def test_good_addresses(address: str, written: str) -> None:
    assert str(parse_mailbox(address)) == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "sam",
        "@example.org",
        "sam@",
        "sam@@example.org",
        "a..b@example.org",
        ".a@example.org",
        "a b@example.org",
        "sam@exam ple.org",
        "sam@example..org",
        "sam@-example.org",
        "sam@example.org>",
        "<sam@example.org",
        "sam@example.org\r\nRCPT TO:<eve@example.org>",
        "sam\r\n@example.org",
        "sam\n@example.org",
        '"sam\r\n"@example.org',
        "sam\0@example.org",
        "sam@example.org\0",
        "sam\u00a0x@example.org",
        "sam\u2028x@example.org",
        "sam\ud800@example.org",
        "sam@\ud800.org",
        "sam@xn--\u00fc.example",
        "sam@" + "a" * 64 + ".example",
        "x" * 65 + "@example.org",
        "ü" * 33 + "@example.org",
        "x" * 64 + "@" + "a" * 60 + "." + "b" * 60 + "." + "c" * 60 + "." + "d" * 60,
        "sam@" + "ü" * 300,
    ],
)
def test_bad_addresses(address: str) -> None:
    with pytest.raises(InvalidMailbox):
        parse_mailbox(address)


def test_only_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    assert parse_mailbox("sam@bücher.example").ascii
    assert not parse_mailbox("jürgen@example.org").ascii


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_address_ever_breaks_out_of_its_line(local: str, domain: str) -> None:
    try:
        written = str(parse_mailbox(f"{local}@{domain}"))
    except InvalidMailbox:
        return
    assert not set(written) & set("\r\n\0<> ") or local.startswith('"')
    assert not set(written) & set("\r\n\0")
    assert written.encode()
