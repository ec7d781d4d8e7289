"""The signature that Twilio and Mandrill share: HMAC-SHA1 over a call's URL and the form in it.

https://www.twilio.com/docs/usage/security and
https://mandrill.zendesk.com/hc/en-us/articles/360039232513-How-to-Authenticate-Webhook-Requests
"""

import base64
import hmac
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from domain.http import Webhook

FORM: Final = "application/x-www-form-urlencoded"


def sign(url: str, fields: Sequence[tuple[str, str]], key: str) -> str:
    """Return the signature of a call: each name with its values, sorted, values once each."""
    data = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(key.encode(), data.encode(), "sha1")).decode()


def is_form(webhook: Webhook) -> bool:
    """Whether the body of a call is a form."""
    return webhook.headers.get("content-type", "").lower().startswith(FORM)


def fields_of(webhook: Webhook) -> list[tuple[str, str]]:
    """Return the fields of a call whose body is a form, in order; of another one none."""
    if not is_form(webhook):
        return []
    return parse_qsl(webhook.body.decode("utf-8", "replace"), keep_blank_values=True)
