"""Infobip's SMS API, version 3, as its pages describe it: a status for each message of a call."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

STATUSES: dict[str, tuple[int, str, int]] = {
    "PENDING_WAITING_DELIVERY": (1, "PENDING", 3),
    "PENDING_ENROUTE": (1, "PENDING", 7),
    "PENDING_ACCEPTED": (1, "PENDING", 26),
    "UNDELIVERABLE_REJECTED_OPERATOR": (2, "UNDELIVERABLE", 4),
    "UNDELIVERABLE_NOT_DELIVERED": (2, "UNDELIVERABLE", 9),
    "DELIVERED_TO_OPERATOR": (3, "DELIVERED", 2),
    "DELIVERED_TO_HANDSET": (3, "DELIVERED", 5),
    "EXPIRED_EXPIRED": (4, "EXPIRED", 15),
    "EXPIRED_DLR_UNKNOWN": (4, "EXPIRED", 29),
    "REJECTED_DND": (5, "REJECTED", 10),
    "REJECTED_NOT_ENOUGH_CREDITS": (5, "REJECTED", 12),
    "REJECTED_FLOODING_FILTER": (5, "REJECTED", 20),
    "REJECTED_DUPLICATE_MESSAGE_ID": (5, "REJECTED", 23),
    "REJECTED_INVALID_UDH": (5, "REJECTED", 24),
    "REJECTED_MESSAGE_TOO_LONG": (5, "REJECTED", 25),
    "REJECTED_DESTINATION": (5, "REJECTED", 52),
}
ERRORS: dict[str, tuple[int, str, int, bool]] = {
    "NO_ERROR": (0, "OK", 0, False),
    "EC_UNKNOWN_SUBSCRIBER": (1, "HANDSET_ERRORS", 1, True),
    "EC_ABSENT_SUBSCRIBER": (1, "HANDSET_ERRORS", 27, False),
}
_REFUSED = {
    Behaviour.REJECT_RECIPIENT: "REJECTED_DESTINATION",
    Behaviour.REJECT_MESSAGE: "REJECTED_INVALID_UDH",
    Behaviour.REJECT_ACCOUNT: "REJECTED_NOT_ENOUGH_CREDITS",
}
_ERRORS = {
    Behaviour.THROTTLE: (429, "E429", "Too many requests"),
    Behaviour.FAIL: (500, "E500", "Internal error"),
    Behaviour.UNAVAILABLE: (503, "E503", "Service unavailable"),
}
_MOST_CHARACTERS = 25 * 153
_LONGEST_VALIDITY = 48 * 3600


class FakeInfobip(FakeVendor):
    """One account with one sender, and a notification profile that signs in or signs."""

    name: ClassVar[str] = "infobip"
    api_key: ClassVar[str] = "fake-key"
    user: ClassVar[str] = "tocsin"
    password: ClassVar[str] = "fake-password"
    secret: ClassVar[str] = "fake-secret"
    header: ClassVar[str] = "X-Signature"

    def __init__(self, security: str = "BASIC", encoding: str = "hex") -> None:
        super().__init__()
        self.security, self.encoding = security, encoding
        self.known: set[str] = set()
        """Ids of messages that were used."""

    def sends(self, asked: Asked) -> bool:
        """Whether it is a call that sends."""
        return asked.method == "POST"

    def addresses(self, asked: Asked) -> list[str]:
        """Return the recipient of a single text; those of a larger call are treated one by one."""
        messages = asked.json()["messages"]
        return [_address(one) for one in messages] if len(messages) == 1 else []

    def answer(self, asked: Asked) -> Answer:
        """Take texts, each on its own, or show the log of one."""
        if asked.headers.get("authorization") != f"App {self.api_key}":
            return _error(401, "E401", "Unauthorized")
        if asked.path == "/sms/3/logs" and asked.method == "GET":
            return self._logs(dict(parse_qsl(asked.query)).get("messageId", ""))
        if asked.path != "/sms/3/messages":
            return _error(404, "E404", "Not found")
        messages = asked.json().get("messages")
        if not messages:
            return _error(400, "E400", "Bad request", "messages")
        for number, one in enumerate(messages):
            if wrong := _wrong(one):
                return _error(400, "E400", "Bad request", f"messages[{number}].{wrong}")
        shown = [_shown(one, self._take(one, asked)) for one in messages]
        return Answer.of_json(200, {"bulkId": secrets.token_hex(8), "messages": shown})

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:
        """Answer with a status of the message, or with an error of the whole call."""
        if behaviour in _ERRORS:
            return _error(*_ERRORS[behaviour])
        shown = [_shown(one, _REFUSED[behaviour]) for one in asked.json()["messages"]]
        return Answer.of_json(200, {"messages": shown})

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the call with one report; `UNDELIVERABLE_NOT_DELIVERED EC_UNKNOWN_SUBSCRIBER`
        has an error besides.
        """
        name, _, error = event.partition(" ")
        return self.call([self.result(taken, name, error or "NO_ERROR")], url=url, forgery=forgery)

    def result(self, taken: Taken, name: str, error: str = "NO_ERROR") -> dict[str, Any]:
        """Return one report as it stands in a call."""
        group, group_name, id, permanent = ERRORS[error]
        return {
            "bulkId": "bulk-1", "messageId": taken.id, "to": taken.address.removeprefix("+"),
            "sender": "InfoSMS", "sentAt": _now(), "doneAt": _now(), "messageCount": 1,
            "mccMnc": "22801", "price": {"pricePerMessage": 0.01, "currency": "EUR"},
            "status": _status(name),
            "error": {
                "groupId": group, "groupName": group_name, "id": id, "name": error,
                "description": error, "permanent": permanent,
            },
        }  # fmt: skip

    def reply(self, sender: str, to: str, text: str, *, url: str) -> Call:
        """Return the call for a text that somebody sent to our number."""
        result = {
            "messageId": secrets.token_hex(10), "from": sender, "to": to, "text": text,
            "cleanText": text, "keyword": text.split()[0].upper(), "receivedAt": _now(),
            "smsCount": 1, "price": {"pricePerMessage": 0, "currency": "EUR"}, "callbackData": None,
        }  # fmt: skip
        return self.call([result], url=url)

    def call(self, results: list[Any], *, url: str, forgery: Forgery | None = None) -> Call:
        """Return the call that tells results, by the scheme of the notification profile. No scheme
        has a time in it: a replayed call is a true one, made again.
        """
        body = json.dumps({"results": results}).encode()
        wrong = forgery is Forgery.WRONG_KEY
        headers = {"Content-Type": "application/json"}
        if self.security == "BASIC":
            pair = f"{self.user}:{'another' if wrong else self.password}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            key = b"another" if wrong else self.secret.encode()
            digest = hmac.new(key, body, hashlib.sha256).digest()
            hexadecimal = self.encoding == "hex"
            given = digest.hex() if hexadecimal else base64.b64encode(digest).decode()
            headers[self.header] = given
        if forgery is Forgery.UNSIGNED:
            headers = {"Content-Type": "application/json"}
        return Call(url, headers, body + b" " if forgery is Forgery.CHANGED_BODY else body)

    def _take(self, message: dict[str, Any], asked: Asked) -> str:
        """Return the status of a text, which is taken if it is a good one."""
        address, [to] = _address(message), message["destinations"]
        behaviour = self.by_address.get(address)
        if behaviour in _REFUSED:
            return _REFUSED[behaviour]
        if not to["to"].isdecimal():
            return "REJECTED_DESTINATION"
        if len(message["content"]["text"]) > _MOST_CHARACTERS:
            return "REJECTED_MESSAGE_TOO_LONG"
        id = to.get("messageId") or secrets.token_hex(10)
        if id in self.known:
            return "REJECTED_DUPLICATE_MESSAGE_ID"
        self.known.add(id)
        self.taken.append(Taken(id, address, to.get("messageId", ""), asked, message))
        return "PENDING_ACCEPTED"

    def _logs(self, id: str) -> Answer:
        found = [one for one in self.taken if one.id == id]
        results = [self.result(one, "PENDING_ENROUTE") for one in found]
        for one, taken in zip(results, found, strict=True):
            one["destination"] = one.pop("to")
            one["content"] = taken.fields["content"]
        return Answer.of_json(200, {"results": results})


