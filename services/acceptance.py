"""Judges requests before they are promised: every reference resolved, every rule of §6 checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render
from channels.transforms import check_sendable
from domain.category import Category
from domain.contract.notification import InlineRecipient, NotificationRequest
from domain.digests import uncollectable
from domain.errors import FieldError, Forbidden, Invalid, Problem
from domain.ids import InvalidId, decode, encode, new_id
from domain.preference_links import with_examples, without
from domain.retry import LIFETIMES
from domain.rules import Rule, binding
from domain.rules_content import violations, with_footers
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Channel, State
from services.access import Actor
from services.rule_checks import choose_priority
from services.template_checks import refuse_supplied
from services.template_examples import default_data
from services.templates import check_data
from services.times import stamp
from stores import categories, profiles, rules, templates

APPROVED = frozenset({CategoryClass.BULK, CategoryClass.MARKETING})
"""Classes that need an approved campaign, but for single messages by keys allowed to."""


class ApprovalRequired(Forbidden):
    """Bulk and marketing go out by an approved campaign."""


@dataclass(frozen=True, slots=True)
class References:
    """What the requests of one call name, looked up together."""

    categories: Mapping[str, Category]
    templates: Mapping[str, TemplateVersion]
    profile_ids: set[UUID]
    external_ids: Mapping[str, UUID]
    rules: Sequence[Rule] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """A request that may be promised: the row to insert, and when its work begins."""

    id: UUID
    row: dict[str, Any]
    due_at: datetime | None
    resend_of: UUID | None = field(default=None)

    @property
    def class_(self) -> CategoryClass:
        """The class of its category."""
        return CategoryClass(self.row["class"])

    def body(self) -> dict[str, Any]:
        """Return the 202 answer."""
        return {
            "id": encode("ntf", self.id),
            "state": self.row["state"],
            "priority": self.row["priority"],
            "category": self.row["category"],
            "created_at": _told(self.row["created_at"]),
            "send_at": _told(self.row["send_at"]),
            "expires_at": _told(self.row["expires_at"]),
            "version": 1,
        }


async def look_up(
    conn: AsyncConnection, actor: Actor, requests: Sequence[NotificationRequest]
) -> References:
    """Look up everything that requests name, in one query per kind, whatever their number."""
    refs = sorted({one.template for one in requests if one.template})
    ids = {_profile_id(one) for one in requests} - {None}
    external = {
        one.recipient.external_id
        for one in requests
        if isinstance(one.recipient, InlineRecipient) and one.recipient.external_id
    }
    found_ids, found_external = set[UUID](), dict[str, UUID]()
    if ids or external:
        found_ids, found_external = await profiles.find_ids(
            conn, actor.module_id, sorted(i for i in ids if i), sorted(external)
        )
    return References(
        categories=await categories.load_all(conn),
        templates=await templates.find_published(conn, actor.module_id, refs) if refs else {},
        profile_ids=found_ids,
        external_ids=found_external,
        rules=(await rules.of_modules(conn, [actor.module_id]))[actor.module_id].rules,
    )


def judge(
    request: NotificationRequest,
    actor: Actor,
    known: References,
    *,
    otp_start_seconds: float,
    batch: bool = False,
    resend_of: UUID | None = None,
    links_given: bool = False,
) -> Accepted:
    """Return the row of a request; raises Invalid that names each wrong field, or Forbidden.

    With `links_given` its data may have the links that are supplied: examples, for a trial.
    """
    errors: list[FieldError] = []
    template = _template(request, known, errors)
    category = _category(request, template, known, errors)
    profile = _profile(request, known, errors)
    if errors or category is None:
        raise Invalid(errors=errors)
    _check_class(category, actor, batch=batch)
    bound = binding(known.rules, category.key, category.class_)
    words, locale = words_for(request, known)
    if request.content is not None:
        words = with_footers(bound, words)
    chosen = choose_channels(request.channels, words)
    data = request.data
    errors += [] if links_given else refuse_supplied(data)
    if template is not None:
        data = {**without(default_data(template.schema)), **data}
        errors += check_data(template, data)
    errors += check_words(words, data, chosen, locale=locale, rules=bound)
    now = datetime.now(UTC)
    due = max(request.send_at, now) if request.send_at else now
    expires = request.expires_at or due + LIFETIMES[category.class_]
    if expires <= due:
        errors.append(FieldError("expires_at", "must be later than now and than send_at"))
    if errors:
        raise Invalid(errors=_unique(errors))
    identity = new_id()
    later = request.send_at if request.send_at and request.send_at > now else None
    otp = category.class_ is CategoryClass.OTP
    row = {
        "id": identity,
        "module_id": actor.module_id,
        "state": State.SCHEDULED if later else State.ACCEPTED,
        "priority": choose_priority(request.priority, template, category, bound),
        "category": category.key,
        "class": category.class_,
        "channels": chosen,
        "channel_policy": request.channel_policy,
        "ordered": request.channels is not None,
        "template_id": template.template_id if template else None,
        "template_key": template.key if template else None,
        "template_version": template.version if template else None,
        "profile_id": profile,
        "campaign_id": None,
        "resend_of": resend_of,
        "recipient": _recipient(request, profile),
        "recipient_keys": _recipient_keys(request, profile),
        "content": words if request.content else None,
        "data": data,
        "metadata": request.metadata,
        "created_at": _stamp(now),
        "send_at": _stamp(later),
        "expires_at": _stamp(expires),
        "start_deadline": _stamp(due + timedelta(seconds=otp_start_seconds)) if otp else None,
        "due_at": _stamp(due),
        "workflow_id": encode("ntf", identity),
        "digest": _window(request, template),
        "uncollected": uncollectable(
            [words, *(template.locales.values() if template is not None else ())]
        ),
        "expiry_asked": request.expires_at is not None,
    }
    return Accepted(identity, row, later, resend_of)


def _window(request: NotificationRequest, template: TemplateVersion | None) -> Any:
    """Return the {key, window_seconds} of a request, else of its template."""
    if request.digest is not None:
        return request.digest.model_dump()
    return template.digest if template is not None else None


def choose_channels(asked: Sequence[Channel] | None, words: Mapping[str, Any]) -> list[Channel]:
    """Return the channels to be used, in order; raises Invalid for one without content."""
    having = [channel for channel in Channel if words.get(channel) is not None]
    for number, channel in enumerate(asked or []):
        if channel not in having:
            raise Invalid.field(f"channels[{number}]", "has no content in this request or template")
    return list(asked) if asked else having


def check_words(
    words: Mapping[str, Any],
    data: Mapping[str, Any],
    chosen: Sequence[Channel],
    *,
    locale: str | None = None,
    rules: Sequence[Rule] = (),
    more_data: bool = False,
) -> list[FieldError]:
    """Return what would fail when the content is rendered with this data and sent.

    With `more_data` to come, what cannot be rendered yet is let pass.
    """
    errors: list[FieldError] = []
    data = with_examples(data)
    for channel in chosen:
        try:
            rendered = render(channel, words[channel], data, locale=locale)
            check_sendable(channel, rendered)
            broken = violations(rules, channel, rendered)
            errors += [FieldError(one.field, one.told) for one in broken]
        except RenderFailed as failed:
            errors += [] if more_data else failed.errors
        except ContentRefused as refused:
            errors += refused.errors
    return errors


def _check_class(category: Category, actor: Actor, *, batch: bool) -> None:
    if category.class_ not in APPROVED:
        return
    if batch:
        raise ApprovalRequired(
            f"{category.key} messages to many need an approved campaign.", slug="approval-required"
        )
    actor.require("campaigns:write")


def _template(
    request: NotificationRequest, known: References, errors: list[FieldError]
) -> TemplateVersion | None:
    if request.template is None:
        return None
    template = known.templates.get(request.template)
    if template is None:
        errors.append(FieldError("template", "names no published template of this module"))
    return template


def _category(
    request: NotificationRequest,
    template: TemplateVersion | None,
    known: References,
    errors: list[FieldError],
) -> Category | None:
    key = request.category or (template.category if template else None) or "transactional"
    category = known.categories.get(key)
    if category is None:
        errors.append(FieldError("category", f"is none of {', '.join(sorted(known.categories))}"))
    return category


def _profile_id(request: NotificationRequest) -> UUID | None:
    if not isinstance(request.recipient, str):
        return None
    try:
        return decode("prf", request.recipient)
    except InvalidId:
        return None


def _profile(
    request: NotificationRequest, known: References, errors: list[FieldError]
) -> UUID | None:
    if isinstance(request.recipient, str):
        profile = _profile_id(request)
        if profile in known.profile_ids:
            return profile
        errors.append(FieldError("recipient", "names no profile of this module"))
    elif request.recipient.external_id is not None:
        if request.recipient.external_id in known.external_ids:
            return known.external_ids[request.recipient.external_id]
        errors.append(FieldError("recipient.external_id", "names no profile of this module"))
    return None


def words_for(
    request: NotificationRequest, known: References
) -> tuple[Mapping[str, Any], str | None]:
    """Return a request's words before rendering, and the locale that its recipient gave."""
    inline = request.recipient if isinstance(request.recipient, InlineRecipient) else None
    locale = inline.locale if inline else None
    if request.content is not None:
        return _dump(request.content), locale
    if request.template is None:
        raise Problem("A request without words passed its checks.")
    return known.templates[request.template].content_for(locale), locale


def _dump(content: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = content.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def _recipient(request: NotificationRequest, profile: UUID | None) -> dict[str, Any]:
    if profile is not None or isinstance(request.recipient, str):
        return {}
    return request.recipient.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _recipient_keys(request: NotificationRequest, profile: UUID | None) -> list[str]:
    keys = [encode("prf", profile)] if profile else []
    if not isinstance(request.recipient, str):
        given = request.recipient
        keys += [
            value.lower()
            for value in (
                given.external_id, given.email, given.phone, given.telegram, given.whatsapp,
                *given.push_tokens,
            )
            if value
        ]  # fmt: skip
    return keys


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _told(stored: str | None) -> str | None:
    return None if stored is None else stamp(datetime.fromisoformat(stored))


def _unique(errors: Sequence[FieldError]) -> list[FieldError]:
    return list(dict.fromkeys(errors))
