"""Trial mode: a new module reaches only its safelist, or has all sent to an address of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from domain.suppression import comparable
from domain.vocabulary import Channel

TRIAL_MODE: Final = "trial_mode"
"""The reason of a delivery that was kept back because its module is on trial."""


class ModuleMode(StrEnum):
    """Whether a module reaches everybody, or is still on trial."""

    TRIAL = "trial"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Trial:
    """Whom a module on trial may reach; addresses are compared as suppressions are."""

    safelist: frozenset[str]
    redirect_to: Mapping[str, str] = field(default_factory=dict)
    """Where messages to others go instead, by channel; nowhere where it names none."""

    def route(self, channel: Channel, address: str) -> str | None:
        """Return the address that may be used for one that was asked for, None for none."""
        if comparable(channel, address) in self.safelist:
            return address
        return self.redirect_to.get(channel)
