"""Texts by Amazon SNS: https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html

What becomes of a text stands only in CloudWatch Logs; SNS tells nobody.
"""

from typing import Final

from pydantic import Field

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import CategoryClass, Channel, OutcomeKind, Scope
from vendors import sns_api
from vendors.aws_api import AwsSettings, Fault, Meaning, skewed
from vendors.fields import Line
from vendors.http_api import HttpApi, Moment, Unfit
from vendors.over_http import http_kind

REFUSALS: Final[dict[tuple[str, ...], Meaning]] = {
    ("OptedOut", "OptedOutException"): (OutcomeKind.REJECTED, Scope.RECIPIENT, "opted_out"),
}
"""Code → outcome, beside those of vendors/sns_api.py."""

MOST_CHARACTERS: Final = 1600
TRANSACTIONAL: Final = frozenset({CategoryClass.OTP, CategoryClass.TRANSACTIONAL})
"""Classes that AWS is to carry by its more reliable routes; the others go as Promotional."""

_CODES: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}
_WRONG_NUMBER: Final = (OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address")


class Settings(AwsSettings):
    """An account that publishes texts; `from` is a number of its own or a sender id."""

    from_: Line = Field("", alias="from", description="Number (+…) or sender id; empty: AWS's own")
    max_price: Line = Field(
        "", pattern=r"^(\d+(\.\d+)?)?$", description="Most that a text may cost, in US dollars"
    )
    entity_id: Line = Field("", description="Entity id, for texts to India")
    template_id: Line = Field("", description="Template id, for texts to India")


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends a text; raises Unfit for one that is too long."""
    text: str = message.content["text"]
    if len(text) > MOST_CHARACTERS:
        raise Unfit(
            "payload_too_large",
            f"the text has {len(text)} characters; SNS takes {MOST_CHARACTERS}",
        )
    fields = {"PhoneNumber": message.address, "Message": text}
    return sns_api.publish(fields, _attributes(message, settings), settings, moment)


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; raises Unreadable."""
    return sns_api.outcome(response, _judge)


def _judge(fault: Fault) -> Meaning | None:
    if fault.code in sns_api.PARAMETERS and "phonenumber" in fault.words.lower().replace(" ", ""):
        return _WRONG_NUMBER
    return _CODES.get(fault.code)


def _attributes(message: ContentMessage, settings: Settings) -> dict[str, tuple[str, str]]:
    kind = "Transactional" if message.class_ in TRANSACTIONAL else "Promotional"
    attributes = {"AWS.SNS.SMS.SMSType": ("String", kind)}
    if settings.from_.startswith("+"):
        attributes["AWS.MM.SMS.OriginationNumber"] = ("String", settings.from_)
    elif settings.from_:
        attributes["AWS.SNS.SMS.SenderID"] = ("String", settings.from_)
    if settings.max_price:
        attributes["AWS.SNS.SMS.MaxPrice"] = ("Number", settings.max_price)
    if settings.entity_id:
        attributes["AWS.MM.SMS.EntityId"] = ("String", settings.entity_id)
    if settings.template_id:
        attributes["AWS.MM.SMS.TemplateId"] = ("String", settings.template_id)
    return attributes


KIND: Final = http_kind(
    name="sns_sms",
    title="Amazon SNS (texts)",
    channels=[Channel.SMS],
    settings=Settings,
    api=HttpApi(request, outcome, skewed=skewed),
)
