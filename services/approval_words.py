"""What approvers and authors are told about campaigns: the built-in words, or a module's own.

A published template with one of these keys takes the place of the built-in words of its module.
"""

from collections.abc import Mapping
from typing import Any, Final

ASKED: Final = "approval-request"
"""The key of the template by which approvers are asked and reminded."""
EXPIRED: Final = "approval-expired"
"""The key of the template by which authors hear that nobody approved in time."""

_PARAGRAPH: Final = '<p style="margin:0 0 1rem">'
_HTML: Final = '<div style="font-family:sans-serif;max-width:32rem;margin:2rem auto;color:#222">'
_ABOUT: Final = (
    '{{ campaign }} goes to {{ recipients }} {{ recipients | plural("recipient", "recipients") }}'
)
_STATE: Final = (
    '{{ approvals_left }} {{ approvals_left | plural("approval is", "approvals are") }} missing'
    "{% if approve_by %}, by {{ approve_by }}{% endif %}."
)
_INSTEAD: Final = "{% if on_behalf_of %} You decide for {{ on_behalf_of }}.{% endif %}"
_OVER: Final = (
    "{{ campaign }} was to be approved by {{ approve_by }}, and was not. Nothing was sent."
    " Submit it again, with another time if it needs one."
)

BUILT_IN: Final[Mapping[str, Mapping[str, Any]]] = {
    ASKED: {
        "email": {
            "subject": "{% if reminder %}Still waits for your approval"
            "{% else %}Waits for your approval{% endif %}: {{ campaign }}",
            "text": f"{_ABOUT}. {_STATE}{_INSTEAD}\n\n"
            "See precisely what will go out, and decide:\n{{ link }}\n",
            "html": f"{_HTML}{_PARAGRAPH}{_ABOUT}. {_STATE}{_INSTEAD}</p>{_PARAGRAPH}"
            '<a href="{{ link }}">See precisely what will go out, and decide</a></p></div>',
        },
    },
    EXPIRED: {
        "email": {
            "subject": "Not approved in time: {{ campaign }}",
            "text": f"{_OVER}\n\n{{{{ link }}}}\n",
            "html": f"{_HTML}{_PARAGRAPH}{_OVER}</p>{_PARAGRAPH}"
            '<a href="{{ link }}">Look at the campaign</a></p></div>',
        },
    },
}
