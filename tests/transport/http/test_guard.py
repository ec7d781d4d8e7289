"""Which addresses may be reached: public ones, and what settings allow."""

import pytest

from transport.http.guard import AddressRefused, Guard, literal

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.254",
    "192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
    "2001:db8::1", "3fff::1", "5f00::1", "100::1", "2001::1", "64:ff9b:1::808:808",
]  # fmt: skip

HIDING_PRIVATE = [
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2002:a00:1::",
]  # fmt: skip

PUBLIC = [
    "8.8.8.8", "1.1.1.1", "172.32.0.1", "192.167.255.255", "2606:4700:4700::1111",
    "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE + HIDING_PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused, match="TOCSIN_ALLOW_NETWORKS"):
        Guard().check(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    Guard().check(address)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1"),
        ("127.0.0.0/8", "64:ff9b::7f00:1"),
        ("10.1.2.3", "10.1.2.3"),
        (" 10.1.2.3/8 ", "10.9.9.9"),
        ("::1/128", "::1"),
        ("fd00::/8", "fd12::1"),
        ("64:ff9b:1::/48", "64:ff9b:1::1"),
        ("0.0.0.0/0", "192.168.1.1"),
    ],
)
def test_a_network_can_be_allowed(network: str, address: str) -> None:
    Guard([network]).check(address)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("127.0.0.0/8", "10.0.0.1"),
        ("127.0.0.0/8", "::1"),
        ("10.0.0.0/8", "::ffff:192.168.0.1"),
        ("::1/128", "127.0.0.1"),
    ],
)
def test_what_is_allowed_opens_nothing_else(network: str, address: str) -> None:
    with pytest.raises(AddressRefused):
        Guard([network]).check(address)


def test_what_is_no_network_is_an_error() -> None:
    with pytest.raises(ValueError, match="not appear to be"):
        Guard(["localhost"])


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("zz::1", "zz::1"),
        ("localhost", None),
        ("vendor.example.com", None),
        ("127.1", None),
        ("0x7f000001", None),
        ("", None),
    ],
)
def test_an_address_is_told_from_a_name(host: str, address: str | None) -> None:
    assert literal(host) == address


def test_what_only_looks_like_an_address_does_not_pass() -> None:
    with pytest.raises(ValueError, match="not appear to be"):
        Guard(["0.0.0.0/0", "::/0"]).check("zz::1")
