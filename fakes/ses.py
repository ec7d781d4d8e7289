"""Amazon SES v2 as its pages describe it: single mails, bulk calls, and events by SNS."""

import base64
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from fakes.http_vendor import Answer, Asked, Behaviour, Call, Forgery, Taken
from fakes.sns_topic import FakeTopic

_REFUSALS: dict[Behaviour, tuple[int, str, str]] = {
    Behaviour.REJECT_RECIPIENT: (400, "BadRequestException", "Missing final '@domain'"),
    Behaviour.REJECT_MESSAGE: (400, "BadRequestException", "Empty required header 'Subject'."),
    Behaviour.REJECT_ACCOUNT: (400, "AccountSuspendedException", "Account is suspended"),
    Behaviour.THROTTLE: (429, "TooManyRequestsException", "Maximum sending rate exceeded."),
    Behaviour.FAIL: (500, "InternalServerErrorException", "Internal failure"),
    Behaviour.UNAVAILABLE: (503, "ServiceUnavailableException", "Service unavailable"),
}
_ENTRY_REFUSALS = {
    Behaviour.REJECT_RECIPIENT: ("INVALID_PARAMETER", "Missing final '@domain'"),
    Behaviour.REJECT_MESSAGE: ("MESSAGE_REJECTED", "Email content is not allowed."),
    Behaviour.REJECT_ACCOUNT: ("ACCOUNT_SUSPENDED", "Account is suspended"),
    Behaviour.THROTTLE: ("ACCOUNT_THROTTLED", "Maximum sending rate exceeded."),
    Behaviour.FAIL: ("TRANSIENT_FAILURE", "Try again"),
}
_SINGLE, _BULK = "/v2/email/outbound-emails", "/v2/email/outbound-bulk-emails"
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_DETAILS = {
    "Send": "send", "Delivery": "delivery", "DeliveryDelay": "deliveryDelay", "Bounce": "bounce",
    "Complaint": "complaint", "Reject": "reject", "Rendering Failure": "failure", "Open": "open",
    "Click": "click", "Subscription": "subscription",
}  # fmt: skip


class FakeSes(FakeTopic):
    """An account with one verified sender."""

    name: ClassVar[str] = "ses"
    service: ClassVar[str] = "ses"

    def addresses(self, asked: Asked) -> list[str]:
        """Return the recipients of a single mail; those of a bulk call are treated one by one."""
        if asked.path != _SINGLE:
            return []
        return [_bare(one) for one in asked.json()["Destination"]["ToAddresses"]]

    def answer(self, asked: Asked) -> Answer:
        """Take one mail, or up to 50."""
        if not self.sends(asked):
            return self.answer_as_sns(asked)
        denied = self.denial(asked)
        if denied is not None:
            return self._error(403, *denied)
        document = asked.json()
        if not document.get("FromEmailAddress", "").isascii():
            return self._error(400, "BadRequestException", "The sender is not ASCII")
        if asked.path == _SINGLE:
            return self._one(asked, document)
        if asked.path == _BULK:
            return self._many(asked, document)
        return self._error(404, "NotFoundException", "No such operation")

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with the exception of SES."""
        return self._error(*_REFUSALS[behaviour])

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return a call of SNS; an event may have its kinds behind it: Bounce/Permanent/NoEmail."""
        word, *kinds = event.split("/")
        document: dict[str, Any] = {"eventType": word, "mail": self._mail(taken)}
        if word in _DETAILS:
            document[_DETAILS[word]] = _details(word, kinds, taken.address)
        return self.tell(document, url=url, forgery=forgery)

    def _one(self, asked: Asked, document: dict[str, Any]) -> Answer:
        simple = document["Content"]["Simple"]
        if not simple["Subject"]["Data"] or not simple["Body"]:
            return self._error(400, "BadRequestException", "Subject and Body are required")
        for attachment in simple.get("Attachments", ()):
            base64.b64decode(attachment["RawContent"], validate=True)
        wrong = _wrong(document["EmailTags"], simple.get("Headers", ()))
        if wrong:
            return self._error(400, "BadRequestException", wrong)
        [recipient] = document["Destination"]["ToAddresses"]
        fault = _fault(recipient)
        if fault:
            return self._error(400, "BadRequestException", fault)
        parts = {name: body["Data"] for name, body in simple["Body"].items()}
        fields = {"Subject": simple["Subject"]["Data"], **parts, "To": recipient}
        taken = self._take(asked, _bare(recipient), document["EmailTags"], fields)
        return Answer.of_json(200, {"MessageId": taken.id})

    def _many(self, asked: Asked, document: dict[str, Any]) -> Answer:
        entries = document["BulkEmailEntries"]
        if not 1 <= len(entries) <= 50:
            return self._error(400, "BadRequestException", "Too many destinations")
        if len(asked.body) > 1_000_000:
            return self._error(400, "BadRequestException", "Inline template is too large")
        template = document["DefaultContent"]["Template"]["TemplateContent"]
        results = [self._entry(asked, template, one) for one in entries]
        return Answer.of_json(200, {"BulkEmailEntryResults": results})

    def _entry(
        self, asked: Asked, template: Mapping[str, str], entry: Mapping[str, Any]
    ) -> dict[str, str]:
        [recipient] = entry["Destination"]["ToAddresses"]
        behaviour = self.by_address.get(_bare(recipient))
        if behaviour in _ENTRY_REFUSALS:
            status, words = _ENTRY_REFUSALS[behaviour]
            return {"Status": status, "Error": words}
        wrong = _fault(recipient)
        wrong = wrong or _wrong(entry["ReplacementTags"], entry.get("ReplacementHeaders", ()))
        replaced = entry["ReplacementEmailContent"]["ReplacementTemplate"]
        text = replaced["ReplacementTemplateData"]
        if wrong or len(text) > 262_144:
            return {"Status": "INVALID_PARAMETER", "Error": wrong or "Template data is too long"}
        data = json.loads(text)
        fields = {name: _filled(part, data) for name, part in template.items()}
        fields["To"] = recipient
        taken = self._take(asked, _bare(recipient), entry["ReplacementTags"], fields)
        return {"Status": "SUCCESS", "MessageId": taken.id}

    def _take(
        self, asked: Asked, address: str, tags: list[dict[str, str]], fields: dict[str, str]
    ) -> Taken:
        named = {one["Name"]: one["Value"] for one in tags}
        taken = Taken(
            f"0100{uuid.uuid4()}-000000",
            address,
            named.get("tocsin_attempt", ""),
            asked,
            {**fields, "tags": named},
        )
        self.taken.append(taken)
        return taken

    def _mail(self, taken: Taken) -> dict[str, Any]:
        tags = {name: [value] for name, value in taken.fields["tags"].items()}
        return {
            "timestamp": "2026-01-02T03:04:05.678Z", "messageId": taken.id,
            "source": "shop@example.com", "destination": [taken.address],
            "headersTruncated": False,
            "headers": [{"name": "Subject", "value": taken.fields["Subject"]}],
            "commonHeaders": {"subject": taken.fields["Subject"]},
            "tags": {"ses:configuration-set": ["tocsin"], **tags},
        }  # fmt: skip

    def _error(self, status: int, code: str, words: str) -> Answer:
        address = "http://internal.amazon.com/coral/com.amazonaws.services/"
        return Answer.of_json(
            status, {"message": words}, x_amzn_ErrorType=f"{code}:{address}", Date=self.date()
        )


