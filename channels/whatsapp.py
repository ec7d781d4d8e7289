"""WhatsApp: session text, or a template that Meta approved in one language.

https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
"""

from collections.abc import Mapping
from typing import Any, Final

from channels.occasion import NO_OCCASION, Occasion
from channels.problems import TOO_LARGE, ContentProblem, error, warning
from domain.vocabulary import Channel

MOST_CHARACTERS: Final = 4096
DEFAULT_LANGUAGE: Final = "en"


def transform(content: Mapping[str, Any], occasion: Occasion = NO_OCCASION) -> dict[str, Any]:
    """Return {text} or {template, language, parameters}.

    A template that names no language is taken in the recipient's locale, written as Meta does
    (pt-BR becomes pt_BR), else in English.
    """
    if content.get("template") is None:
        return {"text": content["text"]}
    language = content.get("language") or occasion.locale or DEFAULT_LANGUAGE
    return {
        "template": content["template"],
        "language": language.replace("-", "_"),
        "parameters": content.get("parameters") or {},
    }


def problems(content: Mapping[str, Any]) -> list[ContentProblem]:
    """Return what is wrong with rendered words."""
    if content.get("template") is None:
        return _of_text(content["text"])
    found = []
    if not content["template"].strip():
        found.append(error(Channel.WHATSAPP, "template", "is empty"))
    if not content.get("language"):
        message = f"is missing; the recipient's locale is taken, else {DEFAULT_LANGUAGE}"
        found.append(warning(Channel.WHATSAPP, "language", message))
    return found


def _of_text(text: str) -> list[ContentProblem]:
    if not text.strip():
        return [error(Channel.WHATSAPP, "text", "is empty")]
    if len(text) > MOST_CHARACTERS:
        message = f"has {len(text):,} characters; at most {MOST_CHARACTERS:,} can be sent"
        return [error(Channel.WHATSAPP, "text", message, TOO_LARGE)]
    message = (
        "reaches only who wrote within the last 24 hours; everybody else needs an approved template"
    )
    return [warning(Channel.WHATSAPP, "text", message)]
