"""WhatsApp's Cloud API as Meta's pages describe it, for one business phone number."""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any, ClassVar
from urllib.parse import urlencode

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_REFUSALS: dict[Behaviour, tuple[int, int, str]] = {
    Behaviour.REJECT_RECIPIENT: (400, 131026, "Message undeliverable"),
    Behaviour.REJECT_MESSAGE: (400, 131009, "Parameter value is not valid"),
    Behaviour.REJECT_ACCOUNT: (403, 131031, "Business account locked"),
    Behaviour.THROTTLE: (429, 130429, "Rate limit hit"),
    Behaviour.FAIL: (500, 131000, "Something went wrong"),
    Behaviour.UNAVAILABLE: (503, 2, "Service temporarily unavailable"),
}


class FakeWhatsAppCloud(FakeVendor):
    """A phone number whose app has a secret and a verify token."""

    name: ClassVar[str] = "whatsapp_cloud"
    phone_number_id: ClassVar[str] = "106540352242922"
    access_token: ClassVar[str] = "EAAfakefakefake"
    app_secret: ClassVar[str] = "fake-app-secret"
    verify_token: ClassVar[str] = "fake-verify-token"

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one recipient."""
        return [str(asked.json().get("to"))]

    def answer(self, asked: Asked) -> Answer:
        """Take a message."""
        if asked.headers.get("authorization") != f"Bearer {self.access_token}":
            return _error(401, 190, "Invalid OAuth access token")
        version, _, rest = asked.path.removeprefix("/").partition("/")
        if not version.startswith("v") or rest != f"{self.phone_number_id}/messages":
            return _error(400, 100, "Unsupported post request")
        given = asked.json()
        if given.get("messaging_product") != "whatsapp" or not given.get("to"):
            return _error(400, 100, "The parameter messaging_product is required")
        kind = given.get("type")
        if kind == "text" and not 0 < len(given["text"]["body"]) <= 4096:
            return _error(400, 131009, "text.body must have 1 to 4096 characters")
        if kind == "template" and not given["template"].get("language", {}).get("code"):
            return _error(400, 131008, "template.language.code is missing")
        id = f"wamid.{secrets.token_hex(12)}"
        tag = str(given.get("biz_opaque_callback_data", ""))
        self.taken.append(Taken(id, given["to"], tag, asked, given))
        contact = {"input": given["to"], "wa_id": given["to"].removeprefix("+")}
        return Answer.of_json(
            200,
            {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": id}]},
        )

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with Meta's code."""
        status, code, words = _REFUSALS[behaviour]
        return _error(status, code, words)

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the call with a status of a message."""
        status: dict[str, Any] = {
            "id": taken.id, "status": event, "timestamp": str(int(time.time())),
            "recipient_id": taken.address.removeprefix("+"), "biz_opaque_callback_data": taken.tag,
        }  # fmt: skip
        if event == "failed":
            status["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
        return self._call({"statuses": [status]}, url, forgery)

    def message(self, sender: str, text: str, *, url: str) -> Call:
        """Return the call for what somebody wrote."""
        message = {
            "from": sender.removeprefix("+"), "id": f"wamid.{secrets.token_hex(12)}",
            "timestamp": str(int(time.time())), "type": "text", "text": {"body": text},
        }  # fmt: skip
        return self._call({"messages": [message]}, url, None)

    def setup(self, *, url: str, token: str = "") -> Call:
        """Return the call that proves the address when it is given to the app."""
        query = {
            "hub.mode": "subscribe", "hub.challenge": "1158201444",
            "hub.verify_token": token or self.verify_token,
        }  # fmt: skip
        return Call(f"{url}?{urlencode(query)}", {}, b"", method="GET")

    def _call(self, value: dict[str, Any], url: str, forgery: Forgery | None) -> Call:
        metadata = {"display_phone_number": "15550783881", "phone_number_id": self.phone_number_id}
        change = {"field": "messages", "value": {"metadata": metadata, **value}}
        document = {"object": "whatsapp_business_account", "entry": [{"changes": [change]}]}
        body = json.dumps(document).encode()
        key = b"another" if forgery is Forgery.WRONG_KEY else self.app_secret.encode()
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
        }
        if forgery is Forgery.UNSIGNED:
            del headers["X-Hub-Signature-256"]
        if forgery is Forgery.CHANGED_BODY:
            body = body.replace(b"statuses", b"Statuses")
        return Call(url, headers, body)


def _error(status: int, code: int, words: str) -> Answer:
    error = {"message": words, "type": "OAuthException", "code": code, "fbtrace_id": "fake"}
    return Answer.of_json(status, {"error": error})
