"""The closed sets of words that the API, the code, the database and the pages share."""

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """A way to reach a recipient."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WEBPUSH = "webpush"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    INAPP = "inapp"


class Priority(StrEnum):
    """How urgent a notification is; each one has a lane of its own."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class CategoryClass(StrEnum):
    """What kind of message a category holds; retries and the policy for `unknown` go by it."""

    OTP = "otp"
    TRANSACTIONAL = "transactional"
    BULK = "bulk"
    MARKETING = "marketing"


RESENT_WHEN_UNKNOWN: Final = frozenset({CategoryClass.OTP, CategoryClass.TRANSACTIONAL})
"""Classes sent at least once; the others are sent at most once (design: the promise)."""


class ChannelPolicy(StrEnum):
    """Which of the possible channels are used."""

    FIRST_SUCCESS = "first_success"
    ALL = "all"
    PREFERRED = "preferred"


class State(StrEnum):
    """Where a delivery stands; a notification's state is folded from its deliveries."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


WAITING: Final = (State.ACCEPTED, State.SCHEDULED, State.HELD, State.SENDING)
"""Unfinished states: together the `waiting` of the balance."""

SENT_STATES: Final = (State.SENT, State.DELIVERED, State.READ)
"""States that the balance counts as `sent`; receipts split them further."""

FINAL_PRECEDENCE: Final = (
    State.READ,
    State.DELIVERED,
    State.SENT,
    State.UNKNOWN,
    State.FAILED,
    State.EXPIRED,
    State.SUPPRESSED,
    State.CANCELLED,
)
"""The first of these that any delivery has is the state of a finished notification."""


class ReceiptKind(StrEnum):
    """What a vendor says of an attempt afterwards; `sent` only proves that it has the message."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    READ = "read"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"


class OutcomeKind(StrEnum):
    """How one attempt at one vendor account ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


class Scope(StrEnum):
    """What an outcome is true of: this recipient, this message or the whole account."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    ACCOUNT = "account"


class TemplateState(StrEnum):
    """Life of a template version."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Role(StrEnum):
    """What a user of the dashboard may do."""

    ADMINISTRATOR = "administrator"
    APPROVER = "approver"
    AUTHOR = "author"
    OPERATOR = "operator"
    VIEWER = "viewer"


class ModuleScope(StrEnum):
    """Whom a suppression or a rule binds: the module that made it, or every module."""

    MODULE = "module"
    ALL = "all"
