"""Whom a one-time code is for, looked up so that nobody can tell who is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.notification import InlineRecipient, NotificationRequest
from domain.ids import encode, new_id
from domain.one_time_codes import CodeRing
from domain.phone_ranges import country_of, range_of
from domain.recipient import Recipient
from domain.vocabulary import CategoryClass, Channel
from services.acceptance import References
from services.access import Actor
from stores import profiles

NOBODY: Final = InlineRecipient(
    email="nobody@nowhere.test", phone="+14155550100", telegram="0", push=["0"]
)
"""Stands in for a recipient that nobody knows: judged like one, and never written to."""

_BY_NUMBER: Final = (Channel.SMS, Channel.WHATSAPP)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a code is for, as its limits see it.

    `name` is under what a profile or an external id is counted; None for given addresses, which
    speak for themselves. `known` is False for a name that belongs to nobody.
    """

    name: bytes | None
    known: bool
    addresses: frozenset[str] = field(repr=False)
    numbers: frozenset[str] = field(repr=False)

    def subjects(self, codes: CodeRing) -> list[bytes]:
        """Return under what the addresses are counted, whatever channel they are used on."""
        return sorted(codes.subject("address", one) for one in self.addresses)

    def ranges(self, codes: CodeRing) -> list[bytes]:
        """Return under what the ranges of the phone numbers are counted."""
        return sorted({codes.subject("range", range_of(one)) for one in self.numbers})

    def countries(self) -> list[str]:
        """Return the countries of the phone numbers; an empty one for those of no country."""
        return sorted({country_of(one) for one in self.numbers})


def stand_in(request: NotificationRequest, known: References) -> NotificationRequest:
    """Return a request as it is, or to nobody when it names somebody who is not there."""
    whom = request.recipient
    if isinstance(whom, str):
        there = whom in {encode("prf", one) for one in known.profile_ids}
    else:
        there = whom.external_id is None or whom.external_id in known.external_ids
    return request if there else request.model_copy(update={"recipient": NOBODY})


def usable(recipient: Recipient, channels: Sequence[Channel]) -> list[Channel]:
    """Return the channels on which a recipient has an address."""
    return [channel for channel in channels if recipient.addresses(channel)]


async def find_addressee(
    conn: AsyncConnection,
    codes: CodeRing,
    actor: Actor,
    *,
    named: InlineRecipient | str,
    profile_id: UUID | None,
    channels: Sequence[Channel],
) -> Addressee:
    """Return whom a code is for on these channels.

    `named` is what the request calls them, `profile_id` whose profile that is. The same is asked
    of the database whether or not there is one.
    """
    if not isinstance(named, str) and named.external_id is None:
        return _addressee(None, Recipient.inline(named.model_dump()), channels)
    whom = encode("prf", profile_id) if profile_id else _called(named)
    name = codes.subject("recipient", str(actor.module_id), whom)
    return await of_profile(conn, name, profile_id, channels)


async def of_profile(
    conn: AsyncConnection, name: bytes, profile_id: UUID | None, channels: Sequence[Channel]
) -> Addressee:
    """Return the addressee of a name and its profile, as it is now."""
    loaded = await profiles.load_recipients(conn, [profile_id or new_id()])
    if profile_id is None or profile_id not in loaded:
        # Addresses of its own, so that as much is counted as for somebody who is there.
        return Addressee(name, False, frozenset({name.hex()}), frozenset({str(NOBODY.phone)}))
    return _addressee(name, loaded[profile_id], channels)


def of_addresses(given: Mapping[str, Any], channels: Sequence[Channel]) -> Addressee:
    """Return the addressee of addresses that a request gave."""
    return _addressee(None, Recipient.inline(given), channels)


def _addressee(name: bytes | None, recipient: Recipient, channels: Sequence[Channel]) -> Addressee:
    by_channel = {channel: recipient.addresses(channel, CategoryClass.OTP) for channel in channels}
    return Addressee(
        name,
        True,
        frozenset(
            f"{'' if channel in _SELF_EVIDENT else channel}:{address.lower()}"
            for channel, listed in by_channel.items()
            for address in listed
        ),
        frozenset(address for channel in _BY_NUMBER for address in by_channel.get(channel, ())),
    )


_SELF_EVIDENT: Final = frozenset({Channel.EMAIL, *_BY_NUMBER})
"""Channels whose addresses are the same person's on another of them."""


def _called(named: InlineRecipient | str) -> str:
    return named if isinstance(named, str) else f"external {named.external_id}"
