"""The addresses of a profile: on each channel one primary, and others beside it.

The primary one is the plain field (`email`, `phone`, `whatsapp`, `telegram`) and is written nowhere
else. `profiles.addresses` keeps the others, and of a primary one only what its field cannot say:

    {channel, address, key, verified, label}     another address; `key` is how it is compared
    {channel, primary: true, verified, label}    what is known of the one in the plain field

A channel that has any address has a primary one: where none is named, the first verified becomes
it, else the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.suppression import comparable
from domain.vocabulary import CategoryClass, Channel

PLAIN: Final[Mapping[Channel, str]] = {
    Channel.EMAIL: "email",
    Channel.SMS: "phone",
    Channel.WHATSAPP: "whatsapp",
    Channel.TELEGRAM: "telegram",
}
"""The field of the primary address, by channel."""

TRUSTING: Final = frozenset({CategoryClass.TRANSACTIONAL})
"""Classes that go to addresses of which nobody knows whose they are, beside verified ones."""

Stored = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a profile can be reached; `verified` is what the module knows."""

    channel: Channel
    address: str
    verified: bool = False
    label: str | None = None
    primary: bool = False

    @property
    def key(self) -> tuple[Channel, str]:
        """What makes it the same address as another."""
        return self.channel, comparable(self.channel, self.address)

    def body(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "channel": self.channel.value, "address": self.address, "verified": self.verified,
            "label": self.label, "primary": self.primary,
        }  # fmt: skip


def listed(plain: Mapping[str, Any], stored: Sequence[Mapping[str, Any]]) -> list[Address]:
    """Return all addresses of a profile: on each channel the primary one first, then as given."""
    facts = {one["channel"]: one for one in stored if one.get("primary")}
    found: list[Address] = []
    for channel, field in PLAIN.items():
        if plain.get(field):
            known = facts.get(channel.value, {})
            found.append(
                Address(
                    channel, plain[field], bool(known.get("verified")), known.get("label"), True
                )
            )
        found += [
            Address(channel, one["address"], one["verified"], one["label"])
            for one in stored
            if one["channel"] == channel and not one.get("primary")
        ]
    return found


def merged(
    before: Sequence[Address], plain: Mapping[str, str | None], given: Sequence[Address] | None
) -> tuple[dict[str, str | None], Stored]:
    """Return the plain fields and what is stored beside them after a change.

    `plain` has the fields that were named, `given` all other addresses where they were; a plain
    field that was not named stays the primary one, unless another is given as that.
    """
    fields: dict[str, str | None] = {}
    stored: Stored = []
    for channel, field in PLAIN.items():
        now = [one for one in before if one.channel is channel]
        wanted = now if given is None else [one for one in given if one.channel is channel]
        first = _primary(channel, now, wanted, plain, field)
        if first is not None and first.key not in [one.key for one in wanted]:
            wanted = [first, *wanted]
        if field in plain:
            # The former primary one goes with its field, unless it was given anew.
            gone = {one.key for one in now if one.primary and given is None}
            wanted = [one for one in wanted if one.key not in gone or _same(one, first)]
            first = first or _best(wanted)
        elif first is None:
            first = _best(wanted)
        fields[field] = first.address if first else None
        stored += _kept(first, wanted)
    return fields, stored


def candidates(addresses: Iterable[Address], class_: CategoryClass) -> list[Address]:
    """Return the addresses of one channel that messages of a class may use, best first.

    The primary one, then those that are verified, then the others. One-time passwords, bulk and
    marketing go to verified ones; where none is verified, to the primary one alone.
    """
    ordered = sorted(addresses, key=lambda one: (not one.primary, not one.verified))
    if class_ in TRUSTING:
        return ordered
    return [one for one in ordered if one.verified] or ordered[:1]


def _primary(
    channel: Channel,
    now: Sequence[Address],
    wanted: Sequence[Address],
    plain: Mapping[str, str | None],
    field: str,
) -> Address | None:
    """Return the address that was named or stays the primary one, with what is known of it."""
    if field in plain:
        named = plain[field]
        return _known(Address(channel, named), (*wanted, *now)) if named else None
    chosen = next((one for one in wanted if one.primary), None)
    present = next((one for one in now if one.primary), None)
    return chosen or (_known(present, wanted) if present else None)


def _known(address: Address, others: Iterable[Address]) -> Address:
    """Return an address with what the first of others that is the same says of it."""
    same = next((one for one in others if one.key == address.key), address)
    return replace(same, address=address.address)


def _best(addresses: Sequence[Address]) -> Address | None:
    return min(addresses, key=lambda one: not one.verified, default=None)


def _same(one: Address, other: Address | None) -> bool:
    return other is not None and one.key == other.key


def _kept(first: Address | None, wanted: Iterable[Address]) -> Stored:
    found: Stored = []
    if first is not None and (first.verified or first.label):
        found.append(
            {
                "channel": first.channel.value, "primary": True, "verified": first.verified,
                "label": first.label,
            }
        )  # fmt: skip
    seen = {first.key} if first else set()
    for one in wanted:
        if one.key not in seen:
            seen.add(one.key)
            found.append(
                {
                    "channel": one.channel.value, "address": one.address, "key": one.key[1],
                    "verified": one.verified, "label": one.label,
                }
            )  # fmt: skip
    return found
