"""Parcels: what leaves as one message. Mostly one delivery; for a digest, all that it collected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from activities.routing import Taken
from channels.digest import Composed, Item, compose
from channels.link_marks import Spot
from channels.rendering import LAYOUT
from domain.decision import Decision
from domain.delivery import Leased, Mark
from domain.digests import MOST_ITEMS
from domain.ids import new_id
from domain.message import Message

Parcel = tuple[Leased, ...]
"""Deliveries that leave as one message; leased ones stand in the order of their digests."""


@dataclass(frozen=True, slots=True)
class Part:
    """One delivery of a parcel with its words, and the attempt that it will be."""

    leased: Leased
    attempt_id: UUID
    words: Mapping[str, Any]
    """The channel's content before rendering."""
    rendered: Mapping[str, Any]
    data: Mapping[str, Any]
    spots: Sequence[Spot] = ()
    """Where the links are in its html, if they are to be followed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A parcel about to be marked. The message of several is put together afterwards, of those
    that the mark let through; it has an attempt id of its own, under which the vendor knows it.
    """

    parts: tuple[Part, ...]
    taken: Taken
    attempt_id: UUID
    message: Message | None = None

    def mark_of(self, part: Part, decision: Decision | None) -> Mark:
        """Return the mark of one of its deliveries."""
        account = self.taken.account
        return Mark(
            part.leased.id, part.attempt_id, account.id, account.vendor, self.taken.record,
            decision.record() if decision else None,
            self.attempt_id if len(self.parts) > 1 else None,
        )  # fmt: skip


def draft(parts: Sequence[Part], taken: Taken, message: Message | None = None) -> Draft:
    """Return parts as one draft."""
    attempt_id = parts[0].attempt_id if len(parts) == 1 else new_id()
    return Draft(tuple(parts), taken, attempt_id, message)


def chunks(leased: Sequence[Leased], size: int) -> Iterator[list[Leased]]:
    """Yield about `size` deliveries at a time, never a digest in two."""
    chunk: list[Leased] = []
    for parcel in parcels(leased):
        if chunk and len(chunk) + len(parcel) > size:
            yield chunk
            chunk = []
        chunk += parcel
    if chunk:
        yield chunk


def parcels(leased: Sequence[Leased]) -> list[Parcel]:
    """Return deliveries as what leaves together."""
    found: list[Parcel] = []
    for _, group in groupby(leased, lambda one: one.digest_id or one.id):
        together = tuple(group)
        found += [
            together[first : first + MOST_ITEMS] for first in range(0, len(together), MOST_ITEMS)
        ]
    return found


def cut_off(leased: Sequence[Leased], most: int) -> list[Leased]:
    """Return the deliveries of the last digest where a lease of at most `most` may have left some
    of it behind; nothing where it leased that digest alone.
    """
    if len(leased) < most or leased[-1].digest_id is None:
        return []
    last = [one for one in leased if one.digest_id == leased[-1].digest_id]
    return last if len(last) < len(leased) else []


def together(parts: Sequence[Part], *, marked: bool = False) -> Composed:
    """Return the words of several parts as one message's; with `marked` its links are marked."""
    newest = parts[-1].leased
    items = [
        Item(
            part.rendered,
            part.data,
            part.words.get(LAYOUT),
            part.leased.template[0] if part.leased.template else None,
        )
        for part in parts
    ]
    return compose(
        newest.channel, items, locale=newest.locale, timezone=newest.timezone, marked=marked
    )
