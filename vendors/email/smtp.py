"""Any mail server, by SMTP: RFC 5321 (replies), 3463 (enhanced codes), 4954, 3207 and 1047.

A reply is judged by its code, its enhanced code and the step that it ends: what is refused at MAIL
is the account's affair, at RCPT the recipient's, at the final dot the message's.
"""

import re
from dataclasses import replace
from typing import Any, Final, NamedTuple, Self

from pydantic import Field, SecretStr, model_validator

from domain.message import EmailMessage, Message
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind, Scope
from vendors.contract import MailExchange, MailPool, MailReply, Parts, VendorKind, VendorSettings
from vendors.fields import ClientName, Host, Line, Secret
from vendors.smtp_url import Security, read_smtp_url

GREYLIST_SECONDS: Final = 300.0


class Status(NamedTuple):
    """What a reply means: its codes, its enhanced codes (`*` ends any), and the outcome."""

    codes: str
    enhanced: str
    kind: OutcomeKind
    scope: Scope
    reason: str


_REJECTED: Final = OutcomeKind.REJECTED
_TRANSIENT: Final = OutcomeKind.TRANSIENT
_THROTTLED: Final = OutcomeKind.THROTTLED
_ACCOUNT, _RECIPIENT, _MESSAGE = Scope.ACCOUNT, Scope.RECIPIENT, Scope.MESSAGE

