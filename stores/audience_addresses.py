"""Whether a recipient `m` of a staged set can be reached on channels, as SQL conditions.

$1 is the module, $2 the category (NULL: only what holds for all categories). The rules are those
that hold when a delivery is marked (stores/ledger/mark.py); which of several addresses may be used
is domain.addresses.candidates, said in SQL.
"""

# ruff: noqa: S608 - only constants are put together

from collections.abc import Sequence
from typing import Final

from domain.addresses import TRUSTING
from domain.decision import INACTIVE, NO_ADDRESS
from domain.vocabulary import Channel
from stores.suppressions import comparable

_ADDRESSES: Final = {
    Channel.EMAIL: "m.email",
    Channel.SMS: "m.phone",
    Channel.WHATSAPP: "coalesce(m.whatsapp, m.phone)",
    Channel.TELEGRAM: "m.telegram",
    Channel.INAPP: "m.profile_id::text",
}


_ENTRIES: Final = "jsonb_array_elements(m.addresses) a(one)"
_VERIFIED: Final = "CAST(a.one->>'verified' AS boolean)"
_TRUSTED: Final = ", ".join("'" + one + "'" for one in sorted(TRUSTING))
_CLASS: Final = "(SELECT c.class FROM categories c WHERE c.key = $2::text)"
_STRICT: Final = f"coalesce({_CLASS} NOT IN ({_TRUSTED}), false)"


def reachable(channels: Sequence[str]) -> str:
    """Return the condition that the recipient is active, and that some channel has an address that
    is not suppressed.
    """
    return f"m.active AND ({' OR '.join(f'({_reached(Channel(one))})' for one in channels)})"


def reason(channels: Sequence[str]) -> str:
    """Return why nothing reaches a recipient: the reason of the first channel that has one."""
    reasons = (
        f"(SELECT min(x.reason) {_suppressions(Channel(one), _all(Channel(one)))})"
        for one in channels
    )
    usual = f"coalesce({', '.join(reasons)}, '{NO_ADDRESS}')"
    return f"CASE WHEN m.active THEN {usual} ELSE '{INACTIVE}' END"


def _reached(channel: Channel) -> str:
    address = _ADDRESSES.get(channel)
    if address is None:
        suppressed = _suppressions(channel, f"= {_kept(channel, 'd.address')}")
        free = f"NOT EXISTS (SELECT 1 {suppressed})"
        return f"EXISTS (SELECT 1 FROM profile_devices d WHERE {_owned(channel)} AND {free})"
    suppressed = _suppressions(channel, f"= {_kept(channel, address)}")
    first = f"{address} IS NOT NULL AND NOT EXISTS (SELECT 1 {suppressed})"
    suppressed = _suppressions(channel, "= a.one->>'key'")
    other = (
        f"SELECT 1 {_others(channel)} AND (NOT ({_STRICT}) OR {_VERIFIED})"
        f" AND NOT EXISTS (SELECT 1 {suppressed})"
    )
    return (
        f"CASE WHEN m.addresses = '[]' THEN {first} ELSE ({first} AND ({_may_use(channel)}))"
        f" OR EXISTS ({other}) END"
    )


def _all(channel: Channel) -> str:
    address = _ADDRESSES.get(channel)
    if address is None:
        kept = _kept(channel, "d.address")
        return f"IN (SELECT {kept} FROM profile_devices d WHERE {_owned(channel)})"
    others = f"SELECT a.one->>'key' {_others(channel)}"
    return f"IN (SELECT {_kept(channel, address)} UNION ALL {others})"


def _others(channel: Channel) -> str:
    """Return the addresses beside the primary one; a phone number stands for WhatsApp as well,
    where there is nothing of its own.
    """
    return f"FROM {_ENTRIES} WHERE {_of(channel)} AND a.one ? 'address'"


def _may_use(channel: Channel) -> str:
    """Return the condition that the primary address may be used: it is verified, or none is."""
    verified = f"SELECT 1 FROM {_ENTRIES} WHERE {_of(channel)} AND {_VERIFIED}"
    return (
        f"NOT ({_STRICT}) OR EXISTS ({verified} AND a.one ? 'primary') OR NOT EXISTS ({verified})"
    )


def _of(channel: Channel) -> str:
    if channel is not Channel.WHATSAPP:
        return f"a.one->>'channel' = '{channel}'"
    return (
        f"a.one->>'channel' = CASE WHEN m.whatsapp IS NULL THEN '{Channel.SMS}'"
        f" ELSE '{channel}' END"
    )


def _kept(channel: Channel, address: str) -> str:
    """Return an address in the form in which suppressions keep it."""
    return comparable(f"'{channel}'", address)


def _owned(channel: Channel) -> str:
    return f"d.profile_id = m.profile_id AND d.channel = '{channel}'"


def _suppressions(channel: Channel, compared: str) -> str:
    return (
        f"FROM suppressions x WHERE x.channel = '{channel}' AND x.address {compared}"
        " AND (x.module_id IS NULL OR x.module_id = $1)"
        " AND (x.category IS NULL OR x.category = $2::text)"
        " AND (x.expires_at IS NULL OR x.expires_at > clock_timestamp())"
    )
