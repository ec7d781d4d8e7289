"""Twilio's messages API as its pages describe it, for SMS and WhatsApp alike."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_REFUSALS: dict[Behaviour, tuple[int, int, str]] = {
    Behaviour.REJECT_RECIPIENT: (400, 21211, "The 'To' number is not a valid phone number."),
    Behaviour.REJECT_MESSAGE: (400, 21602, "Message body is required."),
    Behaviour.REJECT_ACCOUNT: (403, 30002, "Account suspended"),
    Behaviour.THROTTLE: (429, 20429, "Too Many Requests"),
    Behaviour.FAIL: (500, 20500, "Internal Server Error"),
    Behaviour.UNAVAILABLE: (503, 20503, "Service unavailable"),
}


class FakeTwilio(FakeVendor):
    """One account with one number, and one API key."""

    name: ClassVar[str] = "twilio"
    prefix: ClassVar[str] = ""
    page: ClassVar[int] = 50
    """Most messages of one list, whatever PageSize asks for."""

    account_sid: ClassVar[str] = "AC00000000000000000000000000000001"
    token: ClassVar[str] = "fake-token"
    api_key: ClassVar[tuple[str, str]] = ("SK00000000000000000000000000000001", "fake-secret")
    error: str = "30003"
    """The code of messages that are told to be undelivered or failed."""

    def sends(self, asked: Asked) -> bool:
        """Whether it is the creation of a message."""
        return asked.method == "POST"

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one recipient."""
        return [asked.form().get("To", "").removeprefix(self.prefix)]

    def answer(self, asked: Asked) -> Answer:
        """Create a message, list messages, or show one."""
        if not self._signed_in(asked):
            return _error(401, 20003, "Authenticate")
        base = f"/2010-04-01/Accounts/{self.account_sid}/Messages"
        if not asked.path.startswith(base):
            return _error(404, 20404, "The requested resource was not found")
        if asked.method == "GET":
            return self._show(asked, asked.path.removeprefix(base))
        return self._create(asked)

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with Twilio's code."""
        status, code, words = _REFUSALS[behaviour]
        return _error(status, code, words)

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return a status callback: to the message's own StatusCallback where it had one."""
        fields = {
            "MessageSid": taken.id,
            "SmsSid": taken.id,
            "MessageStatus": event,
            "AccountSid": self.account_sid,
            "To": taken.fields["To"],
            "From": taken.fields.get("From", ""),
        }
        if event in ("undelivered", "failed"):
            fields["ErrorCode"] = self.error
        return self._call(taken.fields.get("StatusCallback", url), fields, forgery)

    def reply(self, sender: str, to: str, text: str, *, url: str, choice: str = "") -> Call:
        """Return the webhook for a text that somebody sent to our number.

        `choice` (STOP, START, HELP) says that Twilio understood it and has answered itself.
        """
        sid = f"SM{secrets.token_hex(16)}"
        fields = {
            "MessageSid": sid, "SmsSid": sid, "SmsStatus": "received",
            "AccountSid": self.account_sid, "From": self.prefix + sender, "To": self.prefix + to,
            "Body": text, "NumMedia": "0",
        }  # fmt: skip
        if choice:
            fields["OptOutType"] = choice
        return self._call(url, fields, None)

    def refuses(self, form: dict[str, str]) -> Answer | None:  # noqa: ARG002
        """Return what the channel has against a message."""
        return None

    def _call(self, url: str, fields: dict[str, str], forgery: Forgery | None) -> Call:
        key = "another-token" if forgery is Forgery.WRONG_KEY else self.token
        data = url + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.new(key.encode(), data.encode(), hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
        }
        if forgery is Forgery.UNSIGNED:
            del headers["X-Twilio-Signature"]
        if forgery is Forgery.CHANGED_BODY:
            fields = {**fields, "MessageStatus": "delivered", "To": "+14155550199"}
        return Call(url, headers, urlencode(fields).encode())

    def _signed_in(self, asked: Asked) -> bool:
        kind, _, value = asked.headers.get("authorization", "").partition(" ")
        pairs = ((self.account_sid, self.token), self.api_key)
        known = [base64.b64encode(":".join(pair).encode()).decode() for pair in pairs]
        return kind == "Basic" and value in known

    def _create(self, asked: Asked) -> Answer:
        form = asked.form()
        for name, code in (("To", 21604), ("Body", 21602)):
            if not form.get(name) and not (name == "Body" and form.get("ContentSid")):
                return _error(400, code, f"A '{name}' is required.")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _error(400, 21603, "A 'From' phone number is required.")
        if len(form.get("Body", "")) > 1600:
            return _error(400, 21617, "The concatenated message body exceeds the limit.")
        if not form["To"].removeprefix(self.prefix).startswith("+"):
            return _error(400, 21211, f"The 'To' number {form['To']} is not valid.")
        if "ValidityPeriod" in form and not 1 <= int(form["ValidityPeriod"]) <= 36_000:
            return _error(400, 21624, "ValidityPeriod is out of range")
        if refused := self.refuses(form):
            return refused
        callback = dict(parse_qsl(urlsplit(form.get("StatusCallback", "")).query))
        taken = Taken(
            f"SM{secrets.token_hex(16)}",
            form["To"].removeprefix(self.prefix),
            callback.get("attempt", ""),
            asked,
            {**form, "date_created": format_datetime(datetime.now(UTC))},
        )
        self.taken.append(taken)
        return Answer.of_json(201, self._message(taken))

    def _show(self, asked: Asked, rest: str) -> Answer:
        if rest == ".json":
            to = dict(parse_qsl(asked.query)).get("To", "")
            listed = [self._message(one) for one in self.taken if one.fields["To"] == to]
            newest = listed[::-1][: self.page]
            following = "/next" if len(listed) > self.page else None
            return Answer.of_json(200, {"messages": newest, "next_page_uri": following})
        sid = rest.removeprefix("/").removesuffix(".json")
        found = next((one for one in self.taken if one.id == sid), None)
        if found is None:
            return _error(404, 20404, "The requested resource was not found")
        return Answer.of_json(200, self._message(found))

    def _message(self, taken: Taken) -> dict[str, Any]:
        return {
            "sid": taken.id, "status": "queued", "error_code": None, "error_message": None,
            "to": taken.fields["To"], "from": taken.fields.get("From"), "num_segments": "1",
            "account_sid": self.account_sid, "date_created": taken.fields["date_created"],
        }  # fmt: skip


