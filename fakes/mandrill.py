"""Mailchimp Transactional (Mandrill) as its pages describe it: a result for each recipient."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any, ClassVar
from urllib.parse import urlencode

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_ERRORS: dict[Behaviour, tuple[int, int, str, str]] = {
    Behaviour.REJECT_MESSAGE: (422, -2, "ValidationError", "You must specify a subject value"),
    Behaviour.REJECT_ACCOUNT: (402, 10, "PaymentRequired", "The feature requires payment."),
    Behaviour.THROTTLE: (429, -4, "RequestLimitExceeded", "Slow down"),
    Behaviour.FAIL: (500, -99, "GeneralError", "An unexpected error occurred"),
    Behaviour.UNAVAILABLE: (503, -1, "ServiceUnavailable", "Down for maintenance"),
}
_MOST_METADATA = 200


class FakeMandrill(FakeVendor):
    """One account, whose webhook's key signs the URL and the form."""

    name: ClassVar[str] = "mandrill"
    api_key: ClassVar[str] = "md-fake-key"
    webhook_key: ClassVar[str] = "fake-webhook-key"
    subaccount: ClassVar[str] = "shop"
    rejects: str = "hard-bounce"
    """The reason of recipients that are to be rejected."""
    queues: str | None = None
    """The reason why what is taken is only queued."""

    def addresses(self, asked: Asked) -> list[str]:
        """Return the recipients of a mail."""
        return [one["email"] for one in asked.json()["message"]["to"]]

    def answer(self, asked: Asked) -> Answer:
        """Check a mail and take it for each of its recipients."""
        given = asked.json()
        if given.get("key") != self.api_key:
            return _error(401, -1, "Invalid_Key", "Invalid API key")
        if asked.path != "/messages/send":
            return _error(404, -1, "Unknown_Method", "Unknown method")
        if refused := self._wrong(given["message"]):
            return refused
        return Answer.of_json(200, [self._take(to, asked) for to in given["message"]["to"]])

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:
        """Answer with Mandrill's errors; a recipient is refused in a good answer."""
        if behaviour is not Behaviour.REJECT_RECIPIENT:
            return _error(*_ERRORS[behaviour])
        result = {"status": "rejected", "reject_reason": self.rejects, "_id": secrets.token_hex(16)}
        return Answer.of_json(200, [{"email": one, **result} for one in self.addresses(asked)])

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the call with one event; `hard_bounce bad_mailbox`, `reject unsub`, `open Robot`
        carry what there is to say of it.
        """
        told, _, cause = event.partition(" ")
        message: dict[str, Any] = {
            "_id": taken.id, "email": taken.address, "metadata": {"attempt": taken.tag},
            "subject": taken.fields["subject"], "state": "sent", "tags": [],
        }  # fmt: skip
        one: dict[str, Any] = {
            "event": told, "_id": taken.id, "ts": int(time.time()), "msg": message,
        }  # fmt: skip
        if told.endswith("bounce"):
            message |= {"bounce_description": cause, "diag": "smtp;550 5.1.1 nobody"}
        if told == "reject":
            message["reject"] = {"reason": cause, "last_event_at": "2026-11-25 10:00:00"}
        if told in ("open", "click"):
            one |= {"ip": "127.0.0.1", "user_agent_parsed": {"type": cause or "Browser"}}
        if told == "click":
            one["url"] = "https://example.com/1"
        return self.call([one], url=url, forgery=forgery)

    def call(self, events: list[Any], *, url: str, forgery: Forgery | None = None) -> Call:
        """Return the signed call that tells events. There is no time in it: a replayed one is a
        true one, made again.
        """
        fields = {"mandrill_events": json.dumps(events)}
        key = "another-key" if forgery is Forgery.WRONG_KEY else self.webhook_key
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Mandrill-Webhook/1.0",
            "X-Mandrill-Signature": _signature(url, fields, key),
        }
        if forgery is Forgery.UNSIGNED:
            del headers["X-Mandrill-Signature"]
        if forgery is Forgery.CHANGED_BODY:
            fields["mandrill_events"] += " "
        return Call(url, headers, urlencode(fields).encode())

    def probe(self, *, url: str) -> Call:
        """Return the call by which Mandrill sees whether a new webhook's URL is there."""
        return Call(url, {"User-Agent": "Mandrill-Webhook/1.0"}, b"", "HEAD")

    def _wrong(self, message: dict[str, Any]) -> Answer | None:
        for name in ("from_email", "subject", "to"):
            if not message.get(name):
                return _error(422, -2, "ValidationError", f"You must specify a {name} value")
        if len(json.dumps(message.get("metadata", {}))) > _MOST_METADATA:
            return _error(422, -2, "ValidationError", "metadata: at most 200 bytes of JSON")
        if message.get("subaccount", self.subaccount) != self.subaccount:
            return _error(404, 12, "Unknown_Subaccount", "No subaccount exists with this id")
        return None

    def _take(self, to: dict[str, str], asked: Asked) -> dict[str, Any]:
        if "@" not in to["email"]:
            return {"email": to["email"], "status": "invalid", "_id": secrets.token_hex(16)}
        message = asked.json()["message"]
        id, tag = secrets.token_hex(16), message.get("metadata", {}).get("attempt", "")
        self.taken.append(Taken(id, to["email"], tag, asked, message))
        return {
            "email": to["email"], "status": "queued" if self.queues else "sent", "_id": id,
            "reject_reason": None, "queued_reason": self.queues,
        }  # fmt: skip


def _signature(url: str, fields: dict[str, str], key: str) -> str:
    signed = url
    for name in sorted(fields):
        signed += name + fields[name]
    digest = hmac.new(key.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _error(status: int, code: int, name: str, words: str) -> Answer:
    document = {"status": "error", "code": code, "name": name, "message": words}
    return Answer.of_json(status, document)
