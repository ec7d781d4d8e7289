"""Infobip's calls, delivery reports and incoming texts, and whom they are believed from.

https://www.infobip.com/docs/api/channels/sms/logs-and-status-reports,
https://www.infobip.com/docs/api/channels/sms/inbound-sms/receive-inbound-sms-messages and, for
the security of a notification profile, https://www.infobip.com/docs/api/platform/subscriptions-api

A profile signs in by Basic authentication (RFC 7617), or signs the body by HMAC with a shared
secret. No page says in which header, or how it is encoded: the header is a setting, and both hex
and base64 are understood. Neither scheme holds a time: a repeated call is known by its keys.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from domain.http import Webhook
from domain.report import Heard, ReceiptForged, Reply, Report
from domain.vocabulary import Channel, ReceiptKind
from vendors.calls import objects, part, time_in_words, with_plus, word
from vendors.contract import Checking
from vendors.fields import Line, Secret
from vendors.http_api import HttpSettings
from vendors.http_outcomes import json_object
from vendors.sms.infobip_statuses import code_of, failure, kind_of, number

OURS: Final = "att_"
"""How the ids of our messages begin: they are the attempts' own."""


class WebhookSettings(HttpSettings):
    """How an account's calls prove themselves: by user and password, or by a signature."""

    webhook_user: Line = Field(
        "tocsin", pattern="^[^:]+$", description="User of the notification profile (BASIC)"
    )
    webhook_password: Secret | None = Field(
        None, description="Its password; calls are believed with it or webhook_secret only"
    )
    webhook_secret: Secret | None = Field(
        None, description="Secret of the notification profile (HMAC) instead of a password"
    )
    webhook_header: Line = Field("", description="Header that carries the HMAC signature")
    webhook_algorithm: Literal["sha256", "sha384", "sha512"] = Field(
        "sha256", description="Algorithm of the HMAC signature"
    )

    @model_validator(mode="after")
    def _is_one_scheme(self) -> Self:
        if self.webhook_password is not None and self.webhook_secret is not None:
            raise ValueError("takes webhook_password or webhook_secret, not both")
        if self.webhook_secret is not None and not self.webhook_header:
            raise ValueError("needs webhook_header, the header that carries the signature")
        return self


def verify(webhook: Webhook, settings: WebhookSettings, checking: Checking) -> None:  # noqa: ARG001
    """Check a call by the scheme of the account's notification profile; raises ReceiptForged."""
    if settings.webhook_secret is not None:
        _verify_signature(webhook, settings, settings.webhook_secret.get_secret_value())
    elif settings.webhook_password is not None:
        _verify_sign_in(webhook, settings, settings.webhook_password.get_secret_value())
    else:
        raise ReceiptForged("the account has no webhook_password or webhook_secret")


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a call says of our messages, and what was written to us; reports of messages that
    others sent are left out. Raises KeyError or ValueError for one that cannot be read.
    """
    results = objects(json_object(webhook.body)["results"])
    told = [one for one in results if "status" in one]
    return Heard(
        reports=tuple(report(one) for one in told if _id(one).startswith(OURS)),
        replies=tuple(_reply(one) for one in results if "status" not in one),
    )


def report(result: Mapping[str, Any]) -> Report:
    """Return what a delivery report or a log says; the words that were sent are left out."""
    status = part(result, "status")
    kind = kind_of(status)
    reason, hard = failure(result) if kind is ReceiptKind.FAILED else ("", False)
    return Report(
        kind,
        _id(result),
        f"{_id(result)}:{number(status, 'id')}",
        _time(result, "doneAt", "sentAt"),
        address=with_plus(word(result.get("to")) or word(result.get("destination"))),
        reason=reason,
        hard=hard,
        vendor_code=code_of(result),
        raw={name: value for name, value in result.items() if name != "content"},
    )


def _reply(result: Mapping[str, Any]) -> Reply:
    return Reply(
        Channel.SMS,
        with_plus(result["from"]),
        with_plus(result["to"]),
        word(result.get("text")),
        _id(result),
        _time(result, "receivedAt"),
        raw=dict(result),
    )


def _verify_sign_in(webhook: Webhook, settings: WebhookSettings, password: str) -> None:
    scheme, _, given = webhook.headers.get("authorization", "").partition(" ")
    wanted = base64.b64encode(f"{settings.webhook_user}:{password}".encode())
    same = hmac.compare_digest(given.strip().encode(), wanted)
    if scheme.lower() != "basic" or not same:
        raise ReceiptForged("the call does not sign in as webhook_user with webhook_password")


def _verify_signature(webhook: Webhook, settings: WebhookSettings, secret: str) -> None:
    given = webhook.headers.get(settings.webhook_header.lower(), "").strip()
    given = given.removeprefix(f"{settings.webhook_algorithm}=")
    digest = hmac.digest(secret.encode(), webhook.body, settings.webhook_algorithm)
    spelled = (digest.hex(), base64.b64encode(digest).decode())
    if not any(hmac.compare_digest(given.encode(), one.encode()) for one in spelled):
        raise ReceiptForged(f"{settings.webhook_header} does not fit webhook_secret and the body")


def _id(result: Mapping[str, Any]) -> str:
    return word(result.get("messageId"))


def _time(result: Mapping[str, Any], *names: str) -> datetime:
    found = (time_in_words(word(result.get(name))) for name in names)
    return next((one for one in found if one is not None), datetime.now(UTC))
