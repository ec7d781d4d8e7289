"""What Mandrill's reasons of a rejection mean, in answers and in events alike.

https://mailchimp.com/developer/transactional/docs/reputation-rejections/
"""

from collections.abc import Mapping
from typing import Final

from domain.vocabulary import OutcomeKind, Scope

_REJECTED: Final = OutcomeKind.REJECTED

REJECTIONS: Final[Mapping[str, tuple[OutcomeKind, Scope, str]]] = {
    "hard-bounce": (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    "soft-bounce": (_REJECTED, Scope.RECIPIENT, "unreachable"),
    "spam": (_REJECTED, Scope.RECIPIENT, "opted_out"),
    "unsub": (_REJECTED, Scope.RECIPIENT, "opted_out"),
    "custom": (_REJECTED, Scope.RECIPIENT, "suppressed"),
    "invalid": (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    "rule": (_REJECTED, Scope.MESSAGE, "content_filtered"),
    "unsigned": (_REJECTED, Scope.ACCOUNT, "sender_not_registered"),
    "invalid-sender": (_REJECTED, Scope.ACCOUNT, "sender_not_registered"),
    "test-mode-limit": (_REJECTED, Scope.ACCOUNT, "quota_exhausted"),
}
"""reject_reason → outcome. The first five are entries of the account's own denylist."""

UNLISTED: Final = (_REJECTED, Scope.MESSAGE, "invalid_payload")
"""What a reason of tomorrow means: this mail stops, and nobody is suppressed."""
