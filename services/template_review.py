"""Everything that is known of a version's words before they are sent, in every language.

Errors keep a version from being published, warnings do not.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from channels import html_review, transforms
from channels.budget import MAX_CPU_SECONDS
from channels.digest import Item, compose
from channels.localization import is_known
from channels.rendering import LAYOUT, RenderFailed, render, variables
from domain.errors import FieldError
from domain.preference_links import LEAVING, with_examples, without
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Channel
from services import template_checks, template_problems
from services.template_examples import default_data, example_data

LEAVABLE: Final = frozenset({CategoryClass.BULK, CategoryClass.MARKETING})
"""Classes whose mail must say how to receive no more of it (CAN-SPAM, RFC 8058, GDPR art. 21)."""


def examples_of(version: TemplateVersion) -> dict[str, Any]:
    """Return data to try a version with; links that are supplied are not in it."""
    used: set[str] = set()
    for words in (version.content, *version.locales.values()):
        used |= variables(words)
    return without(example_data(version.schema, used))


def problems(version: TemplateVersion, class_: CategoryClass) -> list[dict[str, Any]]:
    """Return what is wrong or unwise in a version: {severity, channel, field, message}."""
    found = template_problems.errors(template_checks.check_examples(version.schema))
    found += template_problems.undeclared(version)
    found += _of_locales(version)
    data = examples_of(version)
    unfit = template_checks.check_data(version, data)
    found += [
        template_problems.warning("schema", f"has no fitting example: {one.field} {one.message}")
        for one in unfit
    ]
    sure = bool(version.schema) and not unfit
    end = time.thread_time() + MAX_CPU_SECONDS
    for place, locale, words in _languages(version):
        if time.thread_time() > end:
            message = f"could not be tried: those before take more than {MAX_CPU_SECONDS:g} seconds"
            return [*found, template_problems.problem("error", None, place, message)]
        for channel in (one for one in Channel if one in words):
            told = _of_words(channel, words[channel], data, locale, class_, sure=sure)
            found += [_placed(one, place) for one in told]
    fields = {one["field"] for one in found}
    optional = _of_optional(version, data, sure=sure)
    return found + [one for one in optional if one["field"] not in fields]


def errors(found: list[dict[str, Any]]) -> list[FieldError]:
    """Return the problems that block."""
    return [FieldError(one["field"], one["message"]) for one in found if one["severity"] == "error"]


def of_rendered(
    channel: Channel, source: Mapping[str, Any], words: Mapping[str, Any], class_: CategoryClass
) -> list[dict[str, Any]]:
    """Return what is found in a channel's rendered words; `source` is what they were made of."""
    found = [one.shown() for one in transforms.problems(channel, words)]
    if channel is not Channel.EMAIL:
        return found
    html, text = words.get("html") or "", words.get("text") or ""
    found += [one.shown() for one in html_review.review(html)]
    if class_ in LEAVABLE and not _lets_leave(source, html, text):
        field = "content.email.html" if html else "content.email.text"
        message = f"needs a way to unsubscribe, as {class_} mail: link to {{{{ unsubscribe_url }}}}"
        found.append(template_problems.problem("error", channel, field, message))
    return found


def _of_words(
    channel: Channel,
    words: Mapping[str, Any],
    data: Mapping[str, Any],
    locale: str,
    class_: CategoryClass,
    *,
    sure: bool,
) -> list[dict[str, Any]]:
    """Return what is wrong with a channel's words; without fitting data only what is certain."""
    try:
        rendered = render(channel, words, with_examples(data), locale=locale)
    except RenderFailed as failed:
        if sure:
            return template_problems.errors(failed.errors, channel)
        return template_problems.errors(failed.certain, channel) + [
            template_problems.problem(
                "warning", channel, one.field,
                f"could not be tried, because no schema gives example data: {one.message}",
            )
            for one in failed.errors
            if one not in failed.certain
        ]  # fmt: skip
    found = of_rendered(channel, words, rendered, class_)
    return found + _of_layout(channel, words, Item(rendered, data, words.get(LAYOUT)), locale, sure)


def _of_layout(
    channel: Channel, words: Mapping[str, Any], item: Item, locale: str, sure: bool
) -> list[dict[str, Any]]:
    """Return why two examples cannot become one message by the layout, if there is one."""
    fault = compose(channel, [item, item], locale=locale).fault if words.get(LAYOUT) else ""
    if not fault:
        return []
    field, message = f"content.{channel}.{LAYOUT}", f"cannot be made of two examples: {fault}"
    return [template_problems.problem("error" if sure else "warning", channel, field, message)]


def _of_locales(version: TemplateVersion) -> list[dict[str, Any]]:
    given = {"locale": version.locale, **{f"locales.{name}": name for name in version.locales}}
    return [
        template_problems.problem("error", None, field, f"is no language: {name} is not in CLDR")
        for field, name in given.items()
        if not is_known(name)
    ]


def _of_optional(
    version: TemplateVersion, data: Mapping[str, Any], *, sure: bool
) -> list[dict[str, Any]]:
    """Return a warning for each value that may be absent and is used as if it were always there."""
    required = version.schema.get("required")
    if not sure or not isinstance(required, list):
        return []
    least = {name: value for name, value in data.items() if name in required}
    least = with_examples(least | without(default_data(version.schema)))
    missing: dict[str, None] = {}
    for _, locale, words in _languages(version):
        for channel in (one for one in Channel if one in words):
            try:
                render(channel, words[channel], least, locale=locale)
            except RenderFailed as failed:
                missing |= dict.fromkeys(
                    one.field for one in failed.errors if one.field.startswith("data.")
                )
    message = "may be left out by the schema, but the words need it; require it or give a default"
    return [template_problems.warning(field, message) for field in missing]


def _languages(version: TemplateVersion) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    yield "content", version.locale, version.content
    for locale, words in version.locales.items():
        yield f"locales.{locale}", locale, words


def _lets_leave(source: Mapping[str, Any], html: str, text: str) -> bool:
    used = variables({Channel.EMAIL.value: source})
    return bool(used & set(LEAVING)) or html_review.offers_unsubscribing(html, text)


def _placed(problem: dict[str, Any], place: str) -> dict[str, Any]:
    field = problem["field"]
    if field.startswith("content."):
        field = f"{place}.{field.removeprefix('content.')}"
    return {**problem, "field": field}
