"""Vonage's SMS API as its pages describe it: always 200, and one element for each segment."""

import hashlib
import hmac
import json
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

import jwt

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_REFUSALS: dict[Behaviour, tuple[str, str]] = {
    Behaviour.REJECT_RECIPIENT: ("6", "The message was invalid: unroutable number prefix"),
    Behaviour.REJECT_MESSAGE: ("2", "Missing text param"),
    Behaviour.REJECT_ACCOUNT: ("8", "Partner account barred"),
    Behaviour.THROTTLE: ("1", "Throughput Rate Exceeded - please wait [ 250 ] and retry"),
    Behaviour.FAIL: ("5", "Internal Error"),
}
_ERROR_CODES = {"failed": "8", "rejected": "9", "unknown": "1"}
_LATER = 600


class FakeVonage(FakeVendor):
    """One account whose dashboard says SHA-256, with one number."""

    name: ClassVar[str] = "vonage"
    api_key: ClassVar[str] = "abcd1234"
    secret: ClassVar[str] = "fake-secret"
    signature_secret: ClassVar[str] = "fake-signature-secret-of-32-letters"

    def __init__(self, style: str = "form") -> None:
        super().__init__()
        self.style = style
        """How webhooks come: form, json, get or messages (as the Messages API sends them)."""

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one recipient."""
        return [f"+{asked.form().get('to', '')}"]

    def answer(self, asked: Asked) -> Answer:
        """Check a message and take all its segments."""
        if asked.method != "POST" or asked.path != "/sms/json":
            return Answer(404, {"Content-Type": "text/html"}, b"<h1>Not Found</h1>")
        form = asked.form()
        refused = self._wrong_sign_in(form) or _wrong_fields(form)
        if refused:
            return _refusal(*refused)
        ids = [secrets.token_hex(8).upper() for _ in range(_segments(form))]
        self.taken.append(Taken(ids[0], f"+{form['to']}", form.get("client-ref", ""), asked, form))
        return _answer(
            [
                {
                    "to": form["to"], "message-id": id, "status": "0",
                    "remaining-balance": "3.14159265", "message-price": "0.03330000",
                    "network": "12345", "client-ref": form.get("client-ref", ""),
                }
                for id in ids
            ]
        )  # fmt: skip

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with Vonage's status, which is an HTTP status only when nothing works."""
        if behaviour is Behaviour.UNAVAILABLE:
            return Answer(503, {"Content-Type": "text/html"}, b"<h1>Service Unavailable</h1>")
        return _refusal(*_REFUSALS[behaviour])

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the delivery receipt of a message's first part."""
        return self.part_receipt(taken, event, taken.id, url=url, forgery=forgery)

    def part_receipt(
        self, taken: Taken, event: str, id: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the delivery receipt of one part, to the message's own callback if it had one."""
        url = taken.fields.get("callback", url)
        if self.style == "messages":
            document = {
                "message_uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, id)), "status": event,
                "to": taken.fields["to"], "from": taken.fields["from"], "channel": "sms",
                "timestamp": _now().isoformat(), "client_ref": taken.tag,
            }  # fmt: skip
            return self._token_call(url, document, forgery)
        fields = {
            "msisdn": taken.fields["to"], "to": taken.fields["from"], "network-code": "12345",
            "messageId": id, "price": "0.03330000", "status": event, "scts": "2611251000",
            "err-code": _ERROR_CODES.get(event, "0"), "api-key": self.api_key,
            "client-ref": taken.tag,
            "message-timestamp": _now().strftime("%Y-%m-%d %H:%M:%S"),
        }  # fmt: skip
        return self._signed_call(url, fields, forgery)

    def reply(self, sender: str, to: str, text: str, *, url: str) -> Call:
        """Return the webhook for a text that somebody sent to our number."""
        if self.style == "messages":
            document = {
                "channel": "sms", "message_uuid": str(uuid.uuid4()), "from": sender, "to": to,
                "timestamp": _now().isoformat(), "message_type": "text", "text": text,
            }  # fmt: skip
            return self._token_call(url, document, None)
        fields = {
            "api-key": self.api_key, "msisdn": sender, "to": to, "text": text, "type": "text",
            "messageId": secrets.token_hex(8).upper(), "keyword": text.split()[0].upper(),
            "message-timestamp": _now().strftime("%Y-%m-%d %H:%M:%S"),
        }  # fmt: skip
        return self._signed_call(url, fields, None)

    def _signed_call(self, url: str, fields: dict[str, str], forgery: Forgery | None) -> Call:
        old = _LATER if forgery is Forgery.REPLAYED else 0
        fields |= {"timestamp": str(int(time.time()) - old), "nonce": str(uuid.uuid4())}
        key = "another-secret" if forgery is Forgery.WRONG_KEY else self.signature_secret
        fields["sig"] = _sign(fields, key).upper()
        if forgery is Forgery.UNSIGNED:
            del fields["sig"]
        if forgery is Forgery.CHANGED_BODY:
            fields["messageId"] = "0" * 16
        if self.style == "get":
            return Call(f"{url}?{urlencode(fields)}", {}, b"", "GET")
        if self.style == "json":
            return Call(url, {"Content-Type": "application/json"}, json.dumps(fields).encode())
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Call(url, headers, urlencode(fields).encode())

    def _token_call(self, url: str, document: dict[str, Any], forgery: Forgery | None) -> Call:
        body = json.dumps(document).encode()
        old = _LATER if forgery is Forgery.REPLAYED else 0
        claims = {
            "iat": int(time.time()) - old, "jti": str(uuid.uuid4()), "iss": "Vonage",
            "payload_hash": hashlib.sha256(body).hexdigest(), "api_key": self.api_key,
        }  # fmt: skip
        key = self.signature_secret
        if forgery is Forgery.WRONG_KEY:
            key = key[::-1]
        headers = {"Content-Type": "application/json"}
        if forgery is not Forgery.UNSIGNED:
            headers["Authorization"] = f"Bearer {jwt.encode(claims, key, 'HS256')}"
        if forgery is Forgery.CHANGED_BODY:
            body = json.dumps({**document, "message_uuid": str(uuid.uuid4())}).encode()
        return Call(url, headers, body)

    def _wrong_sign_in(self, form: dict[str, str]) -> tuple[str, str] | None:
        if form.get("api_key") != self.api_key:
            return "4", "Bad Credentials"
        if "sig" not in form:
            return None if form.get("api_secret") == self.secret else ("4", "Bad Credentials")
        if "api_secret" in form:
            return "32", "Signature And API Secret Disallowed"
        unsigned = {name: value for name, value in form.items() if name != "sig"}
        late = abs(int(form.get("timestamp", "0")) - time.time()) > _LATER
        if late or form["sig"] != _sign(unsigned, self.signature_secret):
            return "14", "Invalid Signature"
        return None


def _wrong_fields(form: dict[str, str]) -> tuple[str, str] | None:
    for name in ("from", "to", "text"):
        if not form.get(name):
            return "2", f"Missing {name} param"
    if not form["to"].isdecimal():
        return "3", "Invalid to param"
    if form.get("type", "text") not in ("text", "unicode"):
        return "3", "Invalid type param"
    if max(len(form.get("client-ref", "")), len(form.get("callback", ""))) > 100:
        return "3", "Invalid client-ref or callback param"
    if not 20_000 <= int(form.get("ttl", "20000")) <= 604_800_000:
        return "3", "Invalid ttl param"
    return None


def _segments(form: dict[str, str]) -> int:
    """Return how many parts a text makes, near enough: escapes are not counted."""
    if form.get("type") == "unicode":
        length, alone, part = len(form["text"].encode("utf-16-le")) // 2, 70, 67
    else:
        length, alone, part = len(form["text"]), 160, 153
    return 1 if length <= alone else -(-length // part)


def _sign(fields: dict[str, str], key: str) -> str:
    text = ""
    for name in sorted(fields):
        text += "&" + name + "=" + fields[name].translate({ord("&"): "_", ord("="): "_"})
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _answer(messages: list[dict[str, str]]) -> Answer:
    return Answer.of_json(200, {"message-count": str(len(messages)), "messages": messages})


def _refusal(status: str, words: str) -> Answer:
    return _answer([{"status": status, "error-text": words}])


def _now() -> datetime:
    return datetime.now(UTC)
