"""The sandbox: accepts every message of every channel and keeps it for people to look at."""

from typing import Final

from domain.message import ContentMessage, Message
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind
from vendors.contract import Keep, Parts, VendorKind, VendorSettings


class Settings(VendorSettings):
    """A sandbox has nothing to set."""


class Sandbox:
    """An account whose messages go no further than the outbox."""

    takes_fields = True
    default_from = ""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    async def send(self, message: Message, *, deadline: float) -> Outcome:  # noqa: ARG002
        """Keep the message; errors of the keeping pass through, as it then may be kept or not."""
        if not isinstance(message, ContentMessage):
            raise TypeError("the sandbox takes rendered content, not assembled mail")
        await self._keep(message)
        return Outcome(OutcomeKind.ACCEPTED, vendor_id=f"sandbox-{message.attempt_id}")

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def open_account(settings: Settings, parts: Parts) -> Sandbox:  # noqa: ARG001
    """Return a sandbox that keeps where the composition root wants it."""
    return Sandbox(parts.keep)


KIND: Final = VendorKind(
    name="sandbox",
    title="Sandbox",
    channels=frozenset(Channel),
    settings=Settings,
    open_account=open_account,
)
