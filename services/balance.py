"""The promise in figures, counted from the ledger."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from domain.balance import balance as figures
from services.access import Actor
from services.app import App
from services.positions import seen
from services.times import stamp
from stores.ledger import balance as ledger


async def balance(
    app: App, actor: Actor, since: datetime, until: datetime, position: str | None = None
) -> dict[str, Any]:
    """Return {totals, receipts, classes, as_of} of what was accepted in since ≤ t < until."""
    actor.require("analytics:read")
    module = None if actor.all_modules else actor.module_id
    async with app.db.read(seen(app, actor, position)) as conn:
        classes, receipts = await ledger.count(conn, since=since, until=until, module_id=module)
    totals: Counter[str] = Counter()
    for states in classes.values():
        totals.update(states)
    return {
        "totals": figures(totals),
        "receipts": receipts,
        "classes": {name: figures(states) for name, states in sorted(classes.items())},
        "as_of": stamp(datetime.now(UTC)),
    }
