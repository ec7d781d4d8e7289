"""WhatsApp: session text and approved templates."""

import pytest

from channels.occasion import Occasion
from channels.problems import INVALID, TOO_LARGE, Severity
from channels.whatsapp import problems, transform

TEMPLATE = {"template": "order_shipped", "parameters": {"1": "A-1"}}


def test_text_is_only_text() -> None:
    assert transform({"text": "Hi"}) == {"text": "Hi"}


@pytest.mark.parametrize(
    ("given", "locale", "language"),
    [("de", "fr", "de"), ("pt-BR", None, "pt_BR"), (None, "fr-CA", "fr_CA"), (None, None, "en")],
)
def test_a_template_has_a_language(given: str | None, locale: str | None, language: str) -> None:
    content = {**TEMPLATE, "language": given} if given else TEMPLATE
    assert transform(content, Occasion(locale)) == {**TEMPLATE, "language": language}


def test_a_template_without_parameters() -> None:
    assert transform({"template": "hello", "language": "en"})["parameters"] == {}


def test_a_missing_language_is_warned_of() -> None:
    [one] = problems(TEMPLATE)
    assert (one.severity, one.field) == (Severity.WARNING, "content.whatsapp.language")
    assert problems({**TEMPLATE, "language": "en"}) == []


def test_text_is_warned_of_because_it_needs_a_session() -> None:
    [one] = problems({"text": "x" * 4096})
    assert (one.severity, one.field) == (Severity.WARNING, "content.whatsapp.text")
    assert "24 hours" in one.message


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        ({"text": "x" * 4097}, "text", TOO_LARGE),
        ({"text": " "}, "text", INVALID),
        ({"template": " ", "language": "en"}, "template", INVALID),
    ],
)
def test_what_cannot_be_sent_is_refused(content: dict[str, str], field: str, reason: str) -> None:
    [one] = problems(content)
    assert one.severity is Severity.ERROR
    assert (one.field, one.reason) == (f"content.whatsapp.{field}", reason)
