"""What WhatsApp's answers mean; the same codes stand in answers and in statuses of messages.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

from typing import Any, Final

from domain.http import HttpResponse
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope
from vendors.calls import objects, part, word
from vendors.http_outcomes import accepted, outcome_of, outcome_of_status, read_json

_REJECTED, _THROTTLED = OutcomeKind.REJECTED, OutcomeKind.THROTTLED
_TRANSIENT, _UNKNOWN = OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN

REFUSALS: Final[dict[tuple[int, ...], tuple[OutcomeKind, Scope, str]]] = {
    (0, 190): (_REJECTED, Scope.ACCOUNT, "auth_failed"),
    (3, 10, 131005, *range(200, 300)): (_REJECTED, Scope.ACCOUNT, "forbidden"),
    (4, 80007, 130429, 133016): (_THROTTLED, Scope.ACCOUNT, "rate_account"),
    (131048,): (_THROTTLED, Scope.ACCOUNT, "rate_sender"),
    (131056,): (_THROTTLED, Scope.RECIPIENT, "rate_recipient"),
    (131064,): (_REJECTED, Scope.ACCOUNT, "quota_exhausted"),
    (131049, 130472): (_REJECTED, Scope.RECIPIENT, "withheld"),
    (131050,): (_REJECTED, Scope.RECIPIENT, "opted_out"),
    (131026,): (_REJECTED, Scope.RECIPIENT, "unreachable"),
    (131021,): (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    (131047,): (_REJECTED, Scope.MESSAGE, "window_closed"),
    (33, 100, 131008, 131009, 131051, 131052, 131053, 131062, 135000, 137000): (
        _REJECTED, Scope.MESSAGE, "invalid_payload",
    ),
    (132000, 132005, 132008, 132012, 132068, 132069): (
        _REJECTED, Scope.MESSAGE, "template_params",
    ),
    (132001, 132015, 132016): (_REJECTED, Scope.MESSAGE, "template_missing"),
    (132007,): (_REJECTED, Scope.MESSAGE, "content_filtered"),
    (131030, 131037, 131045, 131063, 133010): (_REJECTED, Scope.ACCOUNT, "config_missing"),
    (368, 131031): (_REJECTED, Scope.ACCOUNT, "suspended"),
    (130497,): (_REJECTED, Scope.ACCOUNT, "not_allowed_in_region"),
    (131042, 131044): (_REJECTED, Scope.ACCOUNT, "no_credit"),
    (2, 131016, 131057, 133004): (_TRANSIENT, Scope.ACCOUNT, "vendor_unavailable"),
    (1, 131000): (_UNKNOWN, Scope.MESSAGE, "vendor_error_after_body"),
}  # fmt: skip
"""Meta's code → outcome. Titles and words change, codes do not."""

BY_CODE: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}
_PAIR: Final = 131056
_PAIR_SECONDS: Final = 6.0
"""One number may write to another about every six seconds; answers do not say how long to wait."""


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; raises Unreadable."""
    document = read_json(response)
    error = part(document, "error")
    if 200 <= response.status < 300 and not error:
        messages = objects(document.get("messages"))
        return accepted(word(messages[0].get("id")) if messages else "", response)
    code = error.get("code")
    if isinstance(code, int) and code in BY_CODE:
        wait = _PAIR_SECONDS if code == _PAIR else None
        return outcome_of(BY_CODE[code], code=str(code), detail=told(error), retry_after=wait)
    found = outcome_of_status(response, told(error))
    return found if not word(code) else Outcome(
        found.kind, found.reason, found.scope, found.retry_after, word(code), phase="response",
        detail=found.detail,
    )  # fmt: skip


def told(error: dict[str, Any]) -> str:
    """Return the words of an error, with its details."""
    details = word(part(error, "error_data").get("details"))
    words = word(error.get("message")) or word(error.get("title"))
    return f"{words}: {details}" if words and details else words or details
