"""Measures one thing at a time on a system that is idle otherwise; all times in seconds."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import httpx
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from bench.noop import QUEUE, Reference
from bench.system import System
from cli.embedded.trouble import Trouble

WARM_UP: Final = 10
"""Samples before each round that are not counted: connections, caches, imports."""

PATIENCE: Final = 30.0
"""Seconds until a message counts as lost."""

_REST: Final = (0.10, 0.20)
"""Pause after each sample, once its workflow has ended: the system is idle, and no sample keeps
in step with a timer."""


@dataclass(slots=True)
class Round:
    """The samples of a round."""

    sent: list[float] = field(default_factory=list)
    """From POST until the mail server had the whole message."""
    accepted: list[float] = field(default_factory=list)
    """From POST until its answer, 202."""
    completed: list[float] = field(default_factory=list)
    """From the start of the reference's workflow until its end was known."""
    ran: list[float] = field(default_factory=list)
    """From the start of the reference's workflow until its activity ran."""


async def measure(system: System, samples: int) -> Round:
    """Return a round of samples: one of ours, one of the reference, in turn."""
    measured, uncounted = Round(), Round()
    for number in range(WARM_UP + samples):
        into = measured if number >= WARM_UP else uncounted
        await _ours(system, into)
        await rest()
        await _reference(system, into)
        await rest()
    return measured


def check_once(system: System, expected: int) -> None:
    """Raise Trouble unless every message came exactly once."""
    came = len(system.smtp.messages)
    if came != expected:
        raise Trouble(f"{expected} messages were asked for, and {came} came.")


async def _ours(system: System, into: Round) -> None:
    mark = uuid4().hex
    known = len(system.smtp.messages)
    body = {
        "recipient": {"email": f"{mark}@example.com"},
        "content": {"email": {"subject": f"Order {mark}", "text": "It is on its way."}},
    }
    began = time.monotonic()
    try:
        answer = await system.api.post("/v1/notifications", json=body)
    except httpx.HTTPError as error:
        raise Trouble(f"POST /v1/notifications failed: {type(error).__name__} {error}") from None
    answered = time.monotonic()
    if answer.status_code != 202:
        raise Trouble(f"POST /v1/notifications answered {answer.status_code}: {answer.text[:300]}")
    into.sent.append(await _arrival(system, mark, known) - began)
    into.accepted.append(answered - began)
    await _end(system, str(answer.json()["id"]))


async def _arrival(system: System, mark: str, known: int) -> float:
    """Return when a message came, as the mail server noted it: looking late changes nothing."""
    subject = f"Subject: Order {mark}\r\n".encode()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for one in system.smtp.messages[known:]:
            if subject in one.content:
                return one.at
        await asyncio.sleep(0.002)
    raise Trouble(f"A message did not come within {PATIENCE:.0f} s.")


async def _end(system: System, workflow_id: str) -> None:
    """Wait until our workflow has ended too, so that it takes nothing from the reference."""
    try:
        await asyncio.wait_for(system.temporal.get_workflow_handle(workflow_id).result(), PATIENCE)
    except (TimeoutError, RPCError, WorkflowFailureError) as error:
        raise Trouble(f"A notification's workflow did not end well: {error!r}") from None


async def _reference(system: System, into: Round) -> None:
    began = time.monotonic()
    try:
        ran = await asyncio.wait_for(
            system.temporal.execute_workflow(
                Reference.run, id=f"reference-{uuid4().hex}", task_queue=QUEUE
            ),
            PATIENCE,
        )
    except (TimeoutError, RPCError, WorkflowFailureError) as error:
        raise Trouble(f"The reference did not end well: {error!r}") from None
    into.completed.append(time.monotonic() - began)
    into.ran.append(ran - began)


async def rest() -> None:
    """Pause, so that the next sample finds an idle system."""
    await asyncio.sleep(random.uniform(*_REST))  # noqa: S311 - spreads samples, guards nothing
