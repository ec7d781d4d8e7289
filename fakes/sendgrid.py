"""SendGrid's mail API as its pages describe it, with its signed events."""

import base64
import json
import secrets
import time
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_KEY = ec.generate_private_key(ec.SECP256R1())
_OTHER = ec.generate_private_key(ec.SECP256R1())
_REFUSALS: dict[Behaviour, tuple[int, str, str | None]] = {
    Behaviour.REJECT_RECIPIENT: (
        400, "Does not contain a valid address.", "personalizations.0.to.0.email",
    ),
    Behaviour.REJECT_MESSAGE: (400, "The content value must be a string.", "content.0.value"),
    Behaviour.REJECT_ACCOUNT: (
        403, "The from address does not match a verified Sender Identity.", "from",
    ),
    Behaviour.THROTTLE: (429, "too many requests", None),
    Behaviour.FAIL: (500, "internal error", None),
    Behaviour.UNAVAILABLE: (503, "service unavailable", None),
}  # fmt: skip


class FakeSendGrid(FakeVendor):
    """One account, whose mails are substituted as SendGrid does."""

    name: ClassVar[str] = "sendgrid"
    api_key: ClassVar[str] = "SG.fake-key"
    verification_key: ClassVar[str] = base64.b64encode(
        _KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()

    def addresses(self, asked: Asked) -> list[str]:
        """Return the recipients of all personalizations."""
        return [to["email"] for one in asked.json()["personalizations"] for to in one["to"]]

    def answer(self, asked: Asked) -> Answer:
        """Take the mails of a call, all or none."""
        if asked.headers.get("authorization") != f"Bearer {self.api_key}":
            return _error(401, "The provided authorization grant is invalid", None)
        if asked.path != "/v3/mail/send":
            return _error(404, "Not found", None)
        given = asked.json()
        people = given.get("personalizations") or []
        if not 0 < len(people) <= 1000:
            return _error(400, "1 to 1000 personalizations", "personalizations")
        for number, one in enumerate(people):
            if not (given.get("subject") or one.get("subject")):
                return _error(400, "The subject is required.", "subject")
            if len(json.dumps(one.get("substitutions", {}))) > 12_000:
                return _error(400, "Too long", f"personalizations.{number}.substitutions")
        listed = self.addresses(asked)
        if len({one.lower() for one in listed}) != len(listed):
            return _error(400, "Each email address must be unique", "personalizations.1.to.0.email")
        id = secrets.token_urlsafe(16)
        for one in people:
            shown = {"subject": one.get("subject") or given["subject"]}
            for body in given["content"]:
                shown[body["type"]] = _substituted(body["value"], one.get("substitutions", {}))
            tag = one.get("custom_args", {}).get("attempt", "")
            self.taken.append(Taken(id, one["to"][0]["email"], tag, asked, shown))
        return Answer(202, {"X-Message-Id": id})

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with SendGrid's errors."""
        status, words, field = _REFUSALS[behaviour]
        return _error(status, words, field)

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the call with one event; `bounce blocked` and `dropped …` carry their cause."""
        told, _, cause = event.partition(" ")
        one: dict[str, Any] = {
            "email": taken.address, "timestamp": int(time.time()), "event": told,
            "sg_event_id": secrets.token_urlsafe(12), "sg_message_id": f"{taken.id}.filter",
            "attempt": taken.tag,
        }  # fmt: skip
        if told == "bounce":
            one |= {"type": cause or "bounce", "status": "5.1.1", "reason": "550 nobody"}
        if told == "dropped":
            one["reason"] = cause
        return self.call([one], url=url, forgery=forgery)

    def call(self, events: list[Any], *, url: str, forgery: Forgery | None = None) -> Call:
        """Return the signed call that tells events."""
        body = json.dumps(events).encode()
        at = str(int(time.time()) - (80 * 3600 if forgery is Forgery.REPLAYED else 0))
        key = _OTHER if forgery is Forgery.WRONG_KEY else _KEY
        signature = key.sign(at.encode() + body, ec.ECDSA(SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Timestamp": at,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        }
        if forgery is Forgery.UNSIGNED:
            del headers["X-Twilio-Email-Event-Webhook-Signature"]
        return Call(url, headers, body + b" " if forgery is Forgery.CHANGED_BODY else body)


def _substituted(text: str, substitutions: dict[str, str]) -> str:
    for mark, value in substitutions.items():
        text = text.replace(mark, value)
    return text


def _error(status: int, words: str, field: str | None) -> Answer:
    return Answer.of_json(status, {"errors": [{"message": words, "field": field, "help": None}]})
