"""Checks everything an installation needs, and says how to mend what is broken."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from config.settings import Settings
from domain.orders import LANES
from services.app import App, close_app, open_app
from services.health import dependencies
from services.temporal import TemporalDown
from stores import accounts
from stores.sealing import SealBroken
from workflows import attributes


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing, and what to do when it is broken."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


_REMEDIES = {
    "postgresql": "Start PostgreSQL, mend TOCSIN_DATABASE_URL, or run `tocsin migrate`.",
    "replica": "Reads go to the leader meanwhile; start the replica or mend TOCSIN_REPLICA_URLS.",
    "temporal": "Start Temporal or mend TOCSIN_TEMPORAL_ADDRESS; what was accepted is kept.",
}
_MOST_SKEW = 2.0
T = TypeVar("T")


async def diagnose(settings: Settings) -> list[Finding]:
    """Return what was found of every dependency, in the order in which to mend them."""
    try:
        app = open_app(settings)
    except SealBroken as error:
        return [Finding("secret key", False, str(error), "Set TOCSIN_SECRET_KEY.")]
    try:
        found = [
            Finding(one.name, one.ok, one.detail, _REMEDIES.get(one.name.split()[0], ""))
            for one in await dependencies(app)
        ]
        works = {one.name for one in found if one.ok}
        found.append(_disk(settings))
        if "postgresql" in works:
            found += [await _clock(app), *await _accounts(app)]
        if "temporal" in works:
            found += [await _search_attributes(app), *await _lanes(app)]
    finally:
        await close_app(app)
    return found


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir if settings.data_dir and settings.data_dir.exists() else Path.cwd()
    free = shutil.disk_usage(folder).free // 1_000_000
    return Finding("disk", free > 1_000, f"{free:,} MB free", "Free some space.")


async def _clock(app: App) -> Finding:
    async with app.db.leader() as conn:
        theirs = (await conn.execute(text("SELECT clock_timestamp()"))).scalar_one()
    skew = abs((datetime.now(UTC) - theirs).total_seconds())
    detail = f"{skew:.2f} s apart from the database's"
    return Finding("clock", skew < _MOST_SKEW, detail, "Let both machines follow one time server.")


async def _accounts(app: App) -> list[Finding]:
    async with app.db.leader() as conn:
        rows = await accounts.find_enabled(conn)
    findings = []
    for row in rows:
        name = f"account {row.name}"
        try:
            settings = app.seal.open(row.settings)
        except SealBroken as error:
            findings.append(Finding(name, False, str(error), "Set the key it was sealed with."))
            continue
        if row.vendor == "smtp":
            findings.append(await _reachable(name, str(settings["host"]), int(settings["port"])))
    return findings


async def _reachable(name: str, host: str, port: int) -> Finding:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 5)
    except (OSError, TimeoutError) as error:
        detail = f"{host}:{port} cannot be reached ({error or 'no answer'})"
        return Finding(name, False, detail, "Mend TOCSIN_SMTP_URL, or the way to that server.")
    writer.close()
    return Finding(name, True, f"{host}:{port} is reached")


async def _search_attributes(app: App) -> Finding:
    async def ask() -> set[str]:
        client = await app.temporal.client()
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=app.temporal.namespace)
        )
        return set(answer.custom_attributes)

    wanted = {key.name for key in attributes.ALL}
    missing = sorted(wanted - await _asked(ask, set[str]()))
    return Finding(
        "search attributes",
        not missing,
        "registered" if not missing else f"{', '.join(missing)} lack",
        "temporal operator search-attribute create --name … --type Keyword (TocsinChannel: "
        "KeywordList)",
    )


async def _lanes(app: App) -> list[Finding]:
    findings = []
    for priority, queue in LANES.items():

        async def ask(queue: str = queue) -> int:
            client = await app.temporal.client()
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=app.temporal.namespace,
                    task_queue=TaskQueue(name=queue),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
                )
            )
            return len(answer.pollers)

        pollers = await _asked(ask, 0)
        findings.append(
            Finding(
                f"lane {priority}",
                pollers > 0,
                f"served by {pollers} {'process' if pollers == 1 else 'processes'}",
                f"Start `tocsin worker --lanes {priority}`.",
            )
        )
    return findings


async def _asked(ask: Callable[[], Awaitable[T]], otherwise: T) -> T:
    try:
        return await asyncio.wait_for(ask(), 5)
    except (RPCError, TemporalDown, TimeoutError):
        return otherwise
