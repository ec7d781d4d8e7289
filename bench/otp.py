"""Measures one-time passwords: alone, and while thousands of messages wait on the low lane."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from bench.latency import PATIENCE, WARM_UP, rest
from bench.system import System
from cli.embedded.trouble import Trouble
from fakes.http_server import FakeHttp
from fakes.http_vendor import Answer, Asked
from fakes.twilio import FakeTwilio

QUEUED: Final = 5_000
"""Deliveries that wait on the low lane while codes are measured, at the least."""
_BATCH: Final = 500
_SENT_BESIDE: Final = 150
"""Mails of the low lane that leave while one code is measured; so many more are asked for first."""


class Arrivals(FakeTwilio):
    """A vendor of texts that notes when it was asked to send one."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}

    def answer(self, asked: Asked) -> Answer:
        """Note the moment, and answer."""
        now = time.monotonic()
        for address in self.addresses(asked):
            self.at.setdefault(address, now)
        return super().answer(asked)


@dataclass(slots=True)
class Codes:
    """Seconds from POST until the vendor was asked, and how full the low lane was."""

    idle: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    least_queued: int = 0
    """The fewest deliveries that waited while a code was measured."""
    low_per_second: float = 0.0
    """How many mails of the low lane went out meanwhile, per second."""


async def measure_codes(system: System, samples: int, queued: int) -> Codes:
    """Return samples of an idle system, then of one with at least `queued` deliveries waiting."""
    found = Codes()
    numbers = itertools.count(1_000_000)
    async with texts_to_fake(system) as vendor:
        for into in ([], found.idle):
            for _ in range(samples if into is found.idle else WARM_UP):
                into.append(await measure_code(system, vendor, next(numbers)))
                await rest()
        await _measure_busy(system, vendor, numbers, found, samples, queued)
    return found


async def _measure_busy(
    system: System, vendor: Arrivals, numbers: Any, found: Codes, samples: int, queued: int
) -> None:
    came_before, asked = len(system.smtp.messages), 0

    def left() -> int:
        return asked - (len(system.smtp.messages) - came_before)

    async def fill(wanted: int) -> None:
        nonlocal asked
        while left() < wanted:
            await _ask_low(system, asked)
            asked += _BATCH

    await fill(queued + samples * _SENT_BESIDE)
    began, sent = time.monotonic(), len(system.smtp.messages)
    for _ in range(samples):
        found.busy.append(await measure_code(system, vendor, next(numbers)))
        found.least_queued = min(left(), found.least_queued or left())
        await fill(queued)
        await rest()
    found.low_per_second = (len(system.smtp.messages) - sent) / (time.monotonic() - began)


@asynccontextmanager
async def texts_to_fake(system: System) -> AsyncIterator[Arrivals]:
    """Let texts go to a vendor that notes when they come, and no more to the sandbox."""
    vendor = Arrivals()
    async with FakeHttp(vendor) as server:
        listed = (await system.api.get("/v1/accounts", params={"channel": "sms"})).json()
        for one in listed["items"]:
            await _post(system, f"/v1/accounts/{one['id']}/pause", None)
        account = {
            "name": "bench", "channel": "sms", "vendor": "twilio",
            "settings": {"base_url": server.url(vendor.name), "account_sid": vendor.account_sid,
                         "auth_token": vendor.token, "from": "+14155550199"},
        }  # fmt: skip
        await _post(system, "/v1/accounts", account)
        await asyncio.sleep(6)  # workers look at the accounts every 5 s
        yield vendor


async def measure_code(system: System, vendor: Arrivals, number: int) -> float:
    """Return the seconds from POST until the vendor was asked to send the code."""
    phone = f"+1415{number}"
    began = time.monotonic()
    await _post(system, "/v1/otp", {"recipient": {"phone": phone}, "channels": ["sms"]})
    while time.monotonic() < began + PATIENCE:
        if (at := vendor.at.get(phone)) is not None:
            return at - began
        await asyncio.sleep(0.002)
    raise Trouble(f"A one-time password did not come within {PATIENCE:.0f} s.")


async def _ask_low(system: System, first: int) -> None:
    content = {"email": {"subject": "Your statement", "text": "It is ready."}}
    items = [
        {"recipient": {"email": f"low{n}@example.com"}, "content": content, "priority": "low"}
        for n in range(first, first + _BATCH)
    ]
    await _post(system, "/v1/notifications/batch", {"notifications": items})


async def _post(system: System, path: str, body: Any) -> None:
    try:
        answer = await system.api.post(path, json=body)
    except httpx.HTTPError as error:
        raise Trouble(f"POST {path} failed: {type(error).__name__} {error}") from None
    if answer.is_error:
        raise Trouble(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
