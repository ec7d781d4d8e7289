"""Whether it is seen that a mail is opened and its links are followed, and who is never watched."""

from dataclasses import dataclass
from typing import Final

from domain.vocabulary import CategoryClass


@dataclass(frozen=True, slots=True)
class Tracking:
    """What is seen of the mails of a category."""

    opens: bool = False
    clicks: bool = False

    @property
    def is_on(self) -> bool:
        """Whether anything is seen."""
        return self.opens or self.clicks


NO_TRACKING: Final = Tracking()


def tracking_of(
    class_: CategoryClass, *, mandatory: bool, opens: bool, clicks: bool, refused: bool
) -> Tracking:
    """Return what is seen of a message: what its category says, unless its recipient refuses."""
    if refused or not may_track(class_, mandatory=mandatory):
        return NO_TRACKING
    return Tracking(opens, clicks)


def may_track(class_: CategoryClass, *, mandatory: bool) -> bool:
    """Whether mails of a category may be tracked: never one-time passwords, and never what cannot
    be refused, such as links that set a password anew.
    """
    return class_ is not CategoryClass.OTP and not mandatory
