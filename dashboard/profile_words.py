"""What pages say of a profile: what it is called, where it is reached, who may see it whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.addresses import PLAIN
from domain.masking import mask
from services.access import Session

LABELS: Final = {
    "email": "E-mail", "phone": "Phone", "whatsapp": "WhatsApp", "telegram": "Telegram",
    "external_id": "External id", "name": "Name", "locale": "Language", "timezone": "Time zone",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a profile as it is shown: which it is, and what is known of it."""

    word: str
    shown: str
    known: tuple[str, ...] = ()


def may_write(session: Session) -> bool:
    """Whether the user keeps profiles, and so sees their addresses whole."""
    return session.actor.may("profiles:write")


def title(it: Mapping[str, Any], session: Session) -> str:
    """Return what a profile is called: its name, else how clients know it, else an address."""
    given = it["name"] or it["external_id"]
    first = next((one.shown for one in addresses(it, session)), None)
    return str(given or first or it["id"])


def addresses(it: Mapping[str, Any], session: Session) -> list[Address]:
    """Return the addresses that a profile has, masked for whoever does not keep profiles."""
    whole = may_write(session)
    return [
        Address(
            LABELS[PLAIN[one["channel"]]],
            one["address"] if whole else mask(one["address"]),
            _known(one),
        )
        for one in it["addresses"]
    ]


def _known(one: Mapping[str, Any]) -> tuple[str, ...]:
    told = (one["label"], "verified" if one["verified"] else None)
    beside = () if one["primary"] else ("beside the primary one",)
    return (*(word for word in told if word), *beside)


def channels(it: Mapping[str, Any]) -> list[str]:
    """Return the channels on which a profile has an address of its own."""
    by = {"email": ["email"], "phone": ["sms"], "whatsapp": ["whatsapp"], "telegram": ["telegram"]}
    named = [channel for name, reached in by.items() if it[name] for channel in reached]
    return [*named, *dict.fromkeys(device["channel"] for device in it["devices"])]


def keys(it: Mapping[str, Any]) -> list[str]:
    """Return all that notifications and suppressions may name a profile by."""
    devices = [
        one["token"] or (one["subscription"] or {}).get("endpoint", "") for one in it["devices"]
    ]
    addresses = dict.fromkeys(one["address"] for one in it["addresses"])
    return [one for one in (it["id"], *addresses, *devices) if one]
