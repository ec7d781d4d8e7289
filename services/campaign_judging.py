"""Judges campaigns as their authors write them: every reference, every rule, the window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from channels.mime_headers import read_mailbox
from domain.campaign_identity import brand_of, brand_words, with_sender
from domain.campaign_window import OpenHours, parse_open_hours
from domain.category import Category
from domain.contract.base import Request, WrongField
from domain.contract.campaign import CampaignRequest
from domain.contract.campaign_waves import AbTest
from domain.errors import FieldError, Invalid
from domain.ids import InvalidId, decode
from domain.preference_links import with_examples
from domain.rules import Rule, RuleKind, binding
from domain.rules_content import violations, with_footers
from domain.rules_hours import RECIPIENT
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Channel
from services.acceptance import check_words, choose_channels
from services.rule_checks import choose_priority
from services.template_checks import refuse_supplied
from services.template_examples import default_data
from stores import audiences, categories, modules, rules, templates


@dataclass(frozen=True, slots=True)
class Named:
    """What a campaign names, looked up."""

    categories: Mapping[str, Category]
    templates: Mapping[str, TemplateVersion]
    """Those that are published, by how they were named."""
    audience_id: UUID | None
    rules: Sequence[Rule]
    brand: Mapping[str, Any]
    """The module's: {name, colour?, logo?}."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A template, and the field that names it."""

    field: str
    version: TemplateVersion

    @property
    def defaults(self) -> dict[str, Any]:
        return default_data(self.version.schema)

    def document(self) -> dict[str, Any]:
        found = (str(self.version.template_id), self.version.key, self.version.version)
        return dict(zip(_TEMPLATE, found, strict=True))


_TEMPLATE: Final = ("template_id", "template_key", "template_version")


