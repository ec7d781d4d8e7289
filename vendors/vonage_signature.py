"""Vonage's signatures: of parameters with a shared secret, and of bodies by a JSON Web Token.

Parameters: https://developer.vonage.com/en/getting-started/concepts/signing-messages
Tokens: https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

import jwt

from domain.http import Webhook
from domain.report import ReceiptForged
from vendors.http_outcomes import Unreadable, json_object

Method = Literal["md5hash", "md5", "sha1", "sha256", "sha512"]
"""As the dashboard offers them: a plain MD5 hash, or HMAC with one of the others."""

_OLDEST: Final = 300.0
_BEARER: Final = "bearer "


def sign(parameters: Mapping[str, str], secret: str, method: Method) -> str:
    """Return the signature of parameters in hex; a `sig` among them is left out."""
    signed = "".join(
        f"&{name}={value.replace('&', '_').replace('=', '_')}"
        for name, value in sorted(parameters.items())
        if name != "sig"
    )
    if method == "md5hash":
        return hashlib.md5((signed + secret).encode(), usedforsecurity=False).hexdigest()
    return hmac.new(secret.encode(), signed.encode(), method).hexdigest()


def verify(webhook: Webhook, secret: str, method: Method, now: datetime) -> None:
    """Check a call's token, or else its `sig`; neither may be older than five minutes.

    Within them a repeat is told by the event's key. Raises ReceiptForged.
    """
    if not secret:
        raise ReceiptForged("the account has no signature_secret to check calls by")
    bearer = webhook.headers.get("authorization", "")
    if bearer.lower().startswith(_BEARER):
        _verify_token(bearer[len(_BEARER) :].strip(), webhook.body, secret, now)
    else:
        _verify_parameters(webhook, secret, method, now)


def parameters(webhook: Webhook) -> dict[str, str]:
    """Return what a call says: in its query, its form or its JSON object. Raises Unreadable."""
    if webhook.method != "POST":
        return dict(parse_qsl(urlsplit(webhook.url).query, keep_blank_values=True))
    kind = webhook.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        text = webhook.body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True))
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in json_object(webhook.body).items()
    }


def _verify_parameters(webhook: Webhook, secret: str, method: Method, now: datetime) -> None:
    try:
        given = parameters(webhook)
        theirs, ours = given.get("sig", "").lower().encode(), sign(given, secret, method).encode()
    except (Unreadable, UnicodeEncodeError):
        raise ReceiptForged("the call holds no parameters that could be signed") from None
    if not hmac.compare_digest(theirs, ours):
        raise ReceiptForged("sig does not fit the signature secret and the parameters")
    _check_age(given.get("timestamp", ""), now)


def _verify_token(token: str, body: bytes, secret: str, now: datetime) -> None:
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            options={  # times are checked by the clock that is given
                "require": ["iat", "payload_hash"],
                "verify_iat": False,
                "verify_exp": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise ReceiptForged("the token is not signed with the signature secret") from None
    digest = hashlib.sha256(body).hexdigest()
    if not hmac.compare_digest(str(claims["payload_hash"]).lower().encode(), digest.encode()):
        raise ReceiptForged("the body is not the one whose SHA-256 the token holds")
    _check_age(str(claims["iat"]), now)


def _check_age(given: str, now: datetime) -> None:
    try:
        age = abs(now.timestamp() - float(given))
    except ValueError:
        raise ReceiptForged("the call does not say when it was signed") from None
    if not age <= _OLDEST:
        raise ReceiptForged("the call was signed more than five minutes ago")
