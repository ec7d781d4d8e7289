"""SMTP: assembled mail to a mail server, and receipts as mails that come back."""

from collections.abc import Mapping
from typing import Any

from domain.message import EmailMessage
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_vendor import Behaviour
from fakes.smtp import FakeSmtp
from fakes.smtp_mail import FakeMail
from tests.contract.case import Case, Told

USER = {"user": "sam", "password": "of-the-mail-server"}
_REJECTED, _UNKNOWN = OutcomeKind.REJECTED, OutcomeKind.UNKNOWN
_AWAY = (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable")


class MailCase(Case):
    """A vendor that is a mail server, and takes mails that are assembled."""

    def account(self, base_url: str, **given: Any) -> dict[str, Any]:
        """Return the settings of an account at the server of a URL."""
        place = base_url.rpartition("//")[2]
        return {"url": f"smtp://{place}?starttls=never", **self.settings, **given}

    def message(self, **given: Any) -> EmailMessage:
        """Return a mail to the case's recipient."""
        attempt = given.get("attempt_id", "att_00000000000000000000000001")
        head = f"From: shop@example.com\r\nTo: {self.address}\r\nX-Tocsin-Attempt: {attempt}\r\n"
        mime = f"{head}Subject: It rang\r\n\r\nIt rang\r\n".encode()
        return EmailMessage(attempt, "shop@example.com", self.address, mime)


def _server(fake: FakeMail) -> FakeSmtp:
    return FakeSmtp(vendor=fake, user=USER["user"], password=USER["password"])


_BOUNCED: Mapping[str, Told] = {
    "failed 5.1.1 550 5.1.1 no such mailbox": Told(ReceiptKind.BOUNCED, hard=True),
    "failed-bare 5.1.1": Told(ReceiptKind.BOUNCED, hard=True),
    "failed 5.0.0 550 5.1.10 null MX": Told(ReceiptKind.BOUNCED, hard=True),
    "failed 5.2.2 552 5.2.2 over quota": Told(ReceiptKind.BOUNCED),
    "failed 5.7.1 550 5.7.1 spam": Told(ReceiptKind.BOUNCED),
    "failed 4.4.7": Told(ReceiptKind.BOUNCED),
    "failed": Told(ReceiptKind.BOUNCED),
}

CASES = [
    MailCase(
        vendor="smtp",
        channel=Channel.EMAIL,
        fake=FakeMail,
        server=_server,
        settings={**USER, "bounces": "bounce@mail.example.com"},
        wrong={"password": "wrong-password"},
        address="sam@example.org",
        content={},
        expects={
            Behaviour.REJECT_MESSAGE: (_REJECTED, Scope.MESSAGE, "content_filtered"),
            Behaviour.REJECT_ACCOUNT: (_REJECTED, Scope.ACCOUNT, "forbidden"),
            # Until the final dot a mail server surely does not have the mail.
            Behaviour.FAIL: _AWAY,
            Behaviour.BAD_GATEWAY: _AWAY,
            Behaviour.DROP_BEFORE_BODY: _AWAY,
        },
        events={
            **_BOUNCED,
            "delayed 4.4.1": Told(None),
            "delivered 2.1.5": Told(ReceiptKind.DELIVERED),
            "relayed 2.1.9": Told(ReceiptKind.SENT),
            "expanded 2.1.5": Told(ReceiptKind.DELIVERED),
            "complaint abuse": Told(ReceiptKind.COMPLAINED),
            "complaint not-spam": Told(None),
            "complaint opt-out": Told(None, unsubscribes=True),
            "complaint a-word-of-tomorrow": Told(None),
            "answer": Told(None),
            "letter": Told(None),
        },
    )
]
