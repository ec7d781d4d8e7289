"""Mail that comes back to the return path of an attempt: known by its token, by nothing else.

The recipient of the envelope is told in the query (`recipient`), or in a header that a mail server
adds when it delivers. A feedback report comes to another address; it tells the return path of the
mail that it is about.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field

from domain.http import MAIL, Webhook, is_mail
from domain.report import Heard, ReceiptForged
from domain.return_paths import attempt_of, read_bounce_address
from vendors.contract import Checking
from vendors.email.mail_reports import ReceivedMail, original_senders, read_mail, reports_of
from vendors.http_outcomes import Unreadable

ENVELOPE_HEADERS: Final = ("X-Original-To", "Delivered-To", "Envelope-To")
"""Where Postfix, qmail and Exim write the recipient of the envelope. `To` is no such header."""


def _check_bounces(value: str) -> str:
    if value:
        read_bounce_address(value)
    return value


Bounces = Annotated[str, Field(max_length=320), AfterValidator(_check_bounces)]


def verify(webhook: Webhook, settings: Any, checking: Checking) -> None:
    """Check the token of the first return path that a call names; raises ReceiptForged."""
    if not settings.bounces:
        raise ReceiptForged("the account has no bounce address (bounces)")
    if not checking.return_paths.proves(_token(webhook, settings)):
        raise ReceiptForged("the return path was not made here")


def receipts(webhook: Webhook, settings: Any) -> Heard:
    """Return what a mail says of the attempt that its return path names.

    Raises Unreadable for what is no mail, and for a report that lacks what makes it one.
    """
    if not is_mail(webhook.headers):
        raise Unreadable(f"the Content-Type must be {MAIL}, and the body one whole mail")
    mail = read_mail(webhook.body)
    attempt = attempt_of(_token(webhook, settings))
    return Heard(reports_of(mail, attempt, datetime.now(UTC)))


def _token(webhook: Webhook, settings: Any) -> str:
    """Return the token of the first return path that a call names; raises ReceiptForged."""
    bounce_address = read_bounce_address(settings.bounces)
    for address in _recipients(webhook):
        if (token := bounce_address.token_in(address)) is not None:
            return token
    raise ReceiptForged(
        "neither the query (recipient) nor a header (X-Original-To, Delivered-To, Envelope-To)"
        " names a return path of this account"
    )


def _recipients(webhook: Webhook) -> Iterator[str]:
    query = dict(parse_qsl(urlsplit(webhook.url).query))
    if "recipient" in query:
        # A + that was not escaped has become a space, which no such address has.
        yield query["recipient"].strip().replace(" ", "+")
    try:
        mail = read_mail(webhook.body)
    except Unreadable:
        return
    yield from _envelope(mail)
    yield from original_senders(mail)


def _envelope(mail: ReceivedMail) -> Iterator[str]:
    for name in ENVELOPE_HEADERS:
        for value in mail.headers.get_all(name, []):
            yield str(value).strip().strip("<>")
