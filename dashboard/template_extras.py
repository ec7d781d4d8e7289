"""What an editor's form has besides texts: a mail's attachments, the buttons of Telegram.

Attachments that are kept stay unless their box `drop.<locale>.<n>` is ticked; new ones are fields
`added.<locale>.<n>`. Buttons are lines of text.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.figures import plain
from dashboard.form_files import ADDED

DROP: Final = "drop."
ARROW: Final = " -> "
_BESIDE: Final = "+"


def attachments(
    locale: str, fields: Mapping[str, str], before: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the attachments that a form says for the mail of a language."""
    kept = before.get("email", {}).get("attachments") or ()
    stay = [
        one for number, one in enumerate(kept) if fields.get(f"{DROP}{locale}.{number}") != "yes"
    ]
    return [*stay, *(one for _, one in _added(locale, fields))]


def shown_files(
    locale: str, fields: Mapping[str, str], before: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return {kept, added} for the form: files with their sizes, and the fields that hold them."""
    kept = [
        {**_told(one), "box": (box := f"{DROP}{locale}.{number}"), "dropped": fields.get(box)}
        for number, one in enumerate(before.get("email", {}).get("attachments") or ())
    ]
    added = [
        {**_told(one), "field": name, "value": fields[name]} for name, one in _added(locale, fields)
    ]
    return {"kept": kept, "added": added}


def buttons_text(rows: Sequence[Any] | None) -> str:
    """Return rows of buttons as lines, `Label -> address`; `+` begins one beside the one before."""
    lines = []
    for row in rows or ():
        buttons = row if isinstance(row, list) else [row]
        for number, one in enumerate(buttons):
            beside = f"{_BESIDE} " if number else ""
            lines.append(f"{beside}{one['text']}{ARROW}{one['url']}")
    return "\n".join(lines)


def buttons(text: str) -> list[list[dict[str, str]]]:
    """Return the rows of buttons that lines say; a line without an address has an empty one."""
    rows: list[list[dict[str, str]]] = []
    for line in (one.strip() for one in text.splitlines()):
        if not line:
            continue
        beside = line.startswith(_BESIDE) and rows
        label, _, url = line.removeprefix(_BESIDE if beside else "").rpartition(ARROW.strip())
        if not label:
            label, url = url, ""
        button = {"text": label.strip(), "url": url.strip()}
        if beside:
            rows[-1].append(button)
        else:
            rows.append([button])
    return rows


def _added(locale: str, fields: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name in sorted(fields):
        if name.startswith(f"{ADDED}{locale}."):
            try:
                given = json.loads(fields[name])
            except (ValueError, RecursionError):
                continue  # no browser of ours sends this
            if isinstance(given, dict):
                found.append((name, given))
    return found


def _told(one: Mapping[str, Any]) -> dict[str, Any]:
    size = len(str(one.get("base64", ""))) * 3 // 4
    told = f"{plain(round(size / 1024, 1))} kB" if size >= 1024 else f"{size} bytes"
    return {"filename": one.get("filename", ""), "kind": one.get("content_type", ""), "size": told}
