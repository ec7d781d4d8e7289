"""Calls of Amazon SNS: who signed them, which topic they are of, and what stands inside.

Envelope: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
Signature: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

The certificate that signs is named by the call itself. It is fetched only from SNS's own hosts, by
HTTPS, which is what makes it trustworthy.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from pydantic import BeforeValidator, Field, StringConstraints

from domain.http import HttpRequest, Webhook
from domain.report import Heard, ReceiptForged
from vendors.aws_api import REGION, AwsSettings
from vendors.contract import Checking
from vendors.fields import Line

_NOTIFICATION: Final = "Notification"
_SUBSCRIPTION: Final = "SubscriptionConfirmation"
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token")
SIGNED: Final[Mapping[str, Sequence[str]]] = {
    _NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    _SUBSCRIPTION: (*_CONFIRMATION, "TopicArn", "Type"),
    "UnsubscribeConfirmation": (*_CONFIRMATION, "TopicArn", "Type"),
}
"""Type of an envelope → names whose values are signed, in order; Subject may be missing."""

PATIENCE: Final = timedelta(hours=1)
"""How old a call may be: SNS itself gives up after an hour."""

_HOST: Final = re.compile(rf"sns\.{REGION}\.amazonaws\.com(?:\.cn)?")
_NAME: Final = re.compile(rf"sns(?:-signing)?(?:[.-]{REGION})?\.amazonaws\.com(?:\.cn)?")
_LEAST_KEY_BITS: Final = 2048


def _split(value: Any) -> Any:
    return value.replace(",", " ").split() if isinstance(value, str) else value


TopicArn = Annotated[
    str,
    StringConstraints(
        max_length=320, pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$"
    ),
]


class TopicSettings(AwsSettings):
    """An account that hears of its messages by SNS: only topics that it lists are believed."""

    topics: Annotated[list[TopicArn], BeforeValidator(_split)] = Field(
        default_factory=list,
        max_length=50,
        description="ARNs of the topics whose notifications are believed",
    )
    sns_host: Line = Field(
        "",
        pattern=r"^(?:[A-Za-z0-9.-]+(?::\d{1,5})?)?$",
        description="Only for a stand-in of SNS: its host and port, instead of SNS's own hosts",
    )


def needs(webhook: Webhook, settings: TopicSettings) -> Sequence[HttpRequest]:
    """Return the request for the certificate; none if it is not a place to fetch it from."""
    try:
        url = _certificate_url(_read(webhook), settings)
    except ReceiptForged:
        return ()
    return (HttpRequest("GET", url),)


def verify(webhook: Webhook, settings: TopicSettings, checking: Checking) -> None:
    """Check that SNS signed a call with SHA-256, for a topic of the account, within the hour.

    Raises ReceiptForged.
    """
    envelope = _read(webhook)
    url = _certificate_url(envelope, settings)
    if envelope["TopicArn"] not in settings.topics:
        raise ReceiptForged("TopicArn is none of the account's topics")
    if envelope.get("SignatureVersion") != "2":
        raise ReceiptForged("SignatureVersion is not 2; set it as an attribute of the topic")
    if envelope["Type"] != _NOTIFICATION:
        _check_subscribe_url(envelope, settings)
    if url not in checking.material:
        raise ReceiptForged("the certificate that signs could not be fetched")
    key = _key(checking.material[url], settings, checking.now)
    try:
        signature = base64.b64decode(_text(envelope, "Signature"), validate=True)
        key.verify(signature, string_to_sign(envelope), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):  # neither base64 nor text that has octets
        raise ReceiptForged("Signature does not fit the certificate and the values") from None
    if abs(checking.now - _moment(envelope)) > PATIENCE:
        raise ReceiptForged("Timestamp is more than an hour away: this call was made before")


def string_to_sign(envelope: Mapping[str, Any]) -> bytes:
    """Return what SNS signs of an envelope: each name and its value, on a line each."""
    names = [name for name in SIGNED[envelope["Type"]] if envelope.get(name) is not None]
    return "".join(f"{name}\n{envelope[name]}\n" for name in names).encode()


def hear(webhook: Webhook, read: Callable[[Mapping[str, Any], str, datetime], Heard]) -> Heard:
    """Return what a verified call says; `read` is given the event, the id of SNS and its time.

    A subscription is confirmed. Words that are no JSON object (AWS sends such when a topic is
    connected) are nothing. Raises ValueError for a call that cannot be read.
    """
    envelope = json.loads(webhook.body)
    if envelope["Type"] == _SUBSCRIPTION:
        return Heard(follow=HttpRequest("GET", envelope["SubscribeURL"]))
    if envelope["Type"] != _NOTIFICATION:
        return Heard()
    try:
        event = json.loads(envelope["Message"])
    except (ValueError, RecursionError):
        return Heard()
    if not isinstance(event, dict):
        return Heard()
    try:
        return read(event, envelope["MessageId"], _moment(envelope))
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError):
        raise ValueError("the event in Message is not what AWS documents") from None


def _read(webhook: Webhook) -> Mapping[str, Any]:
    """Return the envelope with its signed names all there; raises ReceiptForged."""
    try:
        envelope = json.loads(webhook.body)
    except (ValueError, RecursionError):
        raise ReceiptForged("the body is not an envelope of SNS") from None
    if not isinstance(envelope, dict) or str(envelope.get("Type")) not in SIGNED:
        raise ReceiptForged("the body is not an envelope of SNS")
    for name in SIGNED[_text(envelope, "Type")]:
        if name != "Subject" or envelope.get(name) is not None:
            _text(envelope, name)
    return envelope


def _text(envelope: Mapping[str, Any], name: str) -> str:
    value = envelope.get(name)
    if not isinstance(value, str):
        raise ReceiptForged(f"{name} is missing")
    return value


def _moment(envelope: Mapping[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(envelope, "Timestamp"))
    except ValueError:
        raise ReceiptForged("Timestamp is not a time") from None
    if moment.tzinfo is None:
        raise ReceiptForged("Timestamp has no zone")
    return moment


def _certificate_url(envelope: Mapping[str, Any], settings: TopicSettings) -> str:
    url = _text(envelope, "SigningCertURL")
    if not _place(url, settings).path.endswith(".pem"):
        raise ReceiptForged("SigningCertURL is not the address of a certificate")
    return url


def _check_subscribe_url(envelope: Mapping[str, Any], settings: TopicSettings) -> None:
    query = parse_qs(_place(_text(envelope, "SubscribeURL"), settings).query)
    if query.get("Action") != ["ConfirmSubscription"]:
        raise ReceiptForged("SubscribeURL does not confirm a subscription")


def _place(url: str, settings: TopicSettings) -> SplitResult:
    """Return a URL apart if it is one of SNS, by HTTPS; of the stand-in, if there is one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ReceiptForged("a URL in the call cannot be read") from None
    # What a parser drops or turns round is refused, lest another one reads another host.
    plain = url.isascii() and url.isprintable() and not any(char in url for char in ' \\"<>')
    if settings.sns_host:
        fits = parts.scheme in ("http", "https") and parts.netloc == settings.sns_host
    else:
        fits = parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None
    if not (plain and fits):
        raise ReceiptForged("a URL in the call is not at a host of SNS")
    return parts


def _key(pem: bytes, settings: TopicSettings, now: datetime) -> RSAPublicKey:
    """Return the key of a certificate that is valid now and SNS's own.

    Further certificates in the file must each be the issuer of the one before.
    """
    try:
        chain = x509.load_pem_x509_certificates(pem)
        for certificate, issuer in pairwise(chain):
            certificate.verify_directly_issued_by(issuer)
        key = chain[0].public_key()
    except (ValueError, TypeError, InvalidSignature):
        raise ReceiptForged("the certificate that signs cannot be read") from None
    if not all(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in chain):
        raise ReceiptForged("the certificate that signs is not valid now")
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_KEY_BITS:
        raise ReceiptForged("the certificate that signs has another kind of key")
    if not settings.sns_host and not any(map(_NAME.fullmatch, _names(chain[0]))):
        raise ReceiptForged("the certificate that signs is not made out to SNS")
    return key


def _names(certificate: x509.Certificate) -> list[str]:
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    names = [str(one.value) for one in common]
    try:
        other = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return names
    return names + other.value.get_values_for_type(x509.DNSName)
