"""What a pass over the ledger carries in memory: leased rows, marks and settlements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.digests import Collecting, Window
from domain.one_time_codes import Seed
from domain.outcome import Outcome
from domain.tracking import NO_TRACKING, Tracking
from domain.vocabulary import CategoryClass, Channel, State

Record = Sequence[Mapping[str, str]]
"""The rules that decided about a delivery: {rule, effect, detail}."""


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A notification whose deliveries are to be planned now."""

    id: UUID
    module_id: UUID
    category: str
    class_: CategoryClass
    priority: str
    channels: tuple[Channel, ...]
    channel_policy: str
    profile_id: UUID | None
    recipient: Mapping[str, Any]
    used: Mapping[Channel, frozenset[str]]
    """Channels that have a delivery already, each with its addresses: a fallback goes on."""
    expires_at: datetime
    ordered: bool = True
    """Whether the client chose the order of the channels; else it is the recipient's."""
    heeded: tuple[UUID, ...] = ()
    """The profiles whose addresses were given, without naming them."""
    window: Window | None = None
    """What the request or its template wants it collected into."""
    uncollected: frozenset[Channel] = frozenset()
    """Channels on which its words cannot be one of several."""
    expiry_asked: bool = True
    """Whether the client said when it expires; else it lives as long as its class."""

    @property
    def choosers(self) -> tuple[UUID, ...]:
        """The profiles whose preferences decide."""
        return (self.profile_id,) if self.profile_id else self.heeded


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery to be written: one message to one address on one channel."""

    id: UUID
    notification: Unplanned
    channel: Channel
    address: str
    state: State = State.ACCEPTED
    reason: str = ""
    target: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    """When it may be sent, for one that is held."""
    decision: Record | None = None
    collecting: Collecting | None = None
    digest_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that this pass alone may send until the lease ends."""

    id: UUID
    notification_id: UUID
    module_id: UUID
    channel: Channel
    address: str
    target: Mapping[str, Any]
    category: str
    class_: CategoryClass
    priority: str
    attempts: int
    rounds: int
    """How often it was held to be tried again; several accounts may be tried in one round."""
    maybe_sent: bool
    expires_at: datetime
    template: tuple[UUID, int] | None
    content: Mapping[str, Any] | None
    data: Mapping[str, Any]
    name: str | None
    locale: str | None
    profile_id: UUID | None = None
    otp: Seed | None = None
    """What the code is computed from that its words show; None where they show none of ours."""
    timezone: str | None = None
    """The recipient's IANA zone, in which times are written."""
    mandatory: bool = False
    """Whether its category cannot be refused."""
    heeded: tuple[UUID, ...] = ()
    """The profiles whose addresses were given, without naming them."""
    digest_id: UUID | None = None
    """The digest that it goes out with."""
    sender: Mapping[str, str] | None = None
    """From whom mails come, {from?, reply_to?}, where its campaign says so."""
    counts_as: UUID | None = None
    """The notification as which its digest counts for caps."""
    tracking: Tracking = NO_TRACKING
    """What is seen of it, if it is a mail."""

    @property
    def choosers(self) -> tuple[UUID, ...]:
        """The profiles whose preferences decide."""
        return (self.profile_id,) if self.profile_id else self.heeded


@dataclass(frozen=True, slots=True)
class Mark:
    """The intent to hand a delivery to an account, written just before bytes leave."""

    delivery_id: UUID
    attempt_id: UUID
    account_id: UUID
    vendor: str
    route: Sequence[Mapping[str, str]] = ()
    """Which accounts were passed over, and why."""
    decision: Record | None = None
    """Which rules let it pass; None leaves what is known already."""
    carried_by: UUID | None = None
    """The attempt of the one message that carries this and others; None for one of its own."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt changes its delivery; `attempt_id` None settles one that was never marked.

    With `goes_on` the delivery is held, due now, and its lease stays: another account is tried
    at once.
    """

    delivery_id: UUID
    attempt_id: UUID | None
    state: State
    reason: str
    due_at: datetime | None
    maybe_sent: bool
    outcome: Outcome | None = None
    goes_on: bool = False
    round: bool = False
    """Whether a round is over: the next try comes by the schedule of its class."""
    route: Sequence[Mapping[str, str]] = ()
    """Why nothing could be sent, for a settlement without an attempt."""
    decision: Record | None = None
    """Which rules stopped it; None leaves what is known already."""
    seen: tuple[tuple[UUID, int], ...] = ()
    """The profiles whose preferences hold it, each with their version."""
