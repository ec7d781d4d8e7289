"""What of an occasion shapes a message, besides its words."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Occasion:
    """To whom, from whom and where to unsubscribe; all of it may be unknown.

    `locale` is the recipient's. `default_from` is the sender of mail that names none.
    `unsubscribe_url` is opaque, signed and of this recipient alone (RFC 8058 §3.1).
    """

    locale: str | None = None
    default_from: str = ""
    unsubscribe_url: str | None = None


NO_OCCASION: Final = Occasion()
"""Words looked at by themselves."""