async def look_up(conn: AsyncConnection, module_id: UUID, request: CampaignRequest) -> Named:
    """Look up everything that a campaign names, in its module."""
    refs = list(_named_templates(request).values())
    found = await templates.find_published(conn, module_id, refs) if refs else {}
    try:
        audience = await audiences.get(conn, decode("aud", request.audience), module_id)
    except InvalidId:
        audience = None
    module = await modules.get(conn, id=module_id, key=None)
    return Named(
        categories=await categories.load_all(conn),
        templates=found,
        audience_id=audience.id if audience else None,
        rules=(await rules.of_modules(conn, [module_id]))[module_id].rules,
        brand={"name": module.name, **module.brand} if module else {},
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
    for field, ref in _named_templates(request).items():
        if ref not in named.templates:
            errors.append(FieldError(field, "names no published template of this module"))
    if errors or category is None:
        raise Invalid(errors=errors)
    bound = binding(named.rules, category.key, category.class_)
    said = [_Said(field, named.templates[ref]) for field, ref in _named_templates(request).items()]
    content = _content(request, bound)
    sender, brand = _given(request.sender), brand_of(named.brand, _given(request.brand))
    usual = {"brand": brand_words(brand or named.brand)}
    all_words = [(one.field, one.version.content, {**usual, **one.defaults}) for one in said]
    all_words = all_words or [("content", content or {}, usual)]
    chosen = choose_channels(request.channels, all_words[0][1])
    errors += refuse_supplied({**all_words[0][2], **request.data})
    errors += _check_sender(sender, chosen, bound)
    for field, words, defaults in all_words:
        sent, data = with_sender(words, sender), with_examples({**defaults, **request.data})
        wrong = _check_words(field, sent, data, chosen, bound)
        errors += [one for one in wrong if one.field not in _overruled(sender)]
    only = said[0] if said and request.ab_test is None else None
    data = request.data if request.ab_test else {**all_words[0][2], **request.data}
    hours = open_hours(request, category.class_, usual_hours)
    errors += _check_window(request, hours, now or datetime.now(UTC))
    if errors:
        raise Invalid(errors=list(dict.fromkeys(errors)))
    return {
        "audience_id": str(named.audience_id),
        "category": category.key,
        "class": category.class_,
        "priority": choose_priority(
            request.priority, said[0].version if said else None, category, bound
        ),
        "channels": chosen,
        "channel_policy": request.channel_policy,
        "ordered": request.channels is not None,
        **(only.document() if only else dict.fromkeys(_TEMPLATE)),
        "content": content,
        "data": data,
        "ab_test": _test(request.ab_test, said, usual),
        "sender": sender,
        "brand": brand,
        "off_hours": hours.document() if hours else None,
        "pace": pace_document(request),
        "canary": request.canary.model_dump(exclude_none=True) if request.canary else None,
    }


def pace_document(request: CampaignRequest) -> dict[str, Any] | None:
    """Return the pace that is asked for, as a row keeps it; None for that of the accounts."""
    return request.pace.model_dump(exclude_none=True) if request.pace else None


def _given(part: Request | None) -> dict[str, Any] | None:
    """Return what a part says; None where it says nothing."""
    return part.model_dump(mode="json", by_alias=True, exclude_none=True) or None if part else None


def _check_sender(
    sender: Mapping[str, str] | None, chosen: Sequence[Channel], bound: Sequence[Rule]
) -> list[FieldError]:
    if sender is None:
        return []
    if Channel.EMAIL not in chosen:
        return [FieldError("sender", "is of mails, and it sends none")]
    errors: list[FieldError] = []
    for name, value in sender.items():
        try:
            read_mailbox(value, f"sender.{name}")
        except WrongField as wrong:
            errors.append(FieldError(wrong.field, str(wrong)))
    senders = [rule for rule in bound if rule.kind is RuleKind.SENDER]
    broken = violations(senders, Channel.EMAIL, sender)
    return errors + [FieldError("sender.from", one.told) for one in broken]


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
    refs = _named_templates(request).values()
    first = next((named.templates[one] for one in refs if one in named.templates), None)
    key = request.category or (first.category if first else None) or "bulk"
    category = named.categories.get(key)
    if category is None:
        errors.append(FieldError("category", f"is none of {', '.join(sorted(named.categories))}"))
    elif category.class_ is CategoryClass.OTP:
        errors.append(
            FieldError("category", "is one of one-time passwords, which are sent to one recipient")
        )
    return category


def _content(request: CampaignRequest, bound: Sequence[Rule]) -> Mapping[str, Any] | None:
    if request.content is None:
        return None
    dumped = request.content.model_dump(mode="json", by_alias=True, exclude_none=True)
    return with_footers(bound, dumped)


def _named_templates(request: CampaignRequest) -> dict[str, str]:
    """Return the templates that are named, by the fields that name them."""
    if request.ab_test is None:
        return {"template": request.template} if request.template else {}
    return {
        f"ab_test.variants[{number}].template": one.template
        for number, one in enumerate(request.ab_test.variants)
    }


def _test(
    asked: AbTest | None, said: Sequence["_Said"], usual: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what is frozen of a test; the data of each variant goes below the campaign's."""
    if asked is None:
        return None
    variants = [
        {**one.document(), "share": variant.share, "data": {**usual, **one.defaults}}
        for variant, one in zip(asked.variants, said, strict=True)
    ]
    return {**asked.model_dump(mode="json"), "variants": variants}


def _overruled(sender: Mapping[str, str] | None) -> set[str]:
    """Return the fields of words that a sender stands for; what is wrong is told of it already."""
    return {f"content.email.{one}" for one in sender or {}}


def _check_words(
    field: str, words: Mapping[str, Any], data: Mapping[str, Any], chosen: Sequence[Channel],
    bound: Sequence[Rule],
) -> list[FieldError]:  # fmt: skip
    """Return what no data of a member can mend. What cannot be rendered yet may need such data."""
    if missing := [one for one in chosen if words.get(one) is None]:
        return [FieldError(field, f"has no words for {', '.join(missing)}")]
    return check_words(words, data, chosen, rules=bound, more_data=True)


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
