"""What differs between two versions of a template: per language, channel and field."""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from domain.vocabulary import Channel
from services import template_views
from services.access import Actor
from services.app import App
from services.template_versions import find_version
from services.templates import find_row

_MOST_LINES: Final = 20_000
"""Above this, comparing line by line would take longer than anybody waits."""


async def diff(
    app: App, actor: Actor, name: str, before: int | None, after: int | None
) -> dict[str, Any]:
    """Return {from, to, changes: [{field, locale, channel, change, diff}]}; NotFound.

    Without numbers the newest version is compared with the one that is sent, or that came before.
    """
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, name, archived=True)
        latest = after or row.latest_version
        earlier = before or _earlier(row, latest)
        old = await find_version(conn, row, earlier)
        new = await find_version(conn, row, latest)
    changes = compare(template_views.words_of(old), template_views.words_of(new))
    return {"from": earlier, "to": latest, "changes": changes}


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how two {locale, content, locales, schema} differ, in the order of their fields."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        {
            "field": ".".join(path),
            "locale": _locale(path, new if path in after else old),
            "channel": _channel(path),
            "change": _change(path, before, after),
            "diff": _unified(before.get(path), after.get(path)),
        }
        for path in dict.fromkeys((*before, *after))
        if before.get(path) != after.get(path)
    ]


def _earlier(row: Any, latest: int) -> int:
    sent = row.published_version
    return int(sent) if sent and sent != latest else max(1, latest - 1)


def _leaves(words: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each field as text: (content, sms, text) or (locales, fr, email, html)."""
    yield ("locale",), words["locale"]
    yield from _of_content(words["content"], ("content",))
    for locale, content in sorted(words["locales"].items()):
        yield from _of_content(content, ("locales", locale))
    yield ("schema",), _text(words["schema"])


def _of_content(
    content: Mapping[str, Any], place: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for channel in (one.value for one in Channel if one in content):
        for name, value in sorted(content[channel].items()):
            yield (*place, channel, name), _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _locale(path: tuple[str, ...], words: Mapping[str, Any]) -> str | None:
    if path[0] == "locales":
        return path[1]
    return words["locale"] if path[0] == "content" else None


def _channel(path: tuple[str, ...]) -> str | None:
    return path[-2] if path[0] in ("content", "locales") else None


def _change(path: tuple[str, ...], before: Mapping[Any, str], after: Mapping[Any, str]) -> str:
    if path not in before:
        return "added"
    return "changed" if path in after else "removed"


def _unified(old: str | None, new: str | None) -> str:
    """Return a unified diff without file names; lines end as they did."""
    lines, others = (old or "").splitlines(), (new or "").splitlines()
    if len(lines) + len(others) > _MOST_LINES:
        return f"@@ -1,{len(lines)} +1,{len(others)} @@ too long to compare line by line"
    made = difflib.unified_diff(lines, others, lineterm="", n=3)
    return "\n".join(line for number, line in enumerate(made) if number > 1)
