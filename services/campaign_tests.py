"""A/B tests of campaigns: how they stand, a winner by hand, and events that count."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ab_tests import LETTERS, UNDECIDED, AbTest, AbTestState
from domain.campaign import CampaignState
from domain.campaign_waves import Wave
from domain.contract.campaign import ChooseWinner
from domain.contract.event import CloudEvent
from domain.errors import Conflict, Forbidden, Invalid
from domain.ids import InvalidId, decode
from services import campaign_runs as runs
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.campaign_rows import find_row
from services.campaign_views import view
from stores import ab_tests as store

_OPEN: Final = (CampaignState.APPROVED, CampaignState.SENDING, CampaignState.PAUSED)


async def choose(app: App, actor: Actor, id_text: str, request: ChooseWinner) -> dict[str, Any]:
    """Let the others get a variant at once, chosen by an administrator; returns the campaign.

    Raises Forbidden, Invalid for a variant that it does not have, Conflict where nothing is tested
    or it is decided already.
    """
    actor.require("campaigns:write")
    if not actor.may("*"):
        raise Forbidden("Only an administrator, or a key with the scope *, chooses by hand.")

    async def work(conn: AsyncConnection) -> Any:
        row = await find_row(conn, actor, id_text, lock=True)
        test = AbTest.of((row.frozen or {}).get("ab_test"))
        if test is None or not row.ab_test or row.ab_test["state"] not in UNDECIDED:
            raise Conflict("It tests nothing, or its test is decided.")
        if row.state not in _OPEN:
            raise Conflict(f"It is {row.state}, and so nothing is left to choose.")
        winner = LETTERS.index(request.variant)
        if winner >= len(test.variants):
            raise Invalid.field("variant", f"is none of {', '.join(LETTERS[: len(test.variants)])}")
        decided = {
            "state": AbTestState.DECIDED, "winner": winner, "by": named(actor),
            "decided_at": datetime.now(UTC).isoformat(), "counts": await _counts(conn, row, test),
        }  # fmt: skip
        await store.choose(conn, row.id, row.run, {**row.ab_test, **decided})
        detail = {"variant": request.variant, "by": "hand", "reason": request.reason}
        await audit_row(conn, actor, "campaign.winner_chosen", "cmp", row, detail)
        return await find_row(conn, actor, id_text)

    row = await app.db.retrying(work)
    await runs.wake(app, row)
    return view(row)


def is_open(state: str, test: dict[str, Any] | None) -> bool:
    """Whether a winner may be chosen by hand, of a campaign in a state with such an ab_test."""
    return test is not None and test["state"] in UNDECIDED and state in _OPEN


async def told(conn: AsyncConnection, row: Any) -> dict[str, Any]:
    """Return {ab_test} of a campaign with what is counted: until it is decided, now."""
    found: dict[str, Any] | None = view(row)["ab_test"]
    test = AbTest.of((row.frozen or {}).get("ab_test"))
    if found is None or test is None or not row.ab_test:
        return {"ab_test": found}
    counts = row.ab_test.get("counts") or await _counts(conn, row, test)
    variants = [{**one, **counted} for one, counted in zip(found["variants"], counts, strict=True)]
    return {"ab_test": {**found, "variants": variants}}


async def note_event(conn: AsyncConnection, actor: Actor, event: CloudEvent) -> int:
    """Keep an event that tests of the actor's module measure; return how many count it.

    Its `data` names the recipient as docs/campaigns.md tells; else nothing is counted.
    """
    data = event.data if isinstance(event.data, dict) else {}
    recipient = data.get("recipient")
    who = recipient if isinstance(recipient, dict) else {}
    asked = {
        "campaign": _id("cmp", data.get("campaign")),
        "notification": _id("ntf", data.get("notification")) or _id("ntf", event.subject),
        "profile": _id("prf", recipient) or _id("prf", event.subject),
        "external_id": _text(who.get("external_id")),
        "address": _text(who.get("email")) or _text(who.get("phone")),
    }
    if "campaign" in data and asked["campaign"] is None:
        return 0
    if not any(value for name, value in asked.items() if name != "campaign"):
        return 0
    return await store.record(conn, actor.module_id, event.type, **asked)


async def _counts(conn: AsyncConnection, row: Any, test: AbTest) -> list[dict[str, int]]:
    counts = await store.count(
        conn, row.id, test.measure, len(test.variants), end=Wave.TEST.end
    )  # fmt: skip
    return [asdict(one) for one in counts]


def _id(prefix: str, given: Any) -> Any:
    try:
        return decode(prefix, given) if isinstance(given, str) else None
    except InvalidId:
        return None


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None
