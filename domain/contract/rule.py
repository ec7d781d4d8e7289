"""What an administrator sends to keep business rules; each kind has settings of its own."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from domain.contract.base import Json, Line, Request, WrongField
from domain.contract.notification import Key, check_email, check_timezone
from domain.rules import RuleKind
from domain.rules_content import folded
from domain.rules_hours import RECIPIENT
from domain.vocabulary import Channel, ModuleScope, Priority


def _timezone(value: str) -> str:
    return value if value == RECIPIENT else check_timezone(value)


def _sender(value: str) -> str:
    host = value.rpartition("@")[2]
    check_email(value if "@" in value else f"postmaster@{host}")
    return value.lower()


def _word(value: str) -> str:
    if not folded(value):
        raise ValueError("is empty")
    return value


def no_template(value: str) -> str:
    """Return words that stand as they are; raises ValueError for a template."""
    if "{{" in value or "{%" in value or "{#" in value:
        raise ValueError("is no template; write it as recipients read it")
    return value


Clock = Annotated[Line, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class HoursSettings(Request):
    """Messages go out between `start` and `end` (HH:MM); outside they are held until it opens."""

    start: Clock
    end: Clock
    timezone: Annotated[Line, AfterValidator(_timezone)] = RECIPIENT
    days: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(max_length=7)] | None = None

    @model_validator(mode="after")
    def _some_time(self) -> "HoursSettings":
        if time.fromisoformat(self.start) == time.fromisoformat(self.end):
            raise WrongField("end", "must differ from start")
        return self


class AudienceSettings(Request):
    """The most recipients of one call or campaign that need no approval."""

    most: Annotated[int, Field(ge=0, le=1_000_000_000)]


class BannedWordsSettings(Request):
    """Words and phrases that no message holds; case does not count, whole words do."""

    words: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=100), AfterValidator(_word)]],
        Field(min_length=1, max_length=1_000),
    ]


class FooterSettings(Request):
    """Words that messages end with: appended to inline words, or demanded."""

    text: Annotated[
        Line, Field(min_length=1, max_length=500), AfterValidator(no_template),
        AfterValidator(_word),
    ]  # fmt: skip
    action: Literal["append", "refuse"] = "append"
    channels: Annotated[
        list[Literal[Channel.EMAIL, Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM]],
        Field(min_length=1),
    ] = [Channel.EMAIL]


class SenderSettings(Request):
    """Addresses and domains that mails may come from."""

    allowed: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=320), AfterValidator(_sender)]],
        Field(min_length=1, max_length=100),
    ]


class AttachmentsSettings(Request):
    """Types of files that mails may carry, such as application/pdf or image/*; [] for none."""

    types: Annotated[
        list[Annotated[Line, Field(max_length=127, pattern=r"^[^/\s]+/[^/\s]+$")]],
        Field(max_length=50),
    ]
    most_bytes: Annotated[int, Field(ge=1)] | None = None


class PrioritySettings(Request):
    """The priority that the business gives where neither request nor template names one."""

    priority: Priority


class ApprovalSettings(Request):
    """How many must approve a campaign to more than `larger_than` recipients, and who may: users
    by id, or without any, every administrator and approver.

    They are reminded each `remind_every_hours` (null: only when it is submitted and before its
    deadline). What waits for more than `deadline_hours` expires; null: it waits.
    """

    larger_than: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    approvals: Annotated[int, Field(ge=1, le=20)] = 1
    approvers: Annotated[list[Annotated[Line, Field(max_length=100)]], Field(max_length=100)] = []
    remind_every_hours: Annotated[int, Field(ge=1, le=8_760)] | None = 24
    deadline_hours: Annotated[int, Field(ge=1, le=8_760)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> "ApprovalSettings":
        self.approvers = sorted(set(self.approvers))
        if self.approvers and len(self.approvers) < self.approvals:
            raise WrongField("approvers", f"must name at least {self.approvals} users, or none")
        return self


SETTINGS: Final[Mapping[RuleKind, type[Request]]] = {
    RuleKind.HOURS: HoursSettings,
    RuleKind.AUDIENCE: AudienceSettings,
    RuleKind.BANNED_WORDS: BannedWordsSettings,
    RuleKind.FOOTER: FooterSettings,
    RuleKind.SENDER: SenderSettings,
    RuleKind.ATTACHMENTS: AttachmentsSettings,
    RuleKind.PRIORITY: PrioritySettings,
    RuleKind.APPROVAL: ApprovalSettings,
}


class RuleRequest(Request):
    """A new rule; it is off until it is enabled."""

    name: Key
    kind: RuleKind
    category: Key | None = None
    scope: ModuleScope = ModuleScope.MODULE
    settings: Json
    enabled: bool = False


class RulePatch(Request):
    """A change by RFC 7396; kind and scope stay, settings are replaced as a whole."""

    name: Key | None = None
    category: Key | None = None
    settings: Json | None = None
    enabled: bool | None = None


class RuleTry(Request):
    """How far back a rule is tried on what was asked for."""

    days: Annotated[int, Field(ge=1, le=90)] = 7


def check_settings(kind: RuleKind, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as their kind has them; raises pydantic's ValidationError."""
    return SETTINGS[kind].model_validate(settings).model_dump(mode="json")
