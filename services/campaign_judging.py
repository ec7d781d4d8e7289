"""Judges campaigns as their authors write them: every reference, every rule, the window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render, variables
from channels.transforms import check_sendable
from domain.campaign_window import OpenHours, parse_open_hours
from domain.category import Category
from domain.contract.campaign import CampaignRequest
from domain.errors import FieldError, Invalid
from domain.ids import InvalidId, decode
from domain.preference_links import ACKNOWLEDGING, with_examples
from domain.rules import Rule, binding
from domain.rules_content import violations, with_footers
from domain.rules_hours import RECIPIENT
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Channel
from services.acceptance import choose_channels
from services.rule_checks import choose_priority
from services.template_checks import refuse_supplied
from services.template_examples import default_data
from stores import audiences, categories, rules, templates


@dataclass(frozen=True, slots=True)
class Named:
    """What a campaign names, looked up."""

    categories: Mapping[str, Category]
    template: TemplateVersion | None
    audience_id: UUID | None
    rules: Sequence[Rule]


async def look_up(conn: AsyncConnection, module_id: UUID, request: CampaignRequest) -> Named:
    """Look up everything that a campaign names, in its module."""
    refs = [request.template] if request.template else []
    found = await templates.find_published(conn, module_id, refs) if refs else {}
    try:
        audience = await audiences.get(conn, decode("aud", request.audience), module_id)
    except InvalidId:
        audience = None
    return Named(
        categories=await categories.load_all(conn),
        template=next(iter(found.values()), None),
        audience_id=audience.id if audience else None,
        rules=(await rules.of_modules(conn, [module_id]))[module_id].rules,
    )


def judge(
    request: CampaignRequest, named: Named, *, usual_hours: str, now: datetime | None = None
) -> dict[str, Any]:
    """Return what a submission freezes; raises Invalid that names each wrong field.

    Data that only the audience's members have is looked at by the dry run, not here.
    """
    errors: list[FieldError] = []
    category = _category(request, named, errors)
    if named.audience_id is None:
        errors.append(FieldError("audience", "names no audience of this module"))
    if request.template and named.template is None:
        errors.append(FieldError("template", "names no published template of this module"))
    if errors or category is None:
        raise Invalid(errors=errors)
    bound = binding(named.rules, category.key, category.class_)
    words = _words(request, named, bound)
    chosen = choose_channels(request.channels, words)
    defaults = default_data(named.template.schema) if named.template else {}
    data = {**defaults, **request.data}
    errors += refuse_supplied(data)
    if ACKNOWLEDGING in variables(words):
        place = "template" if request.content is None else "content"
        told = f"uses {ACKNOWLEDGING}: notifications are acknowledged, campaigns are not"
        errors.append(FieldError(place, told))
    errors += _check_words(words, with_examples(data), chosen, bound)
    hours = open_hours(request, category.class_, usual_hours)
    errors += _check_window(request, hours, now or datetime.now(UTC))
    if errors:
        raise Invalid(errors=list(dict.fromkeys(errors)))
    return {
        "audience_id": str(named.audience_id),
        "category": category.key,
        "class": category.class_,
        "priority": choose_priority(request.priority, named.template, category, bound),
        "channels": chosen,
        "channel_policy": request.channel_policy,
        "ordered": request.channels is not None,
        "template_id": str(named.template.template_id) if named.template else None,
        "template_key": named.template.key if named.template else None,
        "template_version": named.template.version if named.template else None,
        "content": words if request.content else None,
        "data": data,
        "off_hours": hours.document() if hours else None,
    }


def open_hours(
    request: CampaignRequest, class_: CategoryClass, usual_hours: str
) -> OpenHours | None:
    """Return in which hours a campaign sends; None at any. Bulk that says nothing goes by the
    site's setting.
    """
    if "off_hours" in request.window.model_fields_set:
        given = request.window.off_hours
        return OpenHours(given.start, given.end, given.timezone) if given else None
    if class_ is CategoryClass.BULK and usual_hours:
        return parse_open_hours(usual_hours)
    return None


def _category(request: CampaignRequest, named: Named, errors: list[FieldError]) -> Category | None:
    key = request.category or (named.template.category if named.template else None) or "bulk"
    category = named.categories.get(key)
    if category is None:
        errors.append(FieldError("category", f"is none of {', '.join(sorted(named.categories))}"))
    elif category.class_ is CategoryClass.OTP:
        errors.append(
            FieldError("category", "is one of one-time passwords, which are sent to one recipient")
        )
    return category


def _words(request: CampaignRequest, named: Named, bound: Sequence[Rule]) -> Mapping[str, Any]:
    if request.content is not None:
        dumped = request.content.model_dump(mode="json", by_alias=True, exclude_none=True)
        return with_footers(bound, dumped)
    return named.template.content if named.template else {}


def _check_words(
    words: Mapping[str, Any], data: Mapping[str, Any], chosen: Sequence[Channel],
    bound: Sequence[Rule],
) -> list[FieldError]:  # fmt: skip
    """Return what no data of a member can mend. What cannot be rendered yet may need such data."""
    errors: list[FieldError] = []
    for channel in chosen:
        try:
            rendered = render(channel, words[channel], data)
            check_sendable(channel, rendered)
            broken = violations(bound, channel, rendered)
            errors += [FieldError(one.field, one.told) for one in broken]
        except RenderFailed:
            continue
        except ContentRefused as refused:
            errors += refused.errors
    return errors


def _check_window(
    request: CampaignRequest, hours: OpenHours | None, now: datetime
) -> list[FieldError]:
    window = request.window
    begins = max(window.start_at or now, now)
    if window.end_at is None:
        return []
    if window.end_at <= begins:
        return [FieldError("window.end_at", "must be later than now and than start_at")]
    if hours and hours.timezone != RECIPIENT and hours.opens(begins) >= window.end_at:
        return [
            FieldError(
                "window.end_at",
                f"comes before the hours {hours} are open for the first time: it never opens",
            )
        ]
    return []
