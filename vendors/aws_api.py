"""What the services of AWS share: how to sign in, where they are, and how they name an error.

Errors that all services have: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml import ElementTree
from pydantic import Field, field_validator

from domain.http import HttpRequest, HttpResponse
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope
from vendors.aws_signing import Credentials, sign
from vendors.fields import Line, Secret
from vendors.http_api import HttpSettings, Moment
from vendors.http_outcomes import Unreadable, outcome_of, outcome_of_status

Meaning = tuple[OutcomeKind, Scope, str]

REGION: Final = r"[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}"
"""A region's name. `s3-us-west-2` is none: under such names buckets of anybody's are served."""

THROTTLES: Final = frozenset(
    {
        "Throttling", "ThrottlingException", "Throttled", "ThrottledException",
        "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled",
        "RequestThrottledException",
    }
)  # fmt: skip
"""Codes that ask to slow down, whatever the status; none of them says for how long."""

DENIALS: Final = frozenset(
    {
        "SignatureDoesNotMatch", "InvalidSignatureException", "InvalidClientTokenId",
        "UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException", "AccessDenied",
        "AccessDeniedException", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException", "IncompleteSignature",
        "IncompleteSignatureException", "RequestTimeTooSkewed", "RequestExpired",
    }
)  # fmt: skip
"""Codes of a sign-in that was refused."""

_SKEWED_CODES: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_SKEWED_WORDS: Final = ("Signature expired", "Signature not yet current")
_THROTTLED: Final[Meaning] = (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account")
_DENIED: Final[Meaning] = (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed")


class AwsSettings(HttpSettings):
    """An access key of an AWS account; `base_url` is only needed for another endpoint."""

    base_url: str = Field(
        "", description="Where the service is; empty: the region's endpoint", max_length=500
    )
    region: Line = Field(description="Region, as us-east-1", pattern=f"^{REGION}$")
    access_key_id: Line = Field(description="Access key id (AKIA… or ASIA…)", min_length=1)
    secret_access_key: Secret = Field(description="Secret access key")
    session_token: Secret | None = Field(
        None, description="Session token, for temporary credentials only"
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        return super()._is_a_url(value) if value else value


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as a service names it; `document` is the whole of it, where it is JSON."""

    code: str = ""
    words: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)


def endpoint(settings: AwsSettings, prefix: str) -> str:
    """Return where a service is asked: the account's own URL, else that of its region."""
    if settings.base_url:
        return settings.base_url
    suffix = ".cn" if settings.region.startswith("cn-") else ""
    return f"https://{prefix}.{settings.region}.amazonaws.com{suffix}"


def signed(
    request: HttpRequest, settings: AwsSettings, service: str, moment: Moment
) -> HttpRequest:
    """Return a request signed with the account's key, for a service by its signing name."""
    token = settings.session_token
    credentials = Credentials(
        settings.access_key_id,
        settings.secret_access_key.get_secret_value(),
        token.get_secret_value() if token else "",
    )
    return sign(request, credentials, region=settings.region, service=service, now=moment.now)


def fault_of(response: HttpResponse) -> Fault:
    """Return the error that an answer names: by x-amzn-ErrorType, by __type, or in XML.

    An answer that names none, as a gateway's page, is a Fault without a code.
    """
    typed = _bare(response.headers.get("x-amzn-errortype", ""))
    if response.body.lstrip()[:1] == b"<":
        found = _xml_fault(response.body)
    else:
        found = _json_fault(response.body)
    return replace(found, code=typed or found.code)


def refusal(response: HttpResponse, judge: Callable[[Fault], Meaning | None]) -> Outcome:
    """Return what an error means: by the service's own table, else by what all services share.

    5xx is left to the status: after one of those nobody knows, whatever its code.
    """
    fault = fault_of(response)
    meaning = judge(fault) or _shared(fault.code)
    throttled = meaning is not None and meaning[0] is OutcomeKind.THROTTLED
    if meaning is not None and (throttled or response.status < 500):
        return outcome_of(meaning, code=fault.code, detail=fault.words)
    found = outcome_of_status(response, fault.words)
    return replace(found, vendor_code=fault.code) if fault.code else found


def skewed(response: HttpResponse) -> bool:
    """Whether an answer means that our clock is more than five minutes wrong."""
    if response.status not in (400, 403):
        return False
    fault = fault_of(response)
    return fault.code in _SKEWED_CODES or (
        fault.code in DENIALS and fault.words.startswith(_SKEWED_WORDS)
    )


def read_xml(body: bytes) -> dict[str, str]:
    """Return the texts of an XML document by name of their element, without namespaces.

    Raises Unreadable for what is not XML, and for XML with entities or a document type of its own.
    """
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError):
        raise Unreadable("the answer is not XML") from None
    return {str(one.tag).rpartition("}")[2]: (one.text or "").strip() for one in root.iter()}


def _shared(code: str) -> Meaning | None:
    if code in THROTTLES:
        return _THROTTLED
    return _DENIED if code in DENIALS else None


def _xml_fault(body: bytes) -> Fault:
    try:
        texts = read_xml(body)
    except Unreadable:
        return Fault()
    return Fault(texts.get("Code", ""), texts.get("Message", ""))


def _json_fault(body: bytes) -> Fault:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Fault()
    if not isinstance(document, dict):
        return Fault()
    code = document.get("__type") or document.get("code") or ""
    words = document.get("message") or document.get("Message") or ""
    return Fault(_bare(str(code)), str(words), document)


def _bare(code: str) -> str:
    """Return a code without its namespace (before #) and its address (after :)."""
    return code.partition(":")[0].rpartition("#")[2].strip()
