"""Resolves hosts that others name to addresses that the guard lets pass."""

import asyncio
import socket

from transport.http.guard import Guard, literal


async def reach(guard: Guard, host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the resolver's order.

    Raises AddressRefused when one of them must not be reached, OSError when there are none.
    """
    given = literal(host)
    if given is not None:
        guard.check(given)
        return [given]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        guard.check(address)
    return addresses
