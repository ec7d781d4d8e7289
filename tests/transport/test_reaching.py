"""Hosts that others name come to addresses that the guard lets pass, or to none."""

import pytest

from transport.http.guard import AddressRefused, Guard
from transport.reaching import reach


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "::1", "[::1]", "10.1.2.3", "169.254.169.254"]
)
async def test_networks_of_our_own_are_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        await reach(Guard(), host, 389)


async def test_what_is_allowed_passes_as_addresses() -> None:
    guard = Guard(["127.0.0.0/8", "::1/128"])
    assert await reach(guard, "127.0.0.1", 389) == ["127.0.0.1"]
    assert "127.0.0.1" in await reach(guard, "localhost", 389)
    assert await reach(Guard(), "192.0.43.10", 389) == ["192.0.43.10"]


async def test_one_address_that_is_refused_refuses_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def both(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, 389)) for address in ("192.0.43.10", "10.0.0.1")]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", both)
    with pytest.raises(AddressRefused):
        await reach(Guard(), "both.example.com", 389)


async def test_a_name_without_addresses() -> None:
    with pytest.raises(OSError, match=r".") as caught:
        await reach(Guard(), "nobody.invalid", 389)
    assert not isinstance(caught.value, AddressRefused)
