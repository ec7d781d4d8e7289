"""Whom a notification is for: the addresses it may use, channel by channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.device_tokens import platform_of
from domain.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient and the addresses as they are when the deliveries are planned."""

    profile_id: UUID | None = None
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    telegram: str | None = None
    whatsapp: str | None = None
    push: tuple[str, ...] = ()
    webpush: tuple[str, ...] = ()
    locale: str | None = None
    timezone: str | None = None
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is known of devices, by address: {platform} of phones, {keys} of browsers."""

    @classmethod
    def inline(cls, given: Mapping[str, Any]) -> "Recipient":
        """Return the recipient of a request that names addresses; `push` holds tokens, and tokens
        with their platform.
        """
        devices = [
            {"token": one} if isinstance(one, str) else one for one in given.get("push") or ()
        ]
        return cls(
            name=given.get("name"),
            email=given.get("email"),
            phone=given.get("phone"),
            telegram=given.get("telegram"),
            whatsapp=given.get("whatsapp"),
            push=tuple(dict.fromkeys(one["token"] for one in devices)),
            locale=given.get("locale"),
            timezone=given.get("timezone"),
            targets={
                one["token"]: {"platform": one["platform"]}
                for one in devices
                if one.get("platform")
            },
        )

    def addresses(self, channel: Channel) -> tuple[str, ...]:
        """Return the usable addresses on a channel; none means that it cannot be used."""
        match channel:
            case Channel.EMAIL:
                return _one(self.email)
            case Channel.SMS:
                return _one(self.phone)
            case Channel.WHATSAPP:
                return _one(self.whatsapp or self.phone)
            case Channel.TELEGRAM:
                return _one(self.telegram)
            case Channel.PUSH:
                return self.push
            case Channel.WEBPUSH:
                return self.webpush
            case Channel.INAPP:
                return _one(str(self.profile_id) if self.profile_id else None)

    def target(self, channel: Channel, address: str) -> dict[str, Any]:
        """Return what an address alone does not tell: the platform of a phone, a browser's keys."""
        known = self.targets.get(address, {})
        if channel is Channel.PUSH:
            return {"platform": known.get("platform") or platform_of(address)}
        if channel is Channel.WEBPUSH and known.get("keys"):
            return {"keys": known["keys"]}
        return {}


def _one(address: str | None) -> tuple[str, ...]:
    return (address,) if address else ()
