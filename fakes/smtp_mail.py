"""The fake mail server as one of the fake vendors: its faults and reports in their words."""

import secrets
import smtplib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken
from fakes.smtp_faults import Fault
from fakes.smtp_reports import Original, report
from fakes.smtp_session import Received

FAULTS: Final[Mapping[Behaviour, Fault]] = {
    Behaviour.REJECT_RECIPIENT: Fault("rcpt", "reply", "550 5.1.1 no such mailbox"),
    Behaviour.REJECT_MESSAGE: Fault("dot", "reply", "554 5.6.0 not a message"),
    Behaviour.REJECT_ACCOUNT: Fault("mail", "reply", "550 5.7.1 not from you"),
    Behaviour.THROTTLE: Fault("mail", "reply", "451 4.7.28 too many messages"),
    Behaviour.FAIL: Fault("dot", "reply", "451 4.3.0 internal error"),
    Behaviour.BAD_GATEWAY: Fault("data", "reply", "451 4.4.0 the server behind this one is away"),
    Behaviour.UNAVAILABLE: Fault("mail", "reply", "421 4.3.2 not now"),
    Behaviour.HANG: Fault("dot", "hang"),
    Behaviour.DROP_BEFORE_BODY: Fault("data", "drop"),
    Behaviour.DROP_AFTER_BODY: Fault("dot", "drop"),
    Behaviour.GARBAGE: Fault("dot", "garbage"),
    Behaviour.WRONG_TYPE: Fault("dot", "garbage", "354 go on"),
    Behaviour.TRUNCATED: Fault("dot", "half"),
    Behaviour.HUGE: Fault("dot", "garbage", "250 " + "x" * 1_000_000),
}
"""How a mail server does what an API does otherwise."""

SMTP: Final = "SMTP"
"""The method of a call that is a mail to hand over, and not a request."""


def hand_over(call: Call) -> int:
    """Hand over a mail by SMTP and return the code of the reply that ended it."""
    place = urlsplit(call.url)
    with smtplib.SMTP(place.hostname or "", place.port or 25, timeout=20) as client:
        client.ehlo()
        for code, _ in (
            client.mail(call.headers["from"]), client.rcpt(call.headers["to"]),
        ):  # fmt: skip
            if code >= 400:
                return code
        return client.data(call.body)[0]


class FakeMail(FakeVendor):
    """A mail server's script and what it took; `fakes/smtp.py` listens for it."""

    name: ClassVar[str] = "smtp"

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Fault] = []

    def script(self, *behaviours: Behaviour) -> None:
        """Let these strike, each when its stage is next reached; to accept is no fault."""
        self.faults += [FAULTS[one] for one in behaviours if one in FAULTS]

    def usual_fault(self, recipients: Iterable[str]) -> Fault | None:
        """Return what always strikes these recipients, or everybody."""
        named = [self.by_address[one] for one in recipients if one in self.by_address]
        return FAULTS.get(named[0] if named else self.always)

    def keep(self, received: Received) -> None:
        """Keep a mail; what came with it of ours is its attempt's id."""
        head = received.content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        tags = [
            line.partition(":")[2].strip()
            for line in head.splitlines()
            if line.lower().startswith("x-tocsin-attempt:")
        ]
        asked = Asked(SMTP, "/", "", {}, received.content)
        fields: dict[str, Any] = {
            "mail_from": received.mail_from, "parameters": received.parameters,
            "rcpt_parameters": received.rcpt_parameters,
        }  # fmt: skip
        self.taken.append(
            Taken(secrets.token_hex(6), received.recipients[0], "".join(tags[:1]), asked, fields)
        )

    def sends(self, asked: Asked) -> bool:  # noqa: ARG002
        """Nothing is sent over HTTP."""
        return False

    def addresses(self, asked: Asked) -> list[str]:  # noqa: ARG002
        """Nothing is sent over HTTP."""
        return []

    def answer(self, asked: Asked) -> Answer:  # noqa: ARG002
        """Say that this is a mail server."""
        return Answer.of_json(404, {"error": "this server speaks SMTP"})

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Say that this is a mail server."""
        return self.answer(asked)

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the mail that tells an event (see `fakes/smtp_reports.py`): to be posted as a pipe
        does, or, to an URL of smtp://, to be handed over by SMTP.
        """
        original = Original(taken.fields["mail_from"], taken.address, taken.asked.body)
        back = report(original, event, forgery)
        if url.startswith("smtp://"):
            envelope = {"from": back.mail_from, "to": back.recipient}
            return Call(url, envelope, back.content, SMTP)
        query = f"recipient={quote(back.recipient, safe='@')}"
        joined = f"{url}{'&' if '?' in url else '?'}{query}"
        return Call(joined, {"Content-Type": "message/rfc822"}, back.content)
