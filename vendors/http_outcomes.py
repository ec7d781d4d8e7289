"""What an answer or a loss means where a vendor's own table says nothing (RFC 9110 §15).

Before the body has left, a loss is transient; after it nobody knows. A gateway's error is unknown,
since the server behind it may have taken the message; only 503 says that it did not.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from domain.http import HttpExchange, HttpResponse
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope

_DETAIL_LENGTH: Final = 500
_CONNECTING: Final = frozenset({"pool", "dns", "connect", "tls"})
_MAYBE_TAKEN: Final = frozenset({408, 500, 502, 504})
_AFTER_BODY: Final = {
    "lost": "connection_lost_after_body",
    "timeout": "timeout_after_body",
    "too_large": "malformed_response",
}
_MOST_WAIT: Final = 86_400.0


class Unreadable(ValueError):
    """An answer is not what the vendor's pages say it is."""


UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What taking apart an answer of the wrong shape raises; Unreadable is a ValueError."""


def read_json(response: HttpResponse) -> dict[str, Any]:
    """Return the JSON object of an answer; raises Unreadable for anything else."""
    return json_object(response.body)


def read_json_list(response: HttpResponse) -> list[Any]:
    """Return the JSON array of an answer; raises Unreadable for anything else."""
    document = _json(response.body)
    if not isinstance(document, list):
        raise Unreadable("it is not a JSON array")
    return document


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; raises Unreadable for anything else."""
    document = _json(body)
    if not isinstance(document, dict):
        raise Unreadable("it is not a JSON object")
    return document


def accepted(vendor_id: str, response: HttpResponse) -> Outcome:
    """Return that the vendor took a message; raises Unreadable without an id of its."""
    if not vendor_id:
        raise Unreadable("the answer names no message")
    return Outcome(
        OutcomeKind.ACCEPTED, vendor_id=_kept(vendor_id), vendor_code=str(response.status)
    )


def outcome_of(
    meaning: tuple[OutcomeKind, Scope, str],
    *,
    code: str,
    detail: str = "",
    retry_after: float | None = None,
) -> Outcome:
    """Return a table's row as an outcome, with the vendor's own words beside it."""
    kind, scope, reason = meaning
    return Outcome(
        kind,
        reason,
        scope,
        retry_after=retry_after,
        vendor_code=_kept(code),
        phase="response",
        detail=_kept(detail),
    )


def outcome_of_status(response: HttpResponse, detail: str = "") -> Outcome:
    """Return what a status means by itself."""
    status = response.status
    found = Outcome(
        OutcomeKind.UNKNOWN,
        "malformed_response",
        Scope.MESSAGE,
        vendor_code=str(status),
        phase="response",
        detail=_kept(detail) or words_of(response),
    )
    if 200 <= status < 300:
        return found
    if status == 429:
        wait = retry_after(response.headers)
        return replace(
            found, kind=OutcomeKind.THROTTLED, reason="rate_account", scope=Scope.ACCOUNT,
            retry_after=wait,
        )  # fmt: skip
    if status == 503:
        wait = retry_after(response.headers)
        return replace(
            found, kind=OutcomeKind.TRANSIENT, reason="vendor_unavailable", scope=Scope.ACCOUNT,
            retry_after=wait,
        )  # fmt: skip
    if status in _MAYBE_TAKEN or status >= 500:
        return replace(found, reason="vendor_error_after_body")
    if status == 401:
        return _refused(found, Scope.ACCOUNT, "auth_failed")
    if status == 403:
        return _refused(found, Scope.ACCOUNT, "forbidden")
    if status == 413:
        return _refused(found, Scope.MESSAGE, "payload_too_large")
    if 300 <= status < 400 or status == 404:  # we follow nobody: the address is wrong
        return _refused(found, Scope.ACCOUNT, "config_missing")
    return _refused(found, Scope.MESSAGE, "invalid_payload")


def outcome_of_loss(exchange: HttpExchange) -> Outcome:
    """Return what it means that no whole response came."""
    found = Outcome(
        OutcomeKind.TRANSIENT,
        "vendor_unavailable",
        Scope.ACCOUNT,
        phase=exchange.phase,
        detail=exchange.detail[:_DETAIL_LENGTH],
    )
    if exchange.problem == "refused":
        return replace(found, kind=OutcomeKind.REJECTED, reason="address_not_allowed")
    if exchange.problem == "unsupported":
        return replace(found, kind=OutcomeKind.REJECTED, reason="config_missing")
    if exchange.unprocessed:
        return found
    if exchange.sent:
        reason = _AFTER_BODY[exchange.problem]
        return replace(found, kind=OutcomeKind.UNKNOWN, scope=Scope.MESSAGE, reason=reason)
    if exchange.phase in _CONNECTING:
        return replace(found, reason="connect_failed")
    return found


def words_of(response: HttpResponse) -> str:
    """Return the beginning of an answer's body, for the operator."""
    return _kept(response.body[: 4 * _DETAIL_LENGTH].decode("utf-8", "replace"))


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return Retry-After in seconds (RFC 9110 §10.2.3: seconds or a date); None without a usable
    one. A date is measured from the answer's own Date, or from `now`.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return min(float(value[:9]), _MOST_WAIT)
    try:
        until = parsedate_to_datetime(value)
        since = now or parsedate_to_datetime(headers.get("date", ""))
        return min(max((until - since).total_seconds(), 0.0), _MOST_WAIT)
    except (ValueError, TypeError):
        return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None


def _refused(found: Outcome, scope: Scope, reason: str) -> Outcome:
    return replace(found, kind=OutcomeKind.REJECTED, scope=scope, reason=reason)


def _kept(words: str) -> str:
    """Return a vendor's words as the ledger can keep them: no NUL, nothing but Unicode, no end."""
    return words.replace("\x00", "").encode("utf-8", "replace").decode()[:_DETAIL_LENGTH]
