"""AWS End User Messaging as its pages describe it: texts, and events by SNS."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from fakes.http_vendor import Answer, Asked, Behaviour, Call, Forgery, Taken
from fakes.sns_topic import FakeTopic


def _invalid(field: str) -> tuple[int, str, str, list[str]]:
    return 400, "ValidationException", "INVALID_PARAMETER", [field]


_REFUSALS: dict[Behaviour, tuple[int, str, str, list[str]]] = {
    Behaviour.REJECT_RECIPIENT: _invalid("DestinationPhoneNumber"),
    Behaviour.REJECT_MESSAGE: _invalid("MessageBody"),
    Behaviour.REJECT_ACCOUNT: (400, "AccessDeniedException", "ACCOUNT_DISABLED", []),
    Behaviour.THROTTLE: (400, "ThrottlingException", "", []),
    Behaviour.FAIL: (500, "InternalServerException", "", []),
    Behaviour.UNAVAILABLE: (503, "ServiceUnavailableException", "", []),
}


class FakeAwsSms(FakeTopic):
    """An account with one number."""

    name: ClassVar[str] = "aws_sms"
    service: ClassVar[str] = "sms-voice"

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one phone."""
        return [asked.json().get("DestinationPhoneNumber", "")]

    def answer(self, asked: Asked) -> Answer:
        """Take a text."""
        if not self.sends(asked):
            return self.answer_as_sns(asked)
        denied = self.denial(asked)
        if denied is not None:
            code, words = denied
            return self._error(400, code, "", [], words)
        if asked.headers.get("x-amz-target") != "PinpointSMSVoiceV2.SendTextMessage":
            return self._error(400, "UnknownOperationException", "", [])
        document = asked.json()
        wrong = _wrong_field(document)
        if wrong:
            return self._error(*_invalid(wrong))
        context = document.get("Context", {})
        taken = Taken(
            str(uuid.uuid4()), document["DestinationPhoneNumber"],
            context.get("tocsin_attempt", ""), asked, document,
        )  # fmt: skip
        self.taken.append(taken)
        return Answer.of_json(200, {"MessageId": taken.id})

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with the exception and its reason."""
        return self._error(*_REFUSALS[behaviour])

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return a call of SNS that tells an event."""
        stamp = int(time.time() * 1000)
        document = {
            "eventType": event, "eventVersion": "1.0", "eventTimestamp": stamp,
            "isFinal": event == "TEXT_DELIVERED", "originationPhoneNumber": "+12065550152",
            "destinationPhoneNumber": taken.address, "isoCountryCode": "US",
            "messageId": taken.id, "messageRequestTimestamp": stamp - 300,
            "messageEncoding": "GSM", "messageType": taken.fields["MessageType"],
            "messageStatus": event.removeprefix("TEXT_"),
            "messageStatusDescription": "Message has been handled by the carrier",
            "context": taken.fields.get("Context", {}), "totalMessageParts": 1,
            "totalMessagePrice": 0.00581, "totalCarrierFee": 0.0,
        }  # fmt: skip
        return self.tell(document, url=url, forgery=forgery)

    def reply(self, sender: str, to: str, text: str, *, url: str) -> Call:
        """Return the call of SNS for a text that somebody sent to our number."""
        document = {
            "originationNumber": sender, "destinationNumber": to, "messageKeyword": "KEYWORD_1",
            "messageBody": text, "inboundMessageId": str(uuid.uuid4()),
        }  # fmt: skip
        return self.tell(document, url=url)

    def _error(
        self, status: int, code: str, reason: str, fields: list[str], words: str = "refused"
    ) -> Answer:
        document: dict[str, Any] = {
            "__type": f"com.amazonaws.pinpointsmsvoicev2#{code}", "Message": words,
        }  # fmt: skip
        if reason:
            document["Reason"] = reason
        if fields:
            document["Fields"] = [{"Name": one, "Message": "is invalid"} for one in fields]
        headers = {"Content-Type": "application/x-amz-json-1.0", "Date": self.date()}
        return Answer(status, headers, json.dumps(document).encode())


def _wrong_field(document: Mapping[str, Any]) -> str:
    if not str(document.get("DestinationPhoneNumber", "")).startswith("+"):
        return "DestinationPhoneNumber"
    if not 1 <= len(document.get("MessageBody", "")) <= 1600:
        return "MessageBody"
    if document.get("MessageType") not in ("TRANSACTIONAL", "PROMOTIONAL"):
        return "MessageType"
    if not 5 <= document.get("TimeToLive", 5) <= 259_200:
        return "TimeToLive"
    return "Context" if len(document.get("Context", {})) > 5 else ""
