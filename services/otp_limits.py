"""Who may be sent another code: limits, and what stops paid messages to nobody's benefit."""

import math
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import FieldError, Invalid, Problem, RateLimited
from domain.vocabulary import Channel
from services.access import Actor
from services.app import App
from services.otp_recipients import Addressee
from stores import otp_costs, otp_uses
from stores.otp_uses import Bound

MINUTE: Final = 60.0
HOUR: Final = 3_600.0
DAY: Final = 86_400.0


async def check(
    conn: AsyncConnection, app: App, actor: Actor, whom: Addressee, channels: Sequence[Channel]
) -> tuple[list[bytes], Problem | None]:
    """Return (under what a send is to be counted, why nothing may be sent after all).

    Raises RateLimited for what would be refused to anybody. What only stops this addressee is
    raised for given addresses; for a name it is returned, since an answer that differs would
    tell who is known.
    """
    codes = app.codes
    module = codes.subject("module", str(actor.module_id))
    addresses, ranges = whom.subjects(codes), whom.ranges(codes)
    countries = [codes.subject("country", one) for one in whom.countries()]
    named = [whom.name] if whom.name else []
    everything = [module, *named, *addresses, *ranges, *countries]
    await otp_uses.lock(conn, everything)
    settings = app.settings
    await _refuse_over(conn, [
        (Bound(module, settings.otp_module_per_minute, MINUTE), "this module"),
        *((Bound(one, settings.otp_recipient_per_hour, HOUR), "this recipient") for one in named),
    ])  # fmt: skip
    await _check_cost(conn, app, actor, channels)
    try:
        _check_countries(app, actor, whom)
        await _refuse_over(conn, [
            *((Bound(one, settings.otp_address_per_hour, HOUR), "this address")
              for one in addresses),
            *((Bound(one, settings.otp_range_per_hour, HOUR), "numbers like this one")
              for one in ranges),
            *((Bound(one, settings.otp_country_per_hour, HOUR), "this country")
              for one in countries),
        ])  # fmt: skip
        await _check_failures(conn, app, addresses)
        await _check_conversion(conn, app, ranges)
    except Problem as problem:
        if whom.name is None:
            raise
        return [module, *named], problem
    return everything if whom.known else [module, *named], None


def refusal(words: str, seconds: float, *, slug: str | None = None) -> RateLimited:
    """Return that it is too much, and when to come back."""
    after = str(max(1, math.ceil(seconds)))
    return RateLimited(words, headers={"Retry-After": after}, slug=slug)


async def _refuse_over(conn: AsyncConnection, bounds: Sequence[tuple[Bound, str]]) -> None:
    limited = [(bound, what) for bound, what in bounds if bound.most > 0]
    if not limited:
        return
    over = await otp_uses.find_over(conn, [bound for bound, _ in limited])
    if over is not None:
        place, seconds = over
        raise refusal(f"Too many codes for {limited[place][1]}; ask again later.", seconds)


async def _check_cost(
    conn: AsyncConnection, app: App, actor: Actor, channels: Sequence[Channel]
) -> None:
    most = app.settings.otp_cost_per_day
    if most <= 0:
        return
    cost, seconds = await otp_costs.count_with(conn, actor.module_id, channels)
    if cost > most:
        raise refusal("The codes of this module have cost what they may cost in a day.", seconds)


def _check_countries(app: App, actor: Actor, whom: Addressee) -> None:
    by_module = app.settings.otp_countries
    allowed = by_module.get(actor.module_key, by_module.get("*", []))
    refused = sorted(set(whom.countries()) - set(allowed))
    if allowed and refused:
        told = f"is a number of a country that codes are not sent to ({refused[0] or 'unknown'})"
        raise Invalid(errors=[FieldError("recipient.phone", told)])


async def _check_failures(conn: AsyncConnection, app: App, addresses: Sequence[bytes]) -> None:
    most = app.settings.otp_address_failures_per_day
    if most <= 0 or not addresses:
        return
    failures, seconds = await otp_uses.count_failures(conn, addresses, seconds=DAY)
    if failures >= most:
        raise refusal("Too many wrong guesses at the codes of this address.", seconds)


async def _check_conversion(conn: AsyncConnection, app: App, ranges: Sequence[bytes]) -> None:
    settings = app.settings
    if settings.otp_guard_share <= 0 or not ranges:
        return
    seconds = await otp_uses.find_unconverted(
        conn, ranges, seconds=HOUR, least=settings.otp_guard_least, share=settings.otp_guard_share
    )
    if seconds is not None:
        raise refusal(
            "Hardly any code that is sent to numbers like this one is ever used; no more are sent.",
            seconds,
            slug="otp-guard",
        )
