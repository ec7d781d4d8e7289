"""What the shared suite must know of a vendor: how to reach its fake, and where it differs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from domain.message import ContentMessage
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour, FakeVendor, Forgery

Expected = tuple[OutcomeKind, Scope, str]

_REJECTED, _UNKNOWN = OutcomeKind.REJECTED, OutcomeKind.UNKNOWN
_TRANSIENT, _ACCOUNT, _MESSAGE = OutcomeKind.TRANSIENT, Scope.ACCOUNT, Scope.MESSAGE

USUAL: Final[Mapping[Behaviour, Expected]] = {
    Behaviour.ACCEPT: (OutcomeKind.ACCEPTED, _MESSAGE, ""),
    Behaviour.REJECT_RECIPIENT: (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    Behaviour.REJECT_MESSAGE: (_REJECTED, _MESSAGE, "invalid_payload"),
    Behaviour.REJECT_ACCOUNT: (_REJECTED, _ACCOUNT, "suspended"),
    Behaviour.THROTTLE: (OutcomeKind.THROTTLED, _ACCOUNT, "rate_account"),
    Behaviour.FAIL: (_UNKNOWN, _MESSAGE, "vendor_error_after_body"),
    Behaviour.BAD_GATEWAY: (_UNKNOWN, _MESSAGE, "vendor_error_after_body"),
    Behaviour.UNAVAILABLE: (_TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    Behaviour.HANG: (_UNKNOWN, _MESSAGE, "timeout_after_body"),
    Behaviour.DROP_BEFORE_BODY: (_UNKNOWN, _MESSAGE, "connection_lost_after_body"),
    Behaviour.DROP_AFTER_BODY: (_UNKNOWN, _MESSAGE, "connection_lost_after_body"),
    Behaviour.GARBAGE: (_UNKNOWN, _MESSAGE, "malformed_response"),
    Behaviour.WRONG_TYPE: (_UNKNOWN, _MESSAGE, "malformed_response"),
    Behaviour.TRUNCATED: (_UNKNOWN, _MESSAGE, "connection_lost_after_body"),
    Behaviour.HUGE: (_UNKNOWN, _MESSAGE, "malformed_response"),
}
"""A small body has left before a server can close: nobody knows that it was not read."""


@dataclass(frozen=True)
class Told:
    """What an event in the vendor's words must be heard as; `hard` failures suppress."""

    kind: ReceiptKind | None
    hard: bool = False
    unsubscribes: bool = False


@dataclass(frozen=True)
class Case:
    """One vendor on one channel."""

    vendor: str
    channel: Channel
    fake: Callable[[], FakeVendor]
    settings: Mapping[str, Any]
    """Of a working account, but base_url; `{base_url}` in them is where the fake is."""
    wrong: Mapping[str, Any]
    """Settings that make the sign-in fail."""
    address: str
    """Whom to send to; `{base_url}` in it is where the fake is."""
    content: Mapping[str, Any]
    expects: Mapping[Behaviour, Expected] = field(default_factory=dict)
    """Where the vendor differs from USUAL."""
    wrong_is: Expected = (_REJECTED, _ACCOUNT, "auth_failed")
    events: Mapping[str, Told] = field(default_factory=dict)
    """Its webhook events; none for a vendor without receipts."""
    forgeries: tuple[Forgery, ...] = (
        Forgery.UNSIGNED, Forgery.WRONG_KEY, Forgery.CHANGED_BODY,
    )  # fmt: skip
    target: Mapping[str, Any] = field(default_factory=dict)
    too_long: Mapping[str, Any] | None = None
    """Content over the vendor's limit, to be refused before anything is sent."""

    server: Callable[..., Any] = FakeHttp
    """What serves the fake: FakeHttp2 for a vendor that speaks HTTP/2 only, a mail server."""

    @property
    def id(self) -> str:
        """Its name in the suite."""
        return f"{self.vendor}-{self.channel}"

    def expected(self, behaviour: Behaviour) -> Expected:
        """Return how a behaviour must be judged."""
        return self.expects.get(behaviour, USUAL[behaviour])

    def account(self, base_url: str, **given: Any) -> dict[str, Any]:
        """Return the settings of an account whose vendor is at `base_url`."""
        filled = {
            name: value.replace("{base_url}", base_url) if isinstance(value, str) else value
            for name, value in self.settings.items()
        }
        return {"base_url": base_url, **filled, **given}

    def at(self, base_url: str) -> "Case":
        """Return the case with the place of its vendor in its address."""
        return replace(self, address=self.address.replace("{base_url}", base_url))

    def message(self, **given: Any) -> Any:
        """Return a message to its recipient, of the kind that the vendor takes."""
        attempt = given.pop("attempt_id", "att_00000000000000000000000001")
        usual: dict[str, Any] = {
            "attempt_id": attempt,
            "notification_id": "ntf_00000000000000000000000001",
            "channel": self.channel,
            "address": self.address,
            "content": self.content,
            "name": "Sample Recipient",
            "target": self.target,
            "callback_url": f"https://tocsin.example.com/v1/receipts/acc_1?attempt={attempt}",
        }
        return ContentMessage(**{**usual, **given})

    def messages(self, count: int) -> list[Any]:
        """Return messages of different attempts; mail goes to as many addresses, since vendors
        tell the mails of one call apart by them.
        """
        mail = self.channel is Channel.EMAIL
        return [
            self.message(
                attempt_id=f"att_{n:026}", address=f"{n}.{self.address}" if mail else self.address
            )
            for n in range(count)
        ]
