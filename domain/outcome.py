"""What one attempt at a vendor account came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.vocabulary import OutcomeKind, Scope


@dataclass(frozen=True, slots=True)
class Outcome:
    """The normalised answer of a vendor; vendors return it, they raise only on our own bugs.

    `reason` is one of the closed list in docs/vendors.md; `retry_after` is in seconds;
    `vendor_code` and `detail` are the vendor's own words, kept for the operator;
    `phase` names the step in which a connection was lost, for transient and unknown outcomes.
    An accepted outcome has a reason, and the scope account, only where the vendor has the message
    and holds it back for what ails the account.
    """

    kind: OutcomeKind
    reason: str = ""
    scope: Scope = Scope.MESSAGE
    retry_after: float | None = None
    vendor_code: str = ""
    vendor_id: str = ""
    phase: str = ""
    detail: str = ""

    @property
    def maybe_sent(self) -> bool:
        """Whether the vendor has or may have the message."""
        return self.kind in (OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN)

    def record(self) -> dict[str, Any]:
        """Return it as it is kept with the attempt: what it does not say is left out."""
        told = {name: getattr(self, name) for name in _SILENT}
        return {"kind": self.kind, "scope": self.scope} | {
            name: value for name, value in told.items() if value not in ("", None)
        }


_SILENT: Final[Mapping[str, Any]] = {
    "reason": "", "retry_after": None, "vendor_code": "", "vendor_id": "", "phase": "",
    "detail": "",
}  # fmt: skip


def read_record(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a kept outcome with all its fields."""
    return None if record is None else {**_SILENT, **record}
