"""Trials: a version sent for real to one recipient, and marked as a test."""

from typing import Any, Final

from domain.contract.notification import InlineRecipient, NotificationRequest
from domain.contract.template import TemplateTestRequest
from domain.errors import Invalid
from domain.preference_links import with_examples
from domain.template import TemplateVersion
from services import notifications, template_views
from services.access import Actor
from services.app import App
from services.idempotency import Answer, Idempotency
from services.template_checks import refuse_supplied
from services.template_previews import find_composed
from services.template_review import examples_of

CATEGORY: Final = "transactional"
"""A test needs no campaign and no approval, whatever the template is for."""

MARK: Final = "[Test] "


async def send(
    app: App,
    actor: Actor,
    name: str,
    request: TemplateTestRequest,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Promise a notification with a version's words, also a draft's; the answer is 202.

    Without data the schema's examples are used; its links to preferences open nothing. Raises
    NotFound, Invalid, Forbidden.
    """
    actor.require("templates:read")
    row, version = await find_composed(app, actor, name, request.version)
    data = examples_of(version) if request.data is None else request.data
    if wrong := refuse_supplied(data):
        raise Invalid(errors=wrong)
    asked = NotificationRequest.model_validate(
        {
            "recipient": _recipient(request),
            "content": _marked(version, request),
            "data": with_examples(data),
            "channels": request.channels,
            "category": CATEGORY,
            "priority": row.priority,
            "metadata": {"test": True, "template": f"{version.key}@{version.version}"},
        }
    )
    return await notifications.accept(app, actor, asked, idempotency, links_given=True)


def _recipient(request: TemplateTestRequest) -> Any:
    if isinstance(request.recipient, str):
        return request.recipient
    given = request.recipient.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if request.locale and not request.recipient.external_id:
        given["locale"] = request.locale
    return given


def _marked(version: TemplateVersion, request: TemplateTestRequest) -> dict[str, Any]:
    """Return the words in the wanted locale; a mail's subject says that it is a test."""
    given = request.recipient
    locale = request.locale or (given.locale if isinstance(given, InlineRecipient) else None)
    words = template_views.given(version.content_for(locale))
    if "email" in words:
        words["email"] = {**words["email"], "subject": MARK + words["email"]["subject"]}
    return words
