"""The request model: what clients get wrong is named by field."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.contract.notification import NotificationRequest
from services.fields import field_errors

GOOD: dict[str, Any] = {
    "recipient": {"email": "sam@example.com"},
    "content": {"email": {"subject": "Hi", "text": "Hello"}},
}


def wrong(**change: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        NotificationRequest.model_validate({**GOOD, **change})
    return [one.field for one in field_errors(caught.value)]


def test_the_smallest_request_is_fine() -> None:
    assert NotificationRequest.model_validate(GOOD).channel_policy == "first_success"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recipient": {"email": "no address"}}, "recipient.email"),
        ({"recipient": {"phone": "0123"}}, "recipient.phone"),
        ({"recipient": {}}, "recipient.email"),
        ({"recipient": "prf_short"}, "recipient"),
        ({"recipient": {"external_id": "x", "email": "a@example.com"}}, "recipient.external_id"),
        ({"recipient": {"email": "a@example.com", "timezone": "Mars/Base"}}, "recipient.timezone"),
        ({"template": "welcome"}, "content"),
        ({"content": None}, "content"),
        ({"content": {}}, "content"),
        ({"content": {"email": {"subject": "a\r\nBcc: b@example.com", "text": "x"}}},
         "content.email.subject"),
        ({"content": {"email": {"subject": "a", "text": "nul\x00"}}}, "content.email.text"),
        ({"content": {"email": {"subject": "a"}}}, "content.email.text"),
        ({"content": {"email": {"subject": "a", "text": "b", "attachments": [
            {"filename": "a\nb", "base64": "eA=="}]}}}, "content.email.attachments[0].filename"),
        ({"content": {"email": {"subject": "a", "text": "b", "attachments": [
            {"filename": "a", "base64": "%"}]}}}, "content.email.attachments[0].base64"),
        ({"data": {"a": "\x00"}}, "data"),
        ({"data": {"a": "\ud800"}}, "data"),
        ({"channels": ["email", "email"]}, "channels"),
        ({"channels": ["pigeon"]}, "channels[0]"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"send_at": 1893456000}, "send_at"),
        ({"send_at": "2030-01-01T00:00:00"}, "send_at"),
        ({"colour": "red"}, "colour"),
        ({"priority": "urgent"}, "priority"),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    assert wrong(**change) == [field]


def test_addresses_are_normalised() -> None:
    request = NotificationRequest.model_validate(
        {**GOOD, "recipient": {"email": "Sam@EXAMPLE.com", "phone": "+1 415 555 0100"}}
    )
    assert not isinstance(request.recipient, str)
    assert (request.recipient.email, request.recipient.phone) == (
        "Sam@example.com", "+14155550100",
    )  # fmt: skip
