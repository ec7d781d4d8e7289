"""Which addresses may be reached from here: public ones, and networks that are allowed by name.

Whoever can name a URL (an account's base_url, a browser's push endpoint, a webhook) must not be
able to make Tocsin talk to its own network (server-side request forgery). The address that is
connected to is judged, not the name, so that a name that changes its mind gains nothing.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOLDS_IPV4: Final = tuple(
    ipaddress.IPv6Network(one) for one in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")
)
"""Translated (RFC 6052, 7915) and compatible (RFC 4291 §2.5.5.1): the last 32 bits are IPv4."""

_NOT_PUBLIC: Final = tuple(
    ipaddress.IPv6Network(one) for one in ("64:ff9b:1::/48", "fec0::/10", "3fff::/20", "5f00::/16")
)
"""What `is_global` of some Python versions lets pass: local translation (RFC 8215), site-local
addresses (RFC 3879), documentation (RFC 9637), segment routing (RFC 9602).
"""


class AddressRefused(OSError):
    """An address is not public, and no setting allows it."""


class Guard:
    """Judges addresses; `allowed` are networks beside the public ones."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed: tuple[Network, ...] = tuple(
            ipaddress.ip_network(one.strip(), strict=False) for one in allowed
        )

    def check(self, text: str) -> None:
        """Raise AddressRefused for an address that must not be reached, ValueError for none."""
        address = ipaddress.ip_address(text.partition("%")[0])
        seen = _inner(address)
        if any(one in network for one in (address, seen) for network in self._allowed):
            return
        inside = any(address in network for network in _NOT_PUBLIC)
        if inside or not seen.is_global or seen.is_multicast:
            raise AddressRefused(
                f"{address} is not a public address; TOCSIN_ALLOW_NETWORKS can allow it"
            )


def literal(host: str) -> str | None:
    """Return a host that is an address itself, or is meant to be one; None for a name."""
    bare = host.strip("[]")
    if ":" in bare:  # no name holds a colon, so no resolver would judge it
        return bare
    try:
        ipaddress.IPv4Address(bare)
    except ValueError:
        return None
    return bare


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for (RFC 4291, 3056, 6052), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.is_loopback or address.is_unspecified:
        return address
    if any(address in network for network in _HOLDS_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
