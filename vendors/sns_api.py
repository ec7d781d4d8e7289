"""Publishing one message by Amazon SNS, which texts to a phone and push messages share.

https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

from domain.http import HttpRequest, HttpResponse
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope
from vendors.aws_api import AwsSettings, Fault, Meaning, endpoint, read_xml, refusal, signed
from vendors.http_api import Moment
from vendors.http_outcomes import accepted

_VERSION: Final = "2010-03-31"
_REJECTED: Final = OutcomeKind.REJECTED

REFUSALS: Final[dict[tuple[str, ...], Meaning]] = {
    ("AuthorizationError",): (_REJECTED, Scope.ACCOUNT, "forbidden"),
    ("InvalidSecurity",): (_REJECTED, Scope.ACCOUNT, "auth_failed"),
    ("InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException",
     "ValidationError"): (
        _REJECTED, Scope.MESSAGE, "invalid_payload",
    ),
}  # fmt: skip
"""Code → outcome, where the channel's own table says nothing."""

PARAMETERS: Final = frozenset(
    code for codes, meaning in REFUSALS.items() for code in codes if meaning[1] is Scope.MESSAGE
)
"""Codes of a wrong parameter; the words name which."""

_CODES: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}


def publish(
    fields: Mapping[str, str],
    attributes: Mapping[str, tuple[str, str]],
    settings: AwsSettings,
    moment: Moment,
) -> HttpRequest:
    """Return a signed Publish; `attributes` are (data type, value) by name."""
    form = {"Action": "Publish", "Version": _VERSION, **fields}
    for number, (name, (kind, value)) in enumerate(attributes.items(), start=1):
        entry = f"MessageAttributes.entry.{number}"
        form[f"{entry}.Name"] = name
        form[f"{entry}.Value.DataType"] = kind
        form[f"{entry}.Value.StringValue"] = value
    asked = HttpRequest(
        "POST",
        f"{endpoint(settings, 'sns')}/",
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        urlencode(form).encode(),
    )
    return signed(asked, settings, "sns", moment)


def outcome(response: HttpResponse, judge: Callable[[Fault], Meaning | None]) -> Outcome:
    """Return what an answer to Publish means, `judge` asked first; raises Unreadable."""
    if response.status == 200:
        return accepted(read_xml(response.body).get("MessageId", ""), response)
    return refusal(response, lambda fault: judge(fault) or _CODES.get(fault.code))
