"""Telegram: a text as its reader sees it, and rows of buttons.

https://core.telegram.org/bots/api#sendmessage
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from channels import markdown, telegram_html
from channels.occasion import NO_OCCASION, Occasion
from channels.problems import TOO_LARGE, ContentProblem, error, fault_of_link
from domain.vocabulary import Channel

MOST_CHARACTERS: Final = 4096
_BUTTON_LINKS: Final = frozenset({"http", "https", "tg"})


def transform(
    content: Mapping[str, Any],
    occasion: Occasion = NO_OCCASION,  # noqa: ARG001
) -> dict[str, Any]:
    """Return {text, parse_mode?, buttons?: rows of {text, url}}."""
    optional = ("parse_mode", "buttons")
    return {"text": content["text"], **{one: content[one] for one in optional if content.get(one)}}


def problems(content: Mapping[str, Any]) -> list[ContentProblem]:
    """Return what is wrong with rendered words."""
    return [*_of_text(content["text"], content.get("parse_mode")), *_of_buttons(content)]


def _of_text(text: str, parse_mode: str | None) -> Iterator[ContentProblem]:
    try:
        read = seen(text, parse_mode)
    except ValueError as fault:
        yield error(Channel.TELEGRAM, "text", str(fault))
        return
    if not read.strip():
        yield error(Channel.TELEGRAM, "text", "is empty")
    elif len(read) > MOST_CHARACTERS:
        message = (
            f"shows {len(read):,} characters; at most {MOST_CHARACTERS:,} can be sent, "
            "marks of formatting not counted"
        )
        yield error(Channel.TELEGRAM, "text", message, TOO_LARGE)


def seen(text: str, parse_mode: str | None) -> str:
    """Return what is left of a text when its entities are read; raises ValueError."""
    match parse_mode:
        case "MarkdownV2":
            return markdown.read(text)
        case "HTML":
            return telegram_html.read(text)
    return text


def _of_buttons(content: Mapping[str, Any]) -> Iterator[ContentProblem]:
    for row, buttons in enumerate(content.get("buttons") or ()):
        for number, button in enumerate(buttons):
            place = f"buttons[{row}][{number}]"
            if not button["text"].strip():
                yield error(Channel.TELEGRAM, f"{place}.text", "is empty")
            if fault := fault_of_link(button["url"], _BUTTON_LINKS):
                yield error(Channel.TELEGRAM, f"{place}.url", fault)
