"""Whom a notification is for: the addresses it may use, channel by channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.addresses import Address, candidates
from domain.device_tokens import platform_of
from domain.vocabulary import CategoryClass, Channel


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
    listed: tuple[Address, ...] = ()
    """All addresses of a profile; empty for given ones, of which there is one a channel."""

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

    def choices(self, channel: Channel, class_: CategoryClass) -> list[tuple[str, ...]]:
        """Return for each message to be sent on a channel the addresses it may go to, best first.

        Every device gets one of its own; mail and the like go to one of several addresses.
        """
        several = [one for one in self.listed if one.channel is channel]
        if not several and channel is Channel.WHATSAPP:
            several = [one for one in self.listed if one.channel is Channel.SMS]
        if not several:
            return [(one,) for one in self._single(channel)]
        return [tuple(one.address for one in candidates(several, class_))]

    def addresses(
        self, channel: Channel, class_: CategoryClass = CategoryClass.TRANSACTIONAL
    ) -> tuple[str, ...]:
        """Return the addresses on a channel that messages of a class may use; none means that it
        cannot be used.
        """
        return tuple(one for several in self.choices(channel, class_) for one in several)

    def _single(self, channel: Channel) -> tuple[str, ...]:
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
