"""Bounce mails that the listener takes: whose they are, and on to where all receipts go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import Row

from domain.errors import Forbidden, NotFound
from domain.http import MAIL, Webhook
from domain.ids import decode, encode
from domain.return_paths import BounceAddress, attempt_of, read_bounce_address
from services import receipts
from services.app import App
from stores import accounts
from stores.ledger.receipts import find_attempts
from stores.sealing import SealBroken
from vendors.email import smtp

log = structlog.get_logger()

_MOST_ACCOUNTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Addressed:
    """An account whose bounces come to an address; `token` is None for its plain address."""

    account_id: UUID
    token: str | None


async def expect(app: App, recipient: str) -> UUID:
    """Return the account that a mail is for, before the mail is taken.

    Raises NotFound for an address of nobody, and Forbidden, counted as a forged receipt, for a
    return path that was not made here.
    """
    found = await _addressed(app, recipient)
    if not found:
        raise NotFound("No account takes mail at this address.")
    first = found[0]
    if first.token is None:
        return first.account_id
    if not app.return_paths.proves(first.token):
        why = "the return path was not made here"
        call = _call(app, first.account_id, recipient)
        await receipts.keep_forged(app, first.account_id, call, why)
        raise Forbidden(f"The mail is not believed: {why}.")
    return await _sender(app, first.token, [one.account_id for one in found])


async def hear(app: App, recipient: str, mail: bytes) -> None:
    """Take a mail as a receipt; raises what `expect` and `receipts.hear` raise."""
    account_id = await expect(app, recipient)
    call = _call(app, account_id, recipient, mail)
    await receipts.hear(app, encode("acc", account_id), call)


async def _addressed(app: App, recipient: str) -> list[Addressed]:
    """Return the accounts, oldest first, whose bounce address this is."""
    async with app.db.leader() as conn:
        rows = await accounts.find(conn, {"vendors": [smtp.KIND.name]}, most=_MOST_ACCOUNTS)
    found = []
    for row in sorted(rows, key=lambda one: one.id):
        if (address := _bounce_address(app, row)) is None:
            continue
        token = address.token_in(recipient)
        if token is not None or recipient.strip().lower() == address.plain:
            found.append(Addressed(row.id, token))
    return found


def _bounce_address(app: App, row: Row[Any]) -> BounceAddress | None:
    try:
        settings = smtp.Settings.model_validate(app.seal.open(row.settings))
    except (SealBroken, ValidationError) as error:
        log.error("bounces.settings_unusable", account=row.name, kind=type(error).__name__)
        return None
    return read_bounce_address(settings.bounces) if settings.bounces else None


async def _sender(app: App, token: str, among: Sequence[UUID]) -> UUID:
    """Return the account that made an attempt, where several share a bounce address."""
    if len(among) == 1:
        return among[0]
    attempt = decode("att", attempt_of(token))
    async with app.db.leader() as conn:
        known = await find_attempts(conn, [attempt])
    made_by = known[attempt].account_id if attempt in known else None
    return next((one for one in among if one == made_by), among[0])


def _call(app: App, account_id: UUID, recipient: str, mail: bytes = b"") -> Webhook:
    """Return a mail as the call that a pipe would have made."""
    account = encode("acc", account_id)
    return Webhook(
        method="POST",
        url=f"{app.settings.base_url}/v1/receipts/{account}?{urlencode({'recipient': recipient})}",
        headers={"content-type": MAIL},
        body=mail,
    )
