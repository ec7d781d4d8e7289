"""Texts by AWS End User Messaging: the API
https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html and its
events https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import Field

from domain.http import HttpRequest, HttpResponse, Webhook
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Heard, Reply, Report
from domain.vocabulary import CategoryClass, Channel, OutcomeKind, ReceiptKind, Scope
from vendors import sns_envelope
from vendors.aws_api import Fault, Meaning, endpoint, refusal, signed, skewed
from vendors.contract import Capabilities, Webhooks
from vendors.fields import Line
from vendors.http_api import HttpApi, Moment, Unfit
from vendors.http_outcomes import accepted, read_json
from vendors.over_http import http_kind
from vendors.sns_envelope import TopicSettings

_FAILED: Final = ReceiptKind.FAILED

EVENTS: Final[Mapping[str, tuple[ReceiptKind | None, str, bool]]] = {
    "TEXT_QUEUED": (None, "", False),
    "TEXT_PENDING": (None, "", False),
    "TEXT_SENT": (ReceiptKind.SENT, "", False),
    "TEXT_SUCCESSFUL": (ReceiptKind.SENT, "", False),
    "TEXT_DELIVERED": (ReceiptKind.DELIVERED, "", False),
    "TEXT_INVALID": (_FAILED, "invalid_address", True),
    "TEXT_INVALID_MESSAGE": (_FAILED, "invalid_payload", False),
    "TEXT_BLOCKED": (_FAILED, "blocked", True),
    "TEXT_CARRIER_BLOCKED": (_FAILED, "content_filtered", False),
    "TEXT_SPAM": (_FAILED, "content_filtered", False),
    "TEXT_PROTECT_BLOCKED": (_FAILED, "not_allowed_in_region", False),
    "TEXT_UNREACHABLE": (_FAILED, "unreachable", False),
    "TEXT_CARRIER_UNREACHABLE": (_FAILED, "unreachable", False),
    "TEXT_UNKNOWN": (_FAILED, "unreachable", False),
    "TEXT_TTL_EXPIRED": (_FAILED, "expired", False),
}
"""eventType → receipt (None is a note), reason, and whether the number is unusable for good.

TEXT_SUCCESSFUL only says that the carrier has it, and may be the last word of a country.
"""

_REJECTED: Final = OutcomeKind.REJECTED
_WRONG_NUMBER: Final[Meaning] = (_REJECTED, Scope.RECIPIENT, "invalid_address")

REFUSALS: Final[dict[tuple[str, ...], Meaning]] = {
    ("DESTINATION_PHONE_NUMBER_OPTED_OUT",): (_REJECTED, Scope.RECIPIENT, "opted_out"),
    ("DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
     "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"): (
        _REJECTED, Scope.RECIPIENT, "not_allowed_in_region",
    ),
    ("DESTINATION_PHONE_NUMBER_NOT_VERIFIED",): (_REJECTED, Scope.ACCOUNT, "forbidden"),
    ("NO_ORIGINATION_IDENTITIES_FOUND", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY",
     "SENDER_ID_NOT_REGISTERED", "SENDER_ID_NOT_SUPPORTED",
     "SENDER_ID_REQUIRES_REGISTRATION"): (_REJECTED, Scope.ACCOUNT, "sender_not_registered"),
    ("NUMBER_CAPABILITIES_MISMATCH", "MESSAGE_TYPE_MISMATCH", "RESOURCE_NOT_ACTIVE",
     "ConflictException", "ResourceNotFoundException"): (
        _REJECTED, Scope.ACCOUNT, "config_missing",
    ),
    ("MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT",): (_REJECTED, Scope.ACCOUNT, "no_credit"),
    ("ServiceQuotaExceededException",): (_REJECTED, Scope.ACCOUNT, "quota_exhausted"),
    ("INSUFFICIENT_ACCOUNT_REPUTATION", "ACCOUNT_DISABLED"): (
        _REJECTED, Scope.ACCOUNT, "suspended",
    ),
    ("COUNTRY_NOT_ENABLED", "DESTINATION_COUNTRY_BLOCKED",
     "INTERNATIONAL_SENDING_NOT_SUPPORTED"): (
        _REJECTED, Scope.ACCOUNT, "not_allowed_in_region",
    ),
    ("MAXIMUM_SIZE_EXCEEDED",): (_REJECTED, Scope.MESSAGE, "payload_too_large"),
    ("PRICE_OVER_THRESHOLD", "ValidationException"): (
        _REJECTED, Scope.MESSAGE, "invalid_payload",
    ),
}  # fmt: skip
"""Reason of an exception, else the exception itself → outcome."""

MOST_CHARACTERS: Final = 1600
TAG: Final = "tocsin_attempt"
"""The key of the message's context that carries the attempt's id."""

STOPS: Final = frozenset(
    {"ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"}
)
"""Keywords on which AWS itself opts a number out."""

_CODES: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}
_OF_A_FIELD: Final = frozenset({"FIELD_VALIDATION_FAILED", "CANNOT_PARSE", "INVALID_PARAMETER"})
_TTL: Final = (5, 259_200)
_TRANSACTIONAL: Final = frozenset({CategoryClass.OTP, CategoryClass.TRANSACTIONAL})


class Settings(TopicSettings):
    """An account of End User Messaging; events come by the topic of the configuration set."""

    from_: Line = Field(
        "", alias="from", description="Number, sender id, pool or its ARN; empty: AWS chooses",
        max_length=256,
    )  # fmt: skip
    configuration_set: Line = Field(
        "", description="Configuration set; it publishes events to a topic"
    )
    max_price: Line = Field(
        "", pattern=r"^(\d+(\.\d+)?)?$", description="Most that a part may cost, in US dollars"
    )
    entity_id: Line = Field("", description="Entity id, for texts to India")
    template_id: Line = Field("", description="Template id, for texts to India")


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends a text; raises Unfit for one that is too long."""
    text: str = message.content["text"]
    if len(text) > MOST_CHARACTERS:
        raise Unfit(
            "payload_too_large",
            f"the text has {len(text)} characters; AWS takes {MOST_CHARACTERS}",
        )
    kind = "TRANSACTIONAL" if message.class_ in _TRANSACTIONAL else "PROMOTIONAL"
    document: dict[str, Any] = {
        "DestinationPhoneNumber": message.address,
        "MessageBody": text,
        "MessageType": kind,
        "Context": {TAG: message.attempt_id},
        **_optional(settings),
    }
    if message.expires_at is not None:
        document["TimeToLive"] = _ttl(message.expires_at, moment.now)
    asked = HttpRequest(
        "POST",
        f"{endpoint(settings, 'sms-voice')}/",
        {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage",
        },
        json.dumps(document).encode(),
    )
    return signed(asked, settings, "sms-voice", moment)


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; raises Unreadable."""
    if response.status == 200:
        return accepted(str(read_json(response).get("MessageId") or ""), response)
    return refusal(response, _judge)


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a verified call of SNS says of a text of ours, or what somebody wrote."""
    return sns_envelope.hear(webhook, _read_event)


