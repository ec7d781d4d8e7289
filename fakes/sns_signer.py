"""Signs calls as Amazon SNS does, with a certificate that is made once for a process."""

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fakes.http_vendor import Call, Forgery

TOPIC = "arn:aws:sns:us-east-1:123456789012:tocsin"
HOST = "https://sns.us-east-1.amazonaws.com"
CERTIFICATE_PATH = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

_SIGNED = {
    "Notification": "Message MessageId Subject Timestamp TopicArn Type",
    "SubscriptionConfirmation": "Message MessageId SubscribeURL Timestamp Token TopicArn Type",
    "UnsubscribeConfirmation": "Message MessageId SubscribeURL Timestamp Token TopicArn Type",
}


@cache
def key(name: str = "sns") -> rsa.RSAPrivateKey:  # noqa: ARG001 - one each, by the cache
    """Return the key pair of a name: one each, as long as the process lives."""
    return rsa.generate_private_key(65537, 2048)


@cache
def certificates(common_name: str = "sns.amazonaws.com", days: int = 30) -> bytes:
    """Return SNS's certificate and its issuer's as PEM; `days` under 0 is one that has ended."""
    issuer = _certificate("Fake Issuing CA", "Fake Issuing CA", "issuer", "issuer", 3650)
    own = _certificate(common_name, "Fake Issuing CA", "sns", "issuer", days)
    return own.public_bytes(Encoding.PEM) + issuer.public_bytes(Encoding.PEM)


def notification(
    message: Any,
    *,
    url: str,
    host: str = HOST,
    forgery: Forgery | None = None,
    changed: Mapping[str, str] = {},
) -> Call:
    """Return the call to `url` that tells a message of the topic, by SNS at `host`; `changed` are
    other values of the envelope, put in before it is signed.
    """
    now = datetime.now(UTC)
    if forgery is Forgery.REPLAYED:
        now -= timedelta(hours=2)
    envelope = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "SignatureVersion": "2",
        "SigningCertURL": host + CERTIFICATE_PATH,
        "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:1",
        **changed,
    }
    return call(envelope, url=url, forgery=forgery)


def subscription(*, url: str, host: str = HOST, changed: Mapping[str, str] = {}) -> Call:
    """Return the call that asks `url` to confirm its subscription at `host`."""
    token = uuid.uuid4().hex
    given = {
        "Type": "SubscriptionConfirmation",
        "Token": token,
        "SubscribeURL": f"{host}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}",
    }
    words = f"You have chosen to subscribe to the topic {TOPIC}."
    return notification(words, url=url, host=host, changed={**given, **changed})


def call(envelope: Mapping[str, str], *, url: str, forgery: Forgery | None = None) -> Call:
    """Return an envelope signed, or wrongly so."""
    signed = dict(envelope)
    if forgery is not Forgery.UNSIGNED:
        signed["Signature"] = _sign(signed, "stranger" if forgery is Forgery.WRONG_KEY else "sns")
    if forgery is Forgery.CHANGED_BODY:
        signed["Message"] = signed["Message"].replace("example", "elsewhere") + " "
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": envelope["Type"],
        "x-amz-sns-message-id": envelope["MessageId"],
        "x-amz-sns-topic-arn": envelope["TopicArn"],
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    return Call(url, headers, json.dumps(signed, indent=2).encode())


def _sign(envelope: Mapping[str, str], name: str) -> str:
    text = ""
    for field in _SIGNED[envelope["Type"]].split():
        if field in envelope:
            text += field + "\n" + envelope[field] + "\n"
    signature = key(name).sign(text.encode(), padding.PKCS1v15(), SHA256())
    return base64.b64encode(signature).decode()


def _certificate(
    subject: str, issuer: str, name: str, issuer_name: str, days: int
) -> x509.Certificate:
    now = datetime.now(UTC)
    begins = now - timedelta(days=1 if days > 0 else 60)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=name == issuer_name, path_length=None), True)
        .sign(key(issuer_name), SHA256())
    )
