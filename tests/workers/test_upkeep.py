"""The control lane's loops outlive whatever the database does."""

import asyncio

import asyncpg
import pytest
from sqlalchemy.exc import OperationalError

from workers.looping import forever


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.InterfaceError("connection is closed"),
        OperationalError("SELECT 1", {}, Exception("gone")),
        ConnectionRefusedError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_loop_goes_on_after_an_outage(error: Exception) -> None:
    went_on = asyncio.Event()
    outages = [error]

    async def work() -> None:
        if outages:
            raise outages.pop()
        went_on.set()

    loop = asyncio.create_task(forever("test", work, 0.01))
    done, _ = await asyncio.wait(
        {loop, asyncio.create_task(went_on.wait())}, return_when=asyncio.FIRST_COMPLETED
    )
    assert loop not in done, "the loop ended"
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