class FakeTwilioWhatsApp(FakeTwilio):
    """The same account with a WhatsApp sender, and one approved template."""

    name: ClassVar[str] = "twilio_whatsapp"
    prefix: ClassVar[str] = "whatsapp:"
    template: ClassVar[str] = "HX00000000000000000000000000000001"

    def refuses(self, form: dict[str, str]) -> Answer | None:
        """Check that both ends are on WhatsApp, and the template with its variables."""
        ends = [form["To"], *([form["From"]] if "From" in form else [])]
        if not all(end.startswith(self.prefix) for end in ends):
            return _error(400, 21910, "Invalid From and To pair. They must be of one channel.")
        if "ContentSid" not in form:
            return None
        if form["ContentSid"] != self.template:
            return _error(404, 20404, "The requested template was not found")
        try:
            variables = json.loads(form.get("ContentVariables", "{}"))
        except ValueError:
            return _error(400, 21656, "The ContentVariables parameter is invalid.")
        if not all(isinstance(value, str) for value in variables.values()):
            return _error(400, 21656, "The ContentVariables parameter is invalid.")
        return None


def _error(status: int, code: int, words: str) -> Answer:
    more = f"https://www.twilio.com/docs/errors/{code}"
    document = {"code": code, "message": words, "more_info": more, "status": status}
    return Answer.of_json(status, document)
