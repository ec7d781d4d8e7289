"""Promises notifications inside a transaction of the caller's, who starts them after it."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.notification import NotificationRequest
from domain.errors import Problem
from services.acceptance import Accepted, judge, look_up
from services.access import Actor
from services.app import App
from stores.ledger import accept as ledger


async def promise(
    app: App, conn: AsyncConnection, actor: Actor, requests: Sequence[NotificationRequest]
) -> list[Accepted | Problem]:
    """Judge each request as POST /v1/notifications does, and insert the good ones in one statement.

    `services.starting.start_all` starts them once the transaction is committed; the sweeper does
    so where that is not reached.
    """
    known = await look_up(conn, actor, requests)
    judged: list[Accepted | Problem] = []
    for request in requests:
        try:
            judged.append(
                judge(request, actor, known, otp_start_seconds=app.settings.otp_start_seconds)
            )
        except Problem as problem:
            judged.append(problem)
    rows = [one.row for one in judged if isinstance(one, Accepted)]
    if rows:
        await ledger.insert(conn, rows)
    return judged
