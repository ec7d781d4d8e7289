"""What a client sends to ask for a notification, and to change one."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number
from phonenumbers import parse as parse_number
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from domain.contract.base import Json, Line, Moment, Request, WrongField
from domain.contract.content import Content
from domain.contract.digest import DigestRequest
from domain.contract.escalation import EscalationRequest
from domain.device_tokens import Platform, check_token
from domain.timezones import known_timezones
from domain.vocabulary import Channel, ChannelPolicy, Priority


def check_email(value: str) -> str:
    """Return a mailbox address as it will be used (RFC 5321, 6531); no DNS is asked."""
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None


def check_phone(value: str) -> str:
    """Return a phone number as E.164; it must name its country with a leading +."""
    try:
        number = parse_number(value, None)
    except NumberParseException:
        raise ValueError("is not a phone number with its country, such as +14155550100") from None
    if not is_possible_number(number):
        raise ValueError("is too short or too long for a phone number of its country")
    return format_number(number, PhoneNumberFormat.E164)


def check_timezone(value: str) -> str:
    """Return an IANA time zone name."""
    if value not in known_timezones():
        raise ValueError("is not an IANA time zone such as Europe/Paris")
    return value


def check_push_token(value: str) -> str:
    """Return a push token whose form is possible, whatever its platform."""
    if wrong := check_token(value, None):
        raise ValueError(wrong)
    return value


Email = Annotated[Line, Field(max_length=320), AfterValidator(check_email)]
Phone = Annotated[Line, Field(max_length=40), AfterValidator(check_phone)]
PushToken = Annotated[Line, Field(min_length=1, max_length=4096), AfterValidator(check_push_token)]
Timezone = Annotated[Line, Field(max_length=64), AfterValidator(check_timezone)]
Locale = Annotated[Line, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$")]
Key = Annotated[Line, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
TemplateRef = Annotated[
    Line, Field(max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(@[1-9][0-9]{0,8})?$")
]


class PushDevice(Request):
    """A push token with the platform of its phone, which the token alone may not tell."""

    token: PushToken
    platform: Platform | None = None

    @model_validator(mode="after")
    def _fits(self) -> "PushDevice":
        if wrong := check_token(self.token, self.platform):
            raise WrongField("token", wrong)
        return self


def _token_kind(value: object) -> str:
    return "<token>" if isinstance(value, str) else "<device>"


Push = Annotated[
    Annotated[PushToken, Tag("<token>")] | Annotated[PushDevice, Tag("<device>")],
    Discriminator(_token_kind),
]


class InlineRecipient(Request):
    """A recipient given by address, or by the external id of a profile."""

    external_id: Annotated[Line, Field(min_length=1, max_length=255)] | None = None
    email: Email | None = None
    phone: Phone | None = None
    telegram: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    whatsapp: Phone | None = None
    push: Annotated[list[Push], Field(max_length=50)] = []
    name: Annotated[Line, Field(max_length=255)] | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None

    @property
    def push_tokens(self) -> list[str]:
        """The tokens of `push`, whichever way they are given."""
        return [one if isinstance(one, str) else one.token for one in self.push]

    @model_validator(mode="after")
    def _reachable(self) -> "InlineRecipient":
        inline = (self.email, self.phone, self.telegram, self.whatsapp, self.push or None)
        given = any(value is not None for value in (*inline, self.name, self.locale, self.timezone))
        if self.external_id is not None and given:
            raise WrongField(
                "external_id", "external_id stands alone: the profile has the addresses"
            )
        if self.external_id is None and all(value is None for value in inline):
            raise WrongField("email", "needs a profile id, an external_id or at least one address")
        return self


def _kind(value: object) -> str:
    return "<id>" if isinstance(value, str) else "<inline>"


Recipient = Annotated[
    Annotated[str, Field(pattern=r"^prf_[0-9a-z]{26}$"), Tag("<id>")]
    | Annotated[InlineRecipient, Tag("<inline>")],
    Discriminator(_kind),
]
Metadata = Annotated[Json, Field(max_length=50)]


class NotificationRequest(Request):
    """One request to tell one recipient something."""

    recipient: Recipient
    template: TemplateRef | None = None
    content: Content | None = None
    data: Json = {}
    channels: Annotated[list[Channel], Field(min_length=1, max_length=7)] | None = None
    channel_policy: ChannelPolicy = ChannelPolicy.FIRST_SUCCESS
    category: Key | None = None
    priority: Priority | None = None
    send_at: Moment | None = None
    expires_at: Moment | None = None
    metadata: Metadata = {}
    digest: DigestRequest | None = None
    escalation: EscalationRequest | None = None

    @model_validator(mode="after")
    def _one_source_of_words(self) -> "NotificationRequest":
        if (self.template is None) == (self.content is None):
            raise WrongField("content", "needs either template or content, not both")
        if self.channels is not None and len(set(self.channels)) != len(self.channels):
            raise WrongField("channels", "names a channel twice")
        if self.digest is not None and self.escalation is not None:
            raise WrongField("escalation", "what escalates is not collected: leave out the digest")
        return self


class NotificationPatch(Request):
    """A change by RFC 7396 (merge patch); null takes a value away where that is possible."""

    send_at: Moment | None = None
    expires_at: Moment | None = None
    priority: Priority | None = None
    data: Json | None = None
    content: Json | None = None
    metadata: Json | None = None
