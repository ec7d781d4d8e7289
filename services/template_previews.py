"""Previews: a version rendered for looking at, with everything that could go wrong."""

from collections.abc import Mapping
from typing import Any

from channels import sms, transforms
from channels.occasion import Occasion
from channels.rendering import RenderFailed, render
from domain.contract.template import PreviewRequest
from domain.errors import Invalid
from domain.template import TemplateVersion
from domain.vocabulary import Channel
from services import template_problems, template_views
from services.access import Actor
from services.app import App
from services.template_checks import check_data
from services.template_versions import find_version
from services.templates import find_row
from stores import templates as store


async def preview(app: App, actor: Actor, name: str, request: PreviewRequest) -> dict[str, Any]:
    """Render a version, the newest unless one is named, as a recipient would get it.

    What cannot be rendered is left out of `channels` and named in `problems`. Raises NotFound,
    Invalid for a channel that the version has no words for.
    """
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, name)
        if request.version is None:
            newest = (await store.find_versions(conn, row.id, most=1))[0]
        else:
            newest = await find_version(conn, row, request.version)
    version = template_views.as_version(row, newest)
    return {"version": version.version, "locale": request.locale, **show(version, request)}


def show(version: TemplateVersion, request: PreviewRequest) -> dict[str, Any]:
    """Return {channels, problems} of a version with the request's data, locale and device."""
    content = version.content_for(request.locale)
    if request.channel is not None and request.channel not in content:
        raise Invalid.field("channel", f"has no words in version {version.version}")
    wanted = [request.channel] if request.channel else [c for c in Channel if c in content]
    problems = template_problems.errors(check_data(version, request.data))
    problems += template_problems.undeclared(version)
    problems += template_problems.unknown_locale(version, request.locale)
    channels: dict[str, Any] = {}
    locale = request.locale or version.locale
    for channel in wanted:
        try:
            rendered = render(channel, content[channel], request.data, locale=locale)
        except RenderFailed as failed:
            problems += template_problems.errors(failed.errors, channel)
            continue
        channels[channel.value] = _shown(channel, rendered, request.locale)
        problems += [one.shown() for one in transforms.problems(channel, rendered)]
        problems += template_problems.warnings(channel, rendered, request.device)
    return {"channels": channels, "problems": problems}


def _shown(channel: Channel, rendered: Mapping[str, Any], locale: str | None) -> dict[str, Any]:
    """Return words as vendors are handed them; of a text message, how it will be charged."""
    if channel is Channel.SMS:
        return sms.measured(rendered)
    return transforms.transform(channel, rendered, Occasion(locale))
