"""Somebody's own server that takes messages by signed webhooks, and tells what became of them."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any, ClassVar

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_REFUSALS: dict[Behaviour, tuple[int, dict[str, str]]] = {
    Behaviour.REJECT_RECIPIENT: (422, {"reason": "invalid_address", "detail": "nobody is there"}),
    Behaviour.REJECT_MESSAGE: (422, {"reason": "invalid_payload"}),
    Behaviour.REJECT_ACCOUNT: (403, {"reason": "suspended"}),
    Behaviour.THROTTLE: (429, {"reason": "rate_account"}),
    Behaviour.FAIL: (500, {}),
    Behaviour.UNAVAILABLE: (503, {}),
}
_KEYS = {
    "attempt_id", "notification", "channel", "address", "content", "target", "expires_at",
}  # fmt: skip


class FakeWebhook(FakeVendor):
    """A receiver that checks signatures, and takes a message once however often it comes."""

    name: ClassVar[str] = "webhook"
    secret: ClassVar[str] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    def __init__(self, *, wordless: bool = False) -> None:
        super().__init__()
        self.wordless = wordless
        """Answer 204 with no body, as many receivers do."""

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one recipient."""
        return [asked.json()["address"]]

    def answer(self, asked: Asked) -> Answer:
        """Take a message that is signed."""
        if not self._is_signed(asked):
            return Answer.of_json(401, {"detail": "the signature is wrong"})
        document = asked.json()
        if set(document) != _KEYS:
            return Answer.of_json(400, {"reason": "invalid_payload", "detail": "other keys"})
        if document["attempt_id"] != asked.headers["webhook-id"]:
            return Answer.of_json(400, {"reason": "invalid_payload", "detail": "another id"})
        taken = next((one for one in self.taken if one.tag == document["attempt_id"]), None)
        if taken is None:
            id = f"own-{secrets.token_hex(8)}"
            taken = Taken(id, document["address"], document["attempt_id"], asked, document)
            self.taken.append(taken)
        return Answer(204) if self.wordless else Answer.of_json(200, {"id": taken.id})

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with a reason."""
        status, document = _REFUSALS[behaviour]
        wait = {"Retry_After": "7"} if behaviour is Behaviour.THROTTLE else {}
        return Answer.of_json(status, document, **wait)

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return a call that tells one event; failures are said to be for good."""
        told: dict[str, Any] = {"attempt_id": taken.tag, "kind": event}
        if event in ("failed", "bounced"):
            told |= {"reason": "invalid_address", "hard": True}
        return self.call([told], url=url, forgery=forgery)

    def call(self, told: Any, *, url: str, forgery: Forgery | None = None) -> Call:
        """Return a signed call that tells anything."""
        id, body = f"msg_{secrets.token_hex(8)}", json.dumps(told).encode()
        sent = int(time.time()) - (600 if forgery is Forgery.REPLAYED else 0)
        key = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" if forgery is Forgery.WRONG_KEY else None
        headers = {
            "Content-Type": "application/json",
            "Webhook-Id": id,
            "Webhook-Timestamp": str(sent),
            "Webhook-Signature": f"v1,{_signature(key or self.secret, id, str(sent), body)}",
        }
        if forgery is Forgery.UNSIGNED:
            del headers["Webhook-Signature"]
        if forgery is Forgery.CHANGED_BODY:
            body = body.replace(b"attempt_id", b"attempt_Id")
        return Call(url, headers, body)

    def _is_signed(self, asked: Asked) -> bool:
        id, sent = asked.headers.get("webhook-id", ""), asked.headers.get("webhook-timestamp", "0")
        if abs(time.time() - int(sent)) > 300:
            return False
        expected = _signature(self.secret, id, sent, asked.body)
        return f"v1,{expected}" in asked.headers.get("webhook-signature", "").split(" ")


def _signature(secret: str, id: str, sent: str, body: bytes) -> str:
    key = base64.b64decode(secret.split("_", 1)[1])
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for piece in (id.encode(), b".", sent.encode(), b".", body):
        mac.update(piece)
    return base64.b64encode(mac.digest()).decode()
