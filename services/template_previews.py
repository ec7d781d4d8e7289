"""Previews: a version rendered for looking at, with everything that could go wrong."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from channels import sms, transforms
from channels.occasion import Occasion
from channels.rendering import RenderFailed, render
from domain.contract.template import PreviewRequest, TemplateVersionRequest
from domain.errors import Invalid
from domain.preference_links import with_examples
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Channel
from services import template_problems
from services import template_review as review
from services.access import Actor
from services.app import App
from services.modules import owner_of
from services.template_checks import check_data, check_request, check_words, refuse_supplied
from services.template_partials import Composed, as_version, compose, composed
from services.template_versions import class_of, class_of_key, find_version
from services.templates import find_row


async def preview(app: App, actor: Actor, name: str, request: PreviewRequest) -> dict[str, Any]:
    """Render a version, the newest unless one is named, as a recipient would get it.

    Without data the schema's examples are used; `data` tells which. What cannot be rendered is left
    out of `channels` and named in `problems`. Raises NotFound, Invalid for a channel that the
    version has no words for.
    """
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row, whole = await _composed(conn, actor, name, request.version)
        class_ = await class_of(conn, row)
    shown = show(whole.version, request, class_)
    shown["problems"] = template_problems.errors(whole.errors) + shown["problems"]
    return {"version": whole.version.version, "locale": request.locale, **shown}


async def preview_words(
    app: App,
    actor: Actor,
    words: TemplateVersionRequest,
    asked: PreviewRequest,
    category: str | None,
    name: str | None = None,
    *,
    module: str | None = None,
) -> dict[str, Any]:
    """Render words that are not kept yet, of the template `name` or a new one of `module`.

    Raises NotFound, Invalid for broken words.
    """
    actor.require("templates:read")
    check_request(words)
    async with app.db.leader() as conn:
        owner = await _owner(conn, actor, name, module)
        whole = await compose(conn, owner, as_version(words))
        class_ = await class_of_key(conn, category)
    errors = whole.errors + check_words(whole.version)
    if errors:
        raise Invalid(errors=list(dict.fromkeys(errors)))
    return show(whole.version, asked, class_)


async def _owner(conn: AsyncConnection, actor: Actor, name: str | None, module: str | None) -> UUID:
    if name is None:
        return await owner_of(conn, actor, module)
    owner: UUID = (await find_row(conn, actor, name)).module_id
    return owner


async def find_composed(
    app: App, actor: Actor, name: str, number: int | None
) -> tuple[Any, TemplateVersion]:
    """Return a template's row and a version as it would be sent; raises NotFound, Invalid."""
    async with app.db.leader() as conn:
        row, whole = await _composed(conn, actor, name, number)
    if whole.errors:
        raise Invalid(errors=whole.errors)
    return row, whole.version


def show(
    version: TemplateVersion, request: PreviewRequest, class_: CategoryClass
) -> dict[str, Any]:
    """Return {data, channels, problems} of a version in a locale and on a device."""
    content = version.content_for(request.locale)
    if request.channel is not None and request.channel not in content:
        raise Invalid.field("channel", f"has no words in version {version.version}")
    wanted = [request.channel] if request.channel else [c for c in Channel if c in content]
    data = review.examples_of(version) if request.data is None else request.data
    problems = template_problems.errors(refuse_supplied(data) + check_data(version, data))
    problems += template_problems.undeclared(version)
    problems += template_problems.unknown_locale(version, request.locale)
    channels: dict[str, Any] = {}
    locale = request.locale or version.locale
    for channel in wanted:
        try:
            rendered = render(
                channel,
                content[channel],
                with_examples(data),
                locale=locale,
                timezone=request.timezone,
            )
        except RenderFailed as failed:
            problems += template_problems.errors(failed.errors, channel)
            continue
        channels[channel.value] = _shown(channel, rendered, request.locale)
        problems += review.of_rendered(channel, content[channel], rendered, class_)
        problems += template_problems.warnings(channel, rendered, request.device)
    return {"data": data, "channels": channels, "problems": problems}


async def _composed(
    conn: AsyncConnection, actor: Actor, name: str, number: int | None
) -> tuple[Any, Composed]:
    row = await find_row(conn, actor, name)
    stored = await find_version(conn, row, number or row.latest_version)
    return row, await composed(conn, row, stored)


def _shown(channel: Channel, rendered: Mapping[str, Any], locale: str | None) -> dict[str, Any]:
    """Return words as vendors are handed them; of a text message, how it will be charged."""
    if channel is Channel.SMS:
        return sms.measured(rendered)
    return transforms.transform(channel, rendered, Occasion(locale))