STATUSES: Final = (
    # The first that fits counts.
    Status("421 450 451", "4.7.28 4.7.500 4.7.650 4.7.651", _THROTTLED, _ACCOUNT, "rate_account"),
    Status("452", "4.5.3", _THROTTLED, _ACCOUNT, "rate_account"),
    Status("450 452", "4.2.2", _TRANSIENT, _RECIPIENT, "mailbox_full"),
    Status("450", "4.2.0", _TRANSIENT, _RECIPIENT, "greylisted"),
    Status("450 451", "4.7.1", _TRANSIENT, _RECIPIENT, "greylisted"),
    Status("421 452", "*", _TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    Status("454", "4.7.0", _TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    Status("451", "4.3.*", _TRANSIENT, _ACCOUNT, "vendor_unavailable"),
    Status("501 550 553", "5.1.3", _REJECTED, _RECIPIENT, "invalid_address"),
    Status("500 501 502 503 504", "*", _REJECTED, _MESSAGE, "invalid_payload"),
    Status("530 534 535 538", "*", _REJECTED, _ACCOUNT, "auth_failed"),
    Status(
        "550 551 553 554",
        "5.1.1 5.1.0 5.1.10 5.1.2 5.4.4",
        _REJECTED,
        _RECIPIENT,
        "invalid_address",
    ),
    Status("556", "*", _REJECTED, _RECIPIENT, "invalid_address"),
    Status("550 554", "5.2.1 5.2.0", _REJECTED, _RECIPIENT, "unreachable"),
    Status("550 552 554", "5.2.2", _TRANSIENT, _RECIPIENT, "mailbox_full"),
    Status("550 552 554", "5.3.4 5.2.3", _REJECTED, _MESSAGE, "payload_too_large"),
    Status("550 554", "5.7.*", _REJECTED, _MESSAGE, "content_filtered"),
    Status("550 553", "5.1.7 5.1.8", _REJECTED, _ACCOUNT, "sender_not_registered"),
    Status("555", "*", _REJECTED, _ACCOUNT, "sender_not_registered"),
)
"""RFC 5321 §4.2.3 and RFC 3463 §3, with what large receivers make of 4.7.x. A full mailbox is a
passing state, whatever the first digit says."""

UNLISTED: Final = {
    "greeting": (_ACCOUNT, "forbidden"),
    "ehlo": (_ACCOUNT, "forbidden"),
    "tls": (_ACCOUNT, "config_missing"),
    "auth": (_ACCOUNT, "auth_failed"),
    "rset": (_ACCOUNT, "forbidden"),
    "mail": (_ACCOUNT, "sender_not_registered"),
    "rcpt": (_RECIPIENT, "unreachable"),
    "data": (_MESSAGE, "content_filtered"),
    "final-dot": (_MESSAGE, "content_filtered"),
}
"""Whose affair a 5yz is that stands in no row, by the step that it ends."""

PROBLEMS: Final = {
    "unsupported": (_REJECTED, _ACCOUNT, "config_missing"),
    "sender": (_REJECTED, _ACCOUNT, "sender_not_registered"),
    "recipient": (_REJECTED, _RECIPIENT, "invalid_address"),
    "message": (_REJECTED, _MESSAGE, "invalid_payload"),
    "size": (_REJECTED, _MESSAGE, "payload_too_large"),
}
"""What ends a message without a reply and without a loss."""

LOST_AFTER_DOT: Final = {
    "lost": "connection_lost_after_body",
    "timeout": "timeout_after_body",
    "malformed": "malformed_response",
}
"""Why it is unknown whether the message was sent (RFC 1047)."""

_CONNECTING: Final = frozenset({"pool", "dns", "connect", "tls"})
_MESSAGE_REASONS: Final = frozenset({"payload_too_large", "invalid_payload"})
_RATE: Final = re.compile(r"\b(rate|too many|too fast)\b", re.IGNORECASE)
_RELAY: Final = re.compile(r"\brelay", re.IGNORECASE)
_QUEUED_AS: Final = re.compile(
    r"(?:queued as|queued mail for delivery as|id=)\s*<?([^\s<>;,]+)", re.I
)
_DETAIL_LENGTH: Final = 500


class Settings(VendorSettings):
    """A mail server and whom to sign in as; `url` may be given instead of the fields."""

    host: Host = Field(description="Name or address of the server")
    port: int = Field(25, ge=1, le=65_535, description="Unset: 465 for tls, 587 to sign in, or 25")
    security: Security = Field(
        "opportunistic",
        description="tls (from the first byte), starttls (insisted on), opportunistic (insisted on"
        " with a user, unless the server is this machine) or plain",
    )
    user: Line = Field("", description="Whom to sign in as; empty: nobody")
    password: Secret = Field(SecretStr(""), description="The user's password")
    from_: Line = Field("", alias="from", description="Sender of mail without one")
    ca_file: str = Field(
        "", description="PEM file of the authorities to trust; empty: the system's"
    )
    client_name: ClientName = Field("", description="Name to introduce ourselves by")
    connections: int = Field(10, ge=1, le=1000, description="Connections at once, per process")
    connect_seconds: float = Field(10, gt=0, description="Patience for each of DNS, TCP and TLS")
    reply_seconds: float = Field(60, gt=0, description="Patience for each reply")
    final_seconds: float = Field(600, gt=0, description="Patience for the reply to the content")

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the settings of a URL such as smtp://user:password@host:587?starttls=required.

        Schemes: smtp (STARTTLS if offered; in the query starttls=required, optional or never),
        smtp+starttls, smtps. Also in the query: from, ca_file, client_name, connections.
        Raises pydantic.ValidationError, which does not show the URL.
        """
        return cls.model_validate({"url": url})

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        fields = dict(given)
        if (url := fields.pop("url", None)) is not None:
            text = url.get_secret_value() if isinstance(url, SecretStr) else url
            fields = read_smtp_url(text) | fields
        submits = fields.get("security") == "starttls" or bool(fields.get("user"))
        usual = 465 if fields.get("security") == "tls" else 587 if submits else 25
        return {"port": usual} | fields


class SmtpVendor:
    """An account at a mail server; `pool` holds the connections, and is closed with it."""

    takes_fields = False

    def __init__(self, settings: Settings, pool: MailPool) -> None:
        self.settings = settings
        self.default_from = settings.from_
        self._pool = pool

    async def send(self, message: Message, *, deadline: float) -> Outcome:
        """Hand over one assembled mail; raises TypeError for a message that is none."""
        if not isinstance(message, EmailMessage):
            raise TypeError("SMTP takes assembled mail, not rendered content")
        exchange = await self._pool.send(message, deadline=deadline)
        if exchange.reply is not None:
            return outcome(exchange.reply, exchange.phase)
        return outcome_without_reply(exchange)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()


def outcome(reply: MailReply, stage: str) -> Outcome:
    """Return what a reply means that ended the dialogue at this stage."""
    code = f"{reply.code} {reply.enhanced}".strip()
    found = Outcome(
        OutcomeKind.UNKNOWN, vendor_code=code, phase=stage, detail=reply.text[:_DETAIL_LENGTH]
    )
    if 200 <= reply.code < 300 and stage == "final-dot":
        queued = _QUEUED_AS.search(reply.text)
        vendor_id = queued[1] if queued else reply.text
        return replace(found, kind=OutcomeKind.ACCEPTED, vendor_id=vendor_id[:_DETAIL_LENGTH])
    if reply.code < 400:  # neither yes nor no: the server has lost its way
        return _lost(found, "malformed")
    kind, scope, reason = _at_stage(_judge(reply, stage), reply, stage)
    wait = GREYLIST_SECONDS if reason == "greylisted" else None
    return replace(found, kind=kind, scope=scope, reason=reason, retry_after=wait)


def outcome_without_reply(exchange: MailExchange) -> Outcome:
    """Return what it means that a problem, not a reply, ended the dialogue."""
    found = Outcome(
        OutcomeKind.UNKNOWN, phase=exchange.phase, detail=exchange.detail[:_DETAIL_LENGTH]
    )
    if exchange.problem in PROBLEMS:
        kind, scope, reason = PROBLEMS[exchange.problem]
        return replace(found, kind=kind, scope=scope, reason=reason)
    return _lost(found, exchange.problem)


def _lost(found: Outcome, problem: str) -> Outcome:
    if found.phase == "final-dot":
        return replace(found, scope=_MESSAGE, reason=LOST_AFTER_DOT[problem])
    reason = "connect_failed" if found.phase in _CONNECTING else "vendor_unavailable"
    return replace(found, kind=_TRANSIENT, scope=_ACCOUNT, reason=reason)


def _judge(reply: MailReply, stage: str) -> tuple[OutcomeKind, Scope, str]:
    if reply.code < 500 and reply.enhanced.startswith("4.7.") and _RATE.search(reply.text):
        return _THROTTLED, _ACCOUNT, "rate_account"
    for status in STATUSES:
        if str(reply.code) in status.codes.split() and _fits(reply.enhanced, status.enhanced):
            return status.kind, status.scope, status.reason
    if reply.code < 500:
        return _TRANSIENT, _ACCOUNT, "vendor_unavailable"
    return _REJECTED, *UNLISTED[stage]


def _fits(enhanced: str, wanted: str) -> bool:
    return any(
        enhanced.startswith(one[:-1]) if one.endswith("*") else enhanced == one
        for one in wanted.split()
    )


def _at_stage(
    judged: tuple[OutcomeKind, Scope, str], reply: MailReply, stage: str
) -> tuple[OutcomeKind, Scope, str]:
    """Return a judgement narrowed to whom the stage can be about."""
    kind, scope, reason = judged
    if stage == "rcpt" and kind is _REJECTED and _RELAY.search(reply.text):
        return kind, _ACCOUNT, "forbidden"
    if stage == "rcpt" or scope is _ACCOUNT:
        return judged
    if stage == "mail" and reason in _MESSAGE_REASONS:
        return judged
    if stage in ("data", "final-dot"):
        told = reason if scope is _MESSAGE or kind is not _REJECTED else "content_filtered"
        return kind, _MESSAGE if kind is _REJECTED else scope, told
    if kind is not _REJECTED:
        return kind, _ACCOUNT, "vendor_unavailable"
    policy = stage == "mail" and reason == "content_filtered"
    return kind, _ACCOUNT, "forbidden" if policy else UNLISTED[stage][1]


def open_account(settings: Settings, parts: Parts) -> SmtpVendor:
    """Return an account with a pool of the composition root's making."""
    return SmtpVendor(settings, parts.mail_pool(settings))


KIND: Final = VendorKind(
    name="smtp",
    title="SMTP",
    channels=frozenset({Channel.EMAIL}),
    settings=Settings,
    open_account=open_account,
)