def _details(word: str, kinds: list[str], address: str) -> dict[str, Any]:
    moment = {"timestamp": "2026-01-02T03:05:00.000Z"}
    match word:
        case "Bounce":
            recipient = {
                "emailAddress": address, "action": "failed", "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }  # fmt: skip
            kind, subtype = kinds
            return {
                **moment, "bounceType": kind, "bounceSubType": subtype,
                "bouncedRecipients": [recipient], "feedbackId": f"f-{uuid.uuid4()}",
            }  # fmt: skip
        case "Complaint":
            recipients = [{"emailAddress": address}]
            return {
                **moment, "complainedRecipients": recipients, "complaintFeedbackType": kinds[0],
            }  # fmt: skip
        case "DeliveryDelay":
            recipients = [{"emailAddress": address, "status": "4.4.1"}]
            return {**moment, "delayType": "MailboxFull", "delayedRecipients": recipients}
        case "Delivery":
            return {**moment, "recipients": [address], "smtpResponse": "250 ok"}
        case "Subscription":
            topics = [{"topicName": "news", "subscriptionStatus": kinds[0]}]
            preferences = {"unsubscribeAll": False, "topicSubscriptionStatus": topics}
            return {**moment, "contactList": "list", "newTopicPreferences": preferences}
        case "Reject":
            return {"reason": "Bad content"}
        case "Rendering Failure":
            return {"templateName": "t", "errorMessage": "Attribute 'html' is not present"}
        case "Send":
            return {}
    return {**moment, "ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0"}


def _filled(part: str, data: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: data[found[1]], part)


def _wrong(tags: Any, headers: Any) -> str:
    if not all(_TAG.fullmatch(one["Name"]) and _TAG.fullmatch(one["Value"]) for one in tags):
        return "Invalid email tag"
    return "Too many headers" if len(headers) > 15 else ""


def _fault(recipient: str) -> str:
    local, at, domain = _bare(recipient).rpartition("@")
    if not at or not domain:
        return "Missing final '@domain'"
    return "" if (local + domain).isascii() else "Local address contains non-ASCII"


def _bare(recipient: str) -> str:
    return recipient.rpartition("<")[2].rstrip(">")
