"""What some recipients of a campaign would get, rendered for a dry run, and what is wrong in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from channels.occasion import Occasion
from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render
from channels.transforms import problems, transform
from domain.ab_tests import letter
from domain.campaign_identity import with_sender
from domain.delivery import Planned
from domain.frozen_campaign import Frozen
from domain.ids import encode
from domain.masking import mask
from domain.preference_links import with_examples
from domain.recipient import Recipient
from domain.template import TemplateVersion
from domain.vocabulary import Channel, State
from services.app import App
from stores import templates

_MOST_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient whose messages are rendered."""

    recipient: Recipient
    data: Mapping[str, Any]
    planned: Sequence[Planned]


@dataclass(slots=True)
class Rendered:
    """What came of it: samples to be shown, problems with how many have them, parts of a text."""

    samples: list[dict[str, Any]]
    problems: list[dict[str, Any]]
    segments: float = 1.0


async def render_samples(
    app: App, frozen: Frozen, people: Sequence[Person], *, most: int, in_full: bool
) -> Rendered:
    """Render what people would get, and keep the first `most`; addresses are masked unless
    `in_full`.
    """
    variants = _variants(frozen)
    versions = await _versions(app, frozen)
    samples: list[dict[str, Any]] = []
    wrong: Counter[tuple[str, str]] = Counter()
    parts: list[int] = []
    for number, person in enumerate(people):
        variant = variants[number % len(variants)]
        version = versions[variant.template] if variant.template else None
        said_by = version.content_for(person.recipient.locale) if version else frozen.content or {}
        words = with_sender(said_by, frozen.sender)
        data = with_examples({**variant.data, **person.data})
        for one in person.planned:
            if one.state is State.SUPPRESSED:
                continue
            said, found = _say(one.channel, words, data, person.recipient)
            wrong.update(found)
            parts += [said["segments"]] if "segments" in said else []
            if len(samples) < most:
                which = letter(number % len(variants)) if frozen.ab_test else None
                told_sample = _sample(person.recipient, one, said, in_full=in_full)
                samples.append({**told_sample, **({"variant": which} if which else {})})
    told = [
        {"field": where, "message": message, "recipients": number}
        for (where, message), number in wrong.most_common(_MOST_PROBLEMS)
    ]
    return Rendered(samples, told, sum(parts) / len(parts) if parts else 1.0)


async def render_locales(
    app: App, frozen: Frozen, people: Sequence[Person]
) -> list[dict[str, Any]]:
    """Render what is said on each channel in each language: {variant, channel, locale, content},
    where the locale is null for the words of everybody else, and the variant without a test. The
    data are of somebody who reads it, else of the first recipient.
    """
    versions = await _versions(app, frozen)
    shown: list[dict[str, Any]] = []
    for number, variant in enumerate(_variants(frozen)):
        version = versions[variant.template] if variant.template else None
        named = letter(number) if frozen.ab_test else None
        for channel in frozen.channels:
            for locale in (None, *sorted(version.locales if version else ())):
                said_by = version.content_for(locale) if version else frozen.content or {}
                words = with_sender(said_by, frozen.sender)
                if words.get(channel) is None:
                    continue
                person = _reader(people, locale)
                data = with_examples({**variant.data, **(person.data if person else {})})
                recipient = replace(person.recipient if person else Recipient(), locale=locale)
                said, _ = _say(channel, words, data, recipient)
                shown.append(
                    {"variant": named, "channel": channel, "locale": locale, "content": said}
                )
    return shown


def _reader(people: Sequence[Person], locale: str | None) -> Person | None:
    fitting = [one for one in people if one.recipient.locale == locale]
    return next(iter(fitting or people), None)


def _variants(frozen: Frozen) -> list[Frozen]:
    """Return what is said to whom: all the same, or each variant of a test to some."""
    test = frozen.test
    return [frozen.as_variant(n) for n in range(len(test.variants))] if test else [frozen]


async def _versions(
    app: App, frozen: Frozen
) -> Mapping[tuple[UUID, int], TemplateVersion]:  # fmt: skip
    if not frozen.templates:
        return {}
    async with app.db.leader() as conn:
        return await templates.load_versions(conn, frozen.templates)


def _say(
    channel: Channel, words: Mapping[str, Any], data: Mapping[str, Any], recipient: Recipient
) -> tuple[dict[str, Any], set[tuple[str, str]]]:
    try:
        rendered = render(
            channel, words[channel], data, locale=recipient.locale, timezone=recipient.timezone
        )
        wrong = {(one.field, one.message) for one in problems(channel, rendered)}
        return dict(transform(channel, rendered, Occasion(recipient.locale))), wrong
    except (RenderFailed, ContentRefused) as failed:
        told = {(one.field, one.message) for one in failed.errors}
        return {"error": "; ".join(sorted(message for _, message in told))}, told


def _sample(
    recipient: Recipient, one: Planned, said: Mapping[str, Any], *, in_full: bool
) -> dict[str, Any]:
    return {
        "profile": encode("prf", recipient.profile_id) if recipient.profile_id else None,
        "channel": one.channel,
        "address": one.address if in_full else mask(one.address),
        "locale": recipient.locale,
        "timezone": recipient.timezone,
        "content": said,
    }