def _wrong(message: dict[str, Any]) -> str:
    """Return the field that Infobip would complain of, or nothing."""
    validity = message.get("options", {}).get("validityPeriod", {"amount": 1})
    if not message.get("sender"):
        return "sender"
    if not message.get("content", {}).get("text"):
        return "content.text"
    if any(not 0 < len(to.get("to", "")) <= 64 for to in message["destinations"]):
        return "destinations[0].to"
    return "" if 0 < validity["amount"] <= _LONGEST_VALIDITY else "options.validityPeriod.amount"


def _address(message: dict[str, Any]) -> str:
    return f"+{message['destinations'][0]['to']}"


def _shown(message: dict[str, Any], name: str) -> dict[str, Any]:
    [to] = message["destinations"]
    return {
        "messageId": to.get("messageId"), "destination": to["to"], "status": _status(name),
        "details": {"messageCount": 1},
    }  # fmt: skip


def _status(name: str) -> dict[str, Any]:
    group, group_name, id = STATUSES.get(name, (9, "OF_TOMORROW", 900))
    return {
        "groupId": group, "groupName": group_name, "id": id, "name": name,
        "description": name.replace("_", " ").capitalize(),
    }  # fmt: skip


def _error(status: int, code: str, words: str, field: str = "") -> Answer:
    violations = [{"property": field, "violation": "must be right"}] if field else []
    document = {
        "errorCode": code, "description": words, "action": "Mend it.", "violations": violations,
        "resources": [],
    }  # fmt: skip
    return Answer.of_json(status, document)


def _now() -> str:
    at = datetime.fromtimestamp(time.time(), UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}+0000"
