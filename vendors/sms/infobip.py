"""Infobip SMS, version 3: up to a thousand texts a call, each judged on its own.

https://www.infobip.com/docs/api/channels/sms/outbound-sms/send-sms-messages and the models of
https://github.com/infobip/infobip-api-python-client

The attempt's id is the message's own id there: a repeat is refused as a duplicate, and reports and
logs come under it. No message names a URL for its report, since a call to such a one carries
nothing to believe it by: reports come by a subscription, whose profile signs in or signs.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from pydantic import Field

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from vendors.calls import objects, part, word
from vendors.contract import Absent, Capabilities, Sought, Webhooks
from vendors.fields import Line, Secret
from vendors.http_api import Batch, HttpApi, LookUp, Moment, Unfit
from vendors.http_outcomes import (
    Unreadable,
    accepted,
    outcome_of,
    outcome_of_status,
    read_json,
)
from vendors.over_http import http_kind
from vendors.sms.infobip_reports import WebhookSettings, receipts, report, verify
from vendors.sms.infobip_statuses import DUPLICATE, GROUPS, MEANINGS, UNLISTED, number

MOST_PARTS: Final = 25
MOST_TOGETHER: Final = 1000
"""No page names a limit; the answer about so many is still small."""
_VALIDITY_SECONDS: Final = (60, 48 * 3600)
_LOGGED: Final = timedelta(hours=47)
"""Logs reach back 48 hours: what is older may have been there."""
_NAMES_A_NUMBER: Final = re.compile(r"(^|[.\]])to$|destinations?(\[\d+\])?$")
_BAD_NUMBER: Final = (OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address")


class Settings(WebhookSettings):
    """An account of Infobip, which has a base URL of its own."""

    base_url: str = Field(
        description="The account's own base URL (https://….api.infobip.com)", max_length=500
    )
    api_key: Secret = Field(description="API key that may send texts and read their logs")
    from_: Line = Field(alias="from", min_length=1, description="Sender: a number or a name")


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends one text; raises Unfit for one that is too long."""
    return bulk([message], settings, moment)


def bulk(messages: Sequence[ContentMessage], settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends texts, whatever they say and whomever they are for."""
    document = {"messages": [_message(one, settings, moment.now) for one in messages]}
    return HttpRequest(
        "POST",
        f"{settings.base_url}/sms/3/messages",
        {**_headers(settings), "Content-Type": "application/json"},
        json.dumps(document).encode(),
    )


def fits(message: ContentMessage) -> bool:
    """Whether a text can be one of many: not so long that it would be refused."""
    parts: int = message.content["segments"]
    return parts <= MOST_PARTS


def outcome(response: HttpResponse) -> Outcome:
    """Return what the answer about one message means; raises Unreadable."""
    if not 200 <= response.status < 300:
        return _refusal(response)
    results = objects(read_json(response)["messages"])
    if len(results) != 1:
        raise Unreadable("the answer is not about one message")
    return _judged(results[0], response)


def outcomes(messages: Sequence[ContentMessage], response: HttpResponse) -> Sequence[Outcome]:
    """Return what an answer means for each message; of one that it does not name nobody knows."""
    if not 200 <= response.status < 300:
        return [_refusal(response)] * len(messages)
    results = objects(read_json(response)["messages"])
    by_id = {word(one.get("messageId")): one for one in results}
    return [
        _judged(by_id[one.attempt_id], response)
        if one.attempt_id in by_id
        else outcome_of_status(response)
        for one in messages
    ]


def look_up(sought: Sought, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    """Return the request for a message's log. (Its reports would be given out once only.)"""
    id = quote(sought.attempt_id, safe="")
    return HttpRequest("GET", f"{settings.base_url}/sms/3/logs?messageId={id}", _headers(settings))


def found(response: HttpResponse, sought: Sought) -> Report | Absent | None:
    """Return what a log says; a message that Infobip has is sent at least."""
    if response.status != 200:
        return None
    results = objects(read_json(response)["results"])
    ours = [one for one in results if one.get("messageId") == sought.attempt_id]
    if ours:
        told = report(ours[0])
        return told if told.kind else replace(told, kind=ReceiptKind.SENT)
    young = datetime.now(UTC) - sought.attempted_at < _LOGGED
    return Absent() if young and not results else None


def _message(message: ContentMessage, settings: Settings, now: datetime) -> dict[str, Any]:
    if not fits(message):
        raise Unfit(
            "payload_too_large",
            f"the text has {message.content['segments']} parts; Infobip takes {MOST_PARTS}",
        )
    one: dict[str, Any] = {
        "sender": settings.from_.removeprefix("+"),
        "destinations": [
            {"to": message.address.removeprefix("+"), "messageId": message.attempt_id}
        ],
        "content": {"text": message.content["text"]},
    }
    if message.expires_at is not None:
        seconds = _validity(message.expires_at, now)
        one["options"] = {"validityPeriod": {"amount": seconds, "timeUnit": "SECONDS"}}
    return one


def _validity(expires_at: datetime, now: datetime) -> int:
    """Return for how many seconds Infobip may try."""
    least, most = _VALIDITY_SECONDS
    return min(max(int((expires_at - now).total_seconds()), least), most)


def _judged(result: Mapping[str, Any], response: HttpResponse) -> Outcome:
    """Return what the status of one message means."""
    status = part(result, "status")
    id, group = number(status, "id"), GROUPS.get(number(status, "groupId"))
    if group is None:
        raise Unreadable("the answer does not say what became of the message")
    if id in MEANINGS or (group is ReceiptKind.FAILED and id != DUPLICATE):
        return outcome_of(
            MEANINGS.get(id, UNLISTED),
            code=word(status.get("name")) or str(id),
            detail=word(status.get("description")),
        )
    taken = accepted(word(result.get("messageId")), response)
    return replace(taken, vendor_code=word(status.get("name")) or str(id))


def _refusal(response: HttpResponse) -> Outcome:
    """Return what the refusal of a whole call means."""
    try:
        code, words, fields = _complaint(read_json(response))
    except Unreadable:
        return outcome_of_status(response)
    if response.status == 400 and any(map(_NAMES_A_NUMBER.search, fields)):
        return outcome_of(_BAD_NUMBER, code=code, detail=words)
    told = outcome_of_status(response, words)
    return replace(told, vendor_code=code) if code else told


def _complaint(document: Mapping[str, Any]) -> tuple[str, str, Sequence[str]]:
    """Return (code, words, fields complained of) of an error, in either of its two forms."""
    older = part(part(document, "requestError"), "serviceException")
    if older:
        fields = list(part(older, "validationErrors"))
        return word(older.get("messageId")), word(older.get("text")), fields
    violations = objects(document.get("violations"))
    fields = [word(one.get("property")) for one in violations]
    told = [word(document.get("description")), *(word(one.get("violation")) for one in violations)]
    return word(document.get("errorCode")), "; ".join(filter(None, told)), fields


def _headers(settings: Settings) -> dict[str, str]:
    return {
        "Authorization": f"App {settings.api_key.get_secret_value()}",
        "Accept": "application/json",
    }


KIND: Final = http_kind(
    name="infobip",
    title="Infobip SMS",
    channels=[Channel.SMS],
    settings=Settings,
    api=HttpApi(
        request,
        outcome,
        batch=Batch(MOST_TOGETHER, bulk, outcomes, fits),
        look_up=LookUp(look_up, found),
    ),
    capabilities=Capabilities(
        batch=MOST_TOGETHER, receipts=True, replies=True, idempotency=True, scheduled=True
    ),
    webhooks=Webhooks(verify, receipts),
)
