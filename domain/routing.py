"""Which account a message goes over: what the rules allow, the healthy first, then the cheapest."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

import phonenumbers

from domain.vocabulary import CategoryClass, Channel

_BY_PHONE: Final = frozenset({Channel.SMS, Channel.WHATSAPP})


class Circuit(StrEnum):
    """Whether an account is used: closed is healthy, open is left alone, half open is probed."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account of the channel, with its rules and its health.

    `countries` holds regions (ISO 3166, `US`) and prefixes (`+1415`); empty sets allow all.
    `unusable` says why it must not be used now (circuit, throttled, broken settings).
    """

    id: UUID
    name: str
    weight: int = 1
    cost: float = 0.0
    countries: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    unusable: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a delivery asks of an account; `tried` have failed it in this pass."""

    channel: Channel
    address: str
    category: str
    class_: CategoryClass
    platform: str = ""
    tried: frozenset[UUID] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Skip:
    """An account that was passed over, and why."""

    account: str
    why: str


@dataclass(frozen=True, slots=True)
class Route:
    """The accounts to try, in order, and why the others were passed over."""

    order: tuple[UUID, ...]
    skipped: tuple[Skip, ...]


def choose_route(
    candidates: Sequence[Candidate], wanted: Wanted, dice: Callable[[], float]
) -> Route:
    """Return the usable accounts, cheapest first; equal costs share by weight.

    `dice` gives numbers in [0, 1). An account that the rules exclude is named as skipped only
    when its rule is about the recipient or the category, so that the record stays short.
    """
    by_country = wanted.channel in _BY_PHONE and any(one.countries for one in candidates)
    region = region_of(wanted.address) if by_country else ""
    usable: list[tuple[float, float, UUID]] = []
    skipped: list[Skip] = []
    for one in candidates:
        why = _excluded(one, wanted, region) or one.unusable
        if one.id in wanted.tried:
            continue
        if why:
            skipped.append(Skip(one.name, why))
            continue
        # Exponential spread: the chance of being first is proportional to the weight.
        draw = -math.log(1.0 - dice()) / max(one.weight, 1)
        usable.append((one.cost, draw, one.id))
    return Route(tuple(id for _, _, id in sorted(usable)), tuple(skipped))


def region_of(phone: str) -> str:
    """Return the region (ISO 3166) of a number in E.164; empty when it has none."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(number) or ""


def in_countries(phone: str, region: str, countries: Iterable[str]) -> bool:
    """Whether a number lies in one of the regions or begins with one of the prefixes."""
    return any(phone.startswith(one) if one.startswith("+") else one == region for one in countries)


def _excluded(one: Candidate, wanted: Wanted, region: str) -> str:
    if one.categories and wanted.category not in one.categories:
        return f"not for the category {wanted.category}"
    if one.platforms and wanted.platform and wanted.platform not in one.platforms:
        return f"not for {wanted.platform}"
    by_country = one.countries and wanted.channel in _BY_PHONE
    if by_country and not in_countries(wanted.address, region, one.countries):
        return f"not for {region or 'this number'}"
    return ""
