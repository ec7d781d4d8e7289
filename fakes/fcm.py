"""Firebase Cloud Messaging (HTTP v1) and Google's token endpoint, as their pages describe them."""

import json
import re
import secrets
import time
from typing import Any, ClassVar
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_MOST_TTL = 28 * 86_400

_REFUSALS: dict[Behaviour, tuple[int, str, str, str]] = {
    Behaviour.REJECT_RECIPIENT: (
        404, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found.",
    ),
    Behaviour.REJECT_ACCOUNT: (403, "PERMISSION_DENIED", "", "Permission denied on resource."),
    Behaviour.THROTTLE: (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Quota exceeded."),
    Behaviour.FAIL: (500, "INTERNAL", "INTERNAL", "Internal error encountered."),
    Behaviour.UNAVAILABLE: (503, "UNAVAILABLE", "UNAVAILABLE", "The service is unavailable."),
}  # fmt: skip


def a_key_file(key: rsa.RSAPrivateKey) -> str:
    """Return the JSON that Google gives out for a service account with this key."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    document = {
        "type": "service_account", "project_id": FakeFcm.project, "private_key_id": FakeFcm.kid,
        "private_key": pem.decode(), "client_email": FakeFcm.email,
        "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    return json.dumps(document, indent=2)


class FakeFcm(FakeVendor):
    """One project with one service account; tokens of devices begin with `token-`."""

    name: ClassVar[str] = "fcm"
    project: ClassVar[str] = "sample-project"
    kid: ClassVar[str] = "0123456789abcdef"
    email: ClassVar[str] = "sender@sample-project.iam.gserviceaccount.com"

    def __init__(self) -> None:
        super().__init__()
        self.token_seconds = 3_600
        self.token_status = 200
        """What the token endpoint answers; 200: what the assertion deserves."""
        self.tokens: list[str] = []
        """Access tokens that it gave out, oldest first."""
        self.refused: set[str] = set()
        self.refuses_all = False
        """Whether no access token is good enough."""

    @classmethod
    def service_account(cls) -> str:
        """Return the key file of the one account."""
        return a_key_file(_KEY)

    def revoke(self) -> None:
        """Take back all access tokens so far."""
        self.refused |= set(self.tokens)

    def sends(self, asked: Asked) -> bool:
        """Whether it is a message, and not a request for a token."""
        return asked.path.endswith(":send")

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one registration token."""
        try:
            return [str(asked.json()["message"]["token"])]
        except (ValueError, KeyError, TypeError):
            return []

    def answer(self, asked: Asked) -> Answer:
        """Give out an access token, or take a message."""
        if asked.path == "/token":
            return self._give_token(asked)
        given = asked.headers.get("authorization", "")
        good = given.removeprefix("Bearer ") in set(self.tokens) - self.refused
        if not good or self.refuses_all:
            return _error(401, "UNAUTHENTICATED", "", "Request had invalid credentials.")
        if asked.path != f"/v1/projects/{self.project}/messages:send":
            return _error(403, "PERMISSION_DENIED", "", "Permission denied on resource project.")
        return self._take(asked)

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with FCM's code."""
        if behaviour is Behaviour.REJECT_MESSAGE:
            return _violation("message.data", "Invalid value at 'message.data'")
        return _error(*_REFUSALS[behaviour])

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """FCM tells nothing afterwards."""
        raise NotImplementedError

    def _give_token(self, asked: Asked) -> Answer:
        if self.token_status != 200:
            return Answer.of_json(self.token_status, {"error": "server_error"})
        form = parse_qs(asked.body.decode())
        if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return Answer.of_json(400, {"error": "unsupported_grant_type"})
        try:
            [assertion] = form["assertion"]
            claims = jwt.decode(
                assertion, _KEY.public_key(), algorithms=["RS256"], audience=asked.url,
                issuer=self.email, options={"require": ["iat", "exp", "aud", "iss"]},
            )  # fmt: skip
            fair = (
                jwt.get_unverified_header(assertion)["kid"] == self.kid
                and claims["exp"] - claims["iat"] <= 3_600
                and claims["iat"] <= time.time() + 10
                and _SCOPE in claims["scope"].split()
            )
        except (jwt.InvalidTokenError, KeyError, ValueError):
            fair = False
        if not fair:
            words = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return Answer.of_json(400, words)
        self.tokens.append(f"ya29.{secrets.token_urlsafe(24)}")
        document = {
            "access_token": self.tokens[-1], "expires_in": self.token_seconds,
            "token_type": "Bearer",
        }  # fmt: skip
        return Answer.of_json(200, document)

    def _take(self, asked: Asked) -> Answer:
        try:
            message = asked.json()["message"]
            data, token = message.get("data", {}), message["token"]
        except (ValueError, KeyError, TypeError):
            return _violation("message", "Invalid JSON payload received.")
        fault = _fault(message)
        if fault:
            return _violation(fault, "Invalid value")
        if not token.startswith("token-"):
            words = "The registration token is not a valid FCM registration token"
            return _error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", words)
        told = [*message.get("notification", {}).items(), *data.items()]
        if sum(len(name.encode()) + len(value.encode()) for name, value in told) > 4_096:
            words = "Android message is too big"
            return _error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", words)
        name = (
            f"projects/{self.project}/messages/0:{secrets.randbelow(10**16)}%{secrets.token_hex(8)}"
        )
        self.taken.append(Taken(name, token, data.get("tocsin_id", ""), asked, message))
        return Answer.of_json(200, {"name": name})


def _fault(message: dict[str, Any]) -> str:
    """Return the first field that FCM would not take."""
    data, android = message.get("data", {}), message.get("android", {})
    for name, value in data.items():
        if not isinstance(value, str) or re.match(r"from$|gcm|google", name):
            return f"message.data[{name}]"
    if set(message.get("notification", {})) - {"title", "body", "image"}:
        return "message.notification"
    ttl = re.fullmatch(r"(\d+)(\.\d+)?s", android.get("ttl", "0s"))
    if ttl is None or int(ttl[1]) > _MOST_TTL:
        return "message.android.ttl"
    if android.get("priority", "HIGH") not in ("HIGH", "NORMAL"):
        return "message.android.priority"
    if len(message.get("apns", {}).get("headers", {}).get("apns-collapse-id", "")) > 64:
        return "message.apns.headers"
    return ""


def _error(status: int, word: str, code: str, words: str) -> Answer:
    details = [{"@type": _ERROR, "errorCode": code}] if code else []
    error = {"code": status, "message": words, "status": word, "details": details}
    return Answer.of_json(status, {"error": error})


def _violation(field: str, words: str) -> Answer:
    details = [{"@type": _BAD_REQUEST, "fieldViolations": [{"field": field, "description": words}]}]
    error = {"code": 400, "message": words, "status": "INVALID_ARGUMENT", "details": details}
    return Answer.of_json(400, {"error": error})
