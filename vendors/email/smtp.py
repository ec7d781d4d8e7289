"""Any mail server, by SMTP: RFC 5321, 4954 (sign-in), 3207 (STARTTLS) and 3461 (reports).

With a bounce address each mail has a return path of its own, by which reports are known.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Self

from pydantic import Field, SecretStr, model_validator

from domain.message import EmailMessage, Message
from domain.outcome import Outcome
from domain.return_paths import ReturnPaths, read_bounce_address
from domain.vocabulary import Channel
from vendors.contract import (
    Capabilities,
    MailExchange,
    MailPool,
    Parts,
    VendorKind,
    VendorSettings,
    Webhooks,
)
from vendors.email.bounces import Bounces, receipts, verify
from vendors.email.smtp_answers import outcome, outcome_without_reply
from vendors.fields import ClientName, Host, Line, Secret
from vendors.smtp_url import Security, read_smtp_url

IN_TURN: Final = 25
FAILURES: Final = "FAILURE,DELAY"
DELIVERIES: Final = "SUCCESS,FAILURE,DELAY"
"""What servers with DSN are asked to report (NOTIFY of RFC 3461 §4.1)."""


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
    bounces: Bounces = Field(
        "",
        description="Address that reports of failed mail come back to, such as"
        " bounce@mail.example.com: each mail has a token after a +, or in place of a *; a domain"
        " alone: all of the local part. Empty: no receipts",
    )
    delivery_reports: bool = Field(
        False, description="With bounces: ask for a report of each mail that was delivered, too"
    )
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
        smtp+starttls, smtps. Also in the query: from, bounces, delivery_reports, ca_file,
        client_name, connections.
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

    def __init__(
        self, settings: Settings, pool: MailPool, return_paths: ReturnPaths | None = None
    ) -> None:
        self.settings = settings
        self.default_from = settings.from_
        self._pool = pool
        self._return_paths = return_paths or ReturnPaths()

    async def send(self, message: Message, *, deadline: float) -> Outcome:
        """Hand over one assembled mail; raises TypeError for a message that is none."""
        if not isinstance(message, EmailMessage):
            raise TypeError("SMTP takes assembled mail, not rendered content")
        return _outcome(await self._pool.send(self._returnable(message), deadline=deadline))

    @property
    def most_in_turn(self) -> int:
        """How many mails go over one connection, each envelope with the content before it."""
        return IN_TURN

    async def send_in_turn(
        self, messages: Sequence[Message], *, deadline: float
    ) -> Sequence[Outcome]:
        """Hand over assembled mails; raises TypeError as `send`."""
        mails = [self._returnable(one) for one in messages if isinstance(one, EmailMessage)]
        if len(mails) < len(messages):
            raise TypeError("SMTP takes assembled mail, not rendered content")
        return [_outcome(one) for one in await self._pool.send_all(mails, deadline=deadline)]

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    def _returnable(self, message: EmailMessage) -> EmailMessage:
        """Return a mail with the return path of its attempt."""
        if not self.settings.bounces:
            return message
        token = self._return_paths.token(message.attempt_id)
        return replace(
            message,
            mail_from=read_bounce_address(self.settings.bounces).with_token(token),
            notify=DELIVERIES if self.settings.delivery_reports else FAILURES,
        )


def _outcome(exchange: MailExchange) -> Outcome:
    if exchange.reply is not None:
        return outcome(exchange.reply, exchange.phase)
    return outcome_without_reply(exchange)


def open_account(settings: Settings, parts: Parts) -> SmtpVendor:
    """Return an account with a pool of the composition root's making."""
    return SmtpVendor(settings, parts.mail_pool(settings), parts.return_paths)


KIND: Final = VendorKind(
    name="smtp",
    title="SMTP",
    channels=frozenset({Channel.EMAIL}),
    settings=Settings,
    open_account=open_account,
    capabilities=Capabilities(receipts=True),
    webhooks=Webhooks(verify, receipts),
)
