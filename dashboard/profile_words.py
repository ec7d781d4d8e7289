"""What pages say of a profile: what it is called, where it is reached, who may see it whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.masking import mask
from services.access import Session

ADDRESSES: Final = ("email", "phone", "whatsapp", "telegram")
LABELS: Final = {
    "email": "E-mail", "phone": "Phone", "whatsapp": "WhatsApp", "telegram": "Telegram",
    "external_id": "External id", "name": "Name", "locale": "Language", "timezone": "Time zone",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a profile as it is shown, and which it is."""

    word: str
    shown: str


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
        Address(LABELS[name], it[name] if whole else mask(it[name]))
        for name in ADDRESSES
        if it[name]
    ]


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
    return [one for one in (it["id"], *(it[name] for name in ADDRESSES), *devices) if one]
