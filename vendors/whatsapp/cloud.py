"""WhatsApp's Cloud API by Meta; its table of errors and its calls stand in files of their own.

https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from domain.http import HttpRequest
from domain.message import ContentMessage
from domain.vocabulary import Channel
from vendors.contract import Capabilities, Webhooks
from vendors.fields import Secret
from vendors.http_api import HttpApi, HttpSettings, Moment, Unfit
from vendors.over_http import http_kind
from vendors.whatsapp.cloud_answers import outcome
from vendors.whatsapp.cloud_calls import receipts, verify

MOST_CHARACTERS: Final = 4096


class Settings(HttpSettings):
    """A business phone number; app secret and verify token are needed to hear from WhatsApp."""

    base_url: str = Field("https://graph.facebook.com", description="Where the Graph API is")
    api_version: Annotated[str, Field(pattern=r"^v[0-9]+\.[0-9]+$")] = Field(
        "v25.0", description="Version of the Graph API"
    )
    phone_number_id: Annotated[str, Field(pattern=r"^[0-9]+$")] = Field(
        description="Id of the phone number that sends (not the number itself)"
    )
    access_token: Secret = Field(description="Access token of a system user")
    app_secret: Secret | None = Field(None, description="App secret; it signs calls")
    verify_token: Secret | None = Field(
        None, description="The word that the app's webhook settings are given to prove themselves"
    )


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    """Return the request that sends a template or a text; raises Unfit for a text too long."""
    content = message.content
    kind = "template" if content.get("template") else "text"
    document = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.address,
        "type": kind,
        kind: _template(content) if kind == "template" else _text(content["text"]),
        "biz_opaque_callback_data": message.attempt_id,
    }
    return HttpRequest(
        "POST",
        f"{settings.base_url}/{settings.api_version}/{settings.phone_number_id}/messages",
        {
            "Authorization": f"Bearer {settings.access_token.get_secret_value()}",
            "Content-Type": "application/json",
        },
        json.dumps(document).encode(),
    )


def _text(text: str) -> dict[str, str]:
    if len(text) > MOST_CHARACTERS:
        raise Unfit(
            "payload_too_large",
            f"the text has {len(text)} characters; WhatsApp takes {MOST_CHARACTERS}",
        )
    return {"body": text}


def _template(content: Mapping[str, Any]) -> dict[str, Any]:
    template: dict[str, Any] = {
        "name": content["template"],
        "language": {"code": content["language"]},
    }
    if components := _components(content.get("parameters") or {}):
        template["components"] = components
    return template


def _components(parameters: Mapping[str, Any]) -> list[Any]:
    """Return what fills a template in: the body by number or by name, or Meta's own `components`
    as they are, where header and buttons are to be filled in as well.
    """
    if isinstance(parameters.get("components"), list):
        return list(parameters["components"])
    if all(name.isascii() and name.isdecimal() for name in parameters):
        ordered = sorted(parameters, key=int)
        filled = [{"type": "text", "text": str(parameters[name])} for name in ordered]
    else:
        filled = [
            {"type": "text", "parameter_name": name, "text": str(value)}
            for name, value in parameters.items()
        ]
    return [{"type": "body", "parameters": filled}] if filled else []


KIND: Final = http_kind(
    name="whatsapp_cloud",
    title="WhatsApp Cloud API",
    channels=[Channel.WHATSAPP],
    settings=Settings,
    api=HttpApi(request, outcome),
    capabilities=Capabilities(receipts=True, replies=True),
    webhooks=Webhooks(verify, receipts),
)