def _optional(settings: Settings) -> dict[str, Any]:
    india = {"IN_ENTITY_ID": settings.entity_id, "IN_TEMPLATE_ID": settings.template_id}
    given = {
        "OriginationIdentity": settings.from_,
        "ConfigurationSetName": settings.configuration_set,
        "MaxPrice": settings.max_price,
        "DestinationCountryParameters": {name: value for name, value in india.items() if value},
    }
    return {name: value for name, value in given.items() if value}


def _ttl(expires_at: datetime, now: datetime) -> int:
    """Return for how many seconds AWS may try."""
    least, most = _TTL
    return min(max(int((expires_at - now).total_seconds()), least), most)


def _judge(fault: Fault) -> Meaning | None:
    reason = str(fault.document.get("Reason") or "")
    if reason in _OF_A_FIELD and "DestinationPhoneNumber" in _fields(fault):
        return _WRONG_NUMBER
    return _CODES.get(reason) or _CODES.get(fault.code)


def _fields(fault: Fault) -> list[str]:
    """Return the names of the fields that a ValidationException complains of."""
    fields = fault.document.get("Fields")
    named = fields if isinstance(fields, list) else []
    return [str(one.get("Name")) for one in named if isinstance(one, dict)]


def _read_event(event: Mapping[str, Any], sns_id: str, published_at: datetime) -> Heard:
    if "inboundMessageId" in event:
        return Heard(replies=(_reply(event, published_at),))
    word, context = str(event.get("eventType") or ""), event.get("context") or {}
    kind, reason, hard = EVENTS.get(word, (None, "", False))
    key = f"{event['messageId']}:{word}" if event.get("messageId") else sns_id
    report = Report(
        kind, str(context.get(TAG) or ""), key, _time(event, published_at),
        address=str(event.get("destinationPhoneNumber") or ""), reason=reason, hard=hard,
        vendor_code=str(event.get("messageStatus") or word), raw=event,
    )  # fmt: skip
    return Heard(reports=(report,))


def _reply(event: Mapping[str, Any], published_at: datetime) -> Reply:
    text = str(event.get("messageBody") or "")
    return Reply(
        Channel.SMS, event["originationNumber"], event["destinationNumber"], text,
        event["inboundMessageId"], published_at, unsubscribes=text.strip().upper() in STOPS,
        raw=event,
    )  # fmt: skip


def _time(event: Mapping[str, Any], otherwise: datetime) -> datetime:
    stamp = event.get("eventTimestamp")
    return datetime.fromtimestamp(stamp / 1000, UTC) if isinstance(stamp, int) else otherwise


KIND: Final = http_kind(
    name="aws_sms",
    title="AWS End User Messaging",
    channels=[Channel.SMS],
    settings=Settings,
    api=HttpApi(request, outcome, skewed=skewed),
    capabilities=Capabilities(receipts=True, replies=True),
    webhooks=Webhooks(sns_envelope.verify, receipts, sns_envelope.needs),
)
