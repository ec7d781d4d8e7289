"""Amazon SNS's Publish as its pages describe it: to a phone number, and to an app's endpoint."""

import json
import uuid
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from fakes.aws_signature import FakeAws
from fakes.http_vendor import Answer, Asked, Behaviour, Taken

_NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
_REFUSALS: dict[Behaviour, tuple[int, str, str]] = {
    Behaviour.REJECT_RECIPIENT: (
        400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: not valid to publish to",
    ),
    Behaviour.REJECT_MESSAGE: (400, "InvalidParameter", "Invalid parameter: Empty message"),
    Behaviour.REJECT_ACCOUNT: (403, "AuthorizationError", "User is not authorized to publish"),
    Behaviour.THROTTLE: (429, "Throttled", "Rate exceeded"),
    Behaviour.FAIL: (500, "InternalError", "Internal service error"),
    Behaviour.UNAVAILABLE: (503, "ServiceUnavailable", "Service unavailable"),
}  # fmt: skip


class FakeSnsSms(FakeAws):
    """Texts to phones."""

    name: ClassVar[str] = "sns_sms"
    service: ClassVar[str] = "sns"
    target: ClassVar[str] = "PhoneNumber"

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one phone, or endpoint."""
        return [asked.form().get(self.target, "")]

    def answer(self, asked: Asked) -> Answer:
        """Publish."""
        denied = self.denial(asked)
        if denied is not None:
            return self._error(403, *denied)
        form = asked.form()
        if (form.get("Action"), form.get("Version")) != ("Publish", "2010-03-31"):
            return self._error(400, "InvalidAction", "Could not find operation")
        wrong = self._wrong(form)
        if wrong:
            return self._error(400, "InvalidParameter", f"Invalid parameter: {wrong}")
        taken = Taken(
            str(uuid.uuid4()), form[self.target], self._tag(form), asked,
            {**form, "attributes": _attributes(form)},
        )  # fmt: skip
        self.taken.append(taken)
        result = f"<PublishResult><MessageId>{taken.id}</MessageId></PublishResult>"
        return self._xml(200, "PublishResponse", result)

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with the error of SNS."""
        return self._error(*_REFUSALS[behaviour])

    def _wrong(self, form: dict[str, str]) -> str:
        number = form.get("PhoneNumber", "")
        if not number.startswith("+") or not number[1:].isdigit():
            return f"PhoneNumber Reason: {number} is not valid to publish to"
        if not form.get("Message"):
            return "Empty message"
        return "Message too long" if len(form["Message"]) > 1600 else ""

    def _tag(self, form: dict[str, str]) -> str:  # noqa: ARG002
        """A text has nowhere to carry one."""
        return ""

    def _error(self, status: int, code: str, words: str) -> Answer:
        kind = "Sender" if status < 500 else "Receiver"
        told = f"<Type>{kind}</Type><Code>{code}</Code><Message>{escape(words)}</Message>"
        return self._xml(status, "ErrorResponse", f"<Error>{told}</Error>")

    def _xml(self, status: int, name: str, inner: str) -> Answer:
        asked_as = f"<RequestId>{uuid.uuid4()}</RequestId>"
        body = f'<{name} xmlns="{_NAMESPACE}">{inner}{asked_as}</{name}>'
        return Answer(status, {"Content-Type": "text/xml", "Date": self.date()}, body.encode())


class FakeSnsPush(FakeSnsSms):
    """Push messages to endpoints."""

    name: ClassVar[str] = "sns_push"
    target: ClassVar[str] = "TargetArn"

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:
        """Answer with the error of SNS; an endpoint that is gone is disabled."""
        if behaviour is Behaviour.REJECT_RECIPIENT:
            return self._error(400, "EndpointDisabled", "Endpoint is disabled")
        return super().refuse(behaviour, asked)

    def _wrong(self, form: dict[str, str]) -> str:
        arn = form.get("TargetArn", "")
        if ":endpoint/" not in arn:
            return "TargetArn Reason: An ARN must have at least 6 elements, not 1"
        service = arn.split("/")[1]
        message = json.loads(form["Message"])
        if form.get("MessageStructure") != "json" or not {"default", service} & set(message):
            return f"Message Structure - JSON must contain an entry for 'default' or '{service}'."
        json.loads(message.get(service, "{}"))
        return "Message too long" if len(message.get(service, "").encode()) > 4096 else ""

    def _tag(self, form: dict[str, str]) -> str:
        service = form["TargetArn"].split("/")[1]
        payload: dict[str, Any] = json.loads(json.loads(form["Message"]).get(service, "{}"))
        data = payload["fcmV1Message"]["message"]["data"] if service == "GCM" else payload
        return str(data.get("tocsin_attempt", ""))


def _attributes(form: dict[str, str]) -> dict[str, str]:
    found, number = {}, 1
    while f"MessageAttributes.entry.{number}.Name" in form:
        entry = f"MessageAttributes.entry.{number}"
        found[form[f"{entry}.Name"]] = form[f"{entry}.Value.StringValue"]
        number += 1
    return found
