"""What a one-time code is sent with: the module's words or the built-in ones, and their data."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from channels.rendering import render
from domain.code_masks import hide, hides
from domain.contract.otp import OtpRequest
from domain.errors import FieldError
from domain.hosts import check_domain
from domain.preference_links import with_examples
from domain.vocabulary import Channel

TEMPLATE: Final = "otp"
"""The key of the template that a module's codes are sent with, once it is published."""

_LIVES: Final = 'It is valid for {{ ttl_minutes }} {{ ttl_minutes | plural("minute", "minutes") }}.'
_IS: Final = "{{ code }} is your {% if app is defined and app %}{{ app }} {% endif %}code."
_WARNING: Final = "Nobody else may ask you for it."
_NOTICE: Final = {"title": _IS, "body": f"{_LIVES} {_WARNING}"}

BUILT_IN: Final[Mapping[str, Any]] = {
    "email": {
        "subject": _IS,
        "text": f"{_IS}\n\n{_LIVES} {_WARNING}\n\nIf you did not ask for it, ignore this mail.",
        "html": '<div style="font-family:sans-serif;max-width:32rem;margin:2rem auto;color:#222">'
        "<p>Your {% if app is defined and app %}{{ app }} {% endif %}code:</p>"
        '<p style="font-size:2rem;letter-spacing:.25rem;font-weight:bold">{{ code }}</p>'
        f"<p>{_LIVES} {_WARNING}</p>"
        '<p style="color:#666">If you did not ask for it, ignore this mail.</p></div>',
    },
    "sms": {
        "text": f"{_IS} {_LIVES}{{% if domain %}}\n\n@{{{{ domain }}}} #{{{{ code }}}}{{% endif %}}"
    },
    "push": _NOTICE,
    "webpush": _NOTICE,
    "whatsapp": {"text": f"{_IS} {_LIVES} {_WARNING}"},
    "telegram": {"text": f"{_IS} {_LIVES} {_WARNING}"},
}
"""Words of each channel; the last line of an sms binds the code to a domain (WebOTP)."""

_PROBES: Final = ("07381942", "09526173", "04617935", "08293746", "06175284", "03948571")
"""Codes to try words with; each begins with a zero, which a code that is reckoned with loses."""


def data_of(request: OtpRequest, default_domain: str) -> dict[str, Any]:
    """Return what words are rendered with: the given data, and ours but for the code."""
    domain = str(request.data.get("domain") or default_domain)
    return {
        **request.data,
        "ttl_minutes": max(1, request.ttl_seconds // 60),
        "domain": check_domain(domain) if domain else "",
    }


def a_probe(length: int) -> str:
    """Return a code that is none, for looking whether words can be rendered."""
    return _PROBES[0][:length]


def check_shown(
    words: Mapping[str, Any], data: Mapping[str, Any], channels: Sequence[Channel], length: int
) -> list[FieldError]:
    """Return which channels' words do not show the code as it is.

    Words that change it, or say something else for some codes, could be read by nobody and
    would give it away where it has to be hidden. Everything must be renderable with the data.
    """
    return [
        FieldError(f"content.{channel}", "must show {{ code }} as it is")
        for channel in channels
        if not _shows(channel, words[channel], data, length)
    ]


def _shows(
    channel: Channel, words: Mapping[str, Any], data: Mapping[str, Any], length: int
) -> bool:
    def rendered(code: str) -> Any:
        return render(channel, words, {**with_examples(data), "code": code})

    for first, second in itertools.pairwise(probe[:length] for probe in _PROBES):
        one, other = rendered(first), rendered(second)
        if hides(hide(one, second)) or hides(hide(other, first)):
            continue  # the digits stand there by chance
        return hides(hide(one, first)) and hide(one, first) == hide(other, second)
    return False
