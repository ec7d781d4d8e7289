"""What a recipient chose to hear, kept for them by an administrator."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard import profile_words
from dashboard.choices import words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import checked, form_errors, seen_version
from dashboard.rendering import page, see_other
from domain.caps import Period
from domain.contract.preferences import MOST_CAPS, PreferencesRequest, UnsubscribeRequest
from domain.errors import Invalid, Problem, Stale
from domain.vocabulary import CategoryClass, Channel
from services import categories
from services import preferences as use
from services import profiles as known
from services.access import Session
from services.app import App
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/profiles/{id}")

_BLANK_CAPS: Final = 2
_HOURS: Final = ("start", "end")


@router.get("/preferences")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show what was chosen: to write for those who keep profiles, to read for others."""
    chosen = await use.get(app, session.actor, id)
    return await _page(request, id, app, session, chosen, _shown(chosen))


@router.post("/preferences")
async def save(request: Request, id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Keep what the form says; somebody else's change meanwhile is not overwritten."""
    chosen = await use.get(app, session.actor, id)
    given = _renumbered(fields)
    try:
        offered = [one["key"] for one in await _offered(app, session) if not one["protected"]]
        asked = checked(PreferencesRequest, _document(given, chosen, offered))
        await use.put(app, session.actor, id, asked, seen_version(given))
    except (Invalid, Stale) as problem:
        return await _page(request, id, app, session, chosen, given, problem)
    return see_other(f"/profiles/{id}", flash="The preferences are kept.")


@router.post("/unsubscribe")
async def unsubscribe(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Unsubscribe a recipient from everything that can be refused."""
    await use.unsubscribe(app, session.actor, id, UnsubscribeRequest())
    return see_other(f"/profiles/{id}", flash="Unsubscribed from everything that can be refused.")


async def _page(
    request: Request,
    id: str,
    app: App,
    session: Session,
    chosen: Mapping[str, Any],
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    it = await known.get(app, session.actor, id)
    offered = await _offered(app, session)
    rows = min(_caps(fields) + _BLANK_CAPS, MOST_CAPS)
    known_fields = (
        {f"frequency[{n}].{name}" for n in range(rows) for name in ("limit", "per", "category")}
        | {f"quiet_hours.{name}" for name in _HOURS}
        | {f"digest.{one['key']}" for one in offered}
    )
    errors, others = form_errors(problem, known_fields) if problem else ({}, [])
    caps = [("", "In all"), *((one["key"], one["name"]) for one in offered if not one["protected"])]
    return page(
        request, "profile_preferences.html", status=problem.status if problem else 200,
        it=it, title=profile_words.title(it, session), chosen=chosen, fields=fields,
        categories=offered, channels=list(Channel), rows=rows, errors=errors, others=others,
        cap_categories=caps, periods=words_of(Period), may_write=profile_words.may_write(session),
    )  # fmt: skip


async def _offered(app: App, session: Session) -> list[dict[str, Any]]:
    """Return the categories that a recipient may choose among, by name; codes are always sent."""
    found = (await categories.find(app, session.actor, limit=MAX_LIMIT)).items
    told = [{**one, "protected": one["mandatory"] or one["class"] == CategoryClass.OTP}
            for one in found]  # fmt: skip
    return sorted(told, key=lambda one: (one["protected"], str(one["name"])))


def _shown(chosen: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values: what is not switched off is on."""
    fields = {f"off.{key}/{channel}": "yes" for key, switches in chosen["categories"].items()
              for channel, on in switches.items() if not on}  # fmt: skip
    fields |= {f"gone.{channel}": "yes" for channel in chosen["unsubscribed"]}
    fields |= {f"order.{one}": str(n) for n, one in enumerate(chosen["channel_order"], 1)}
    fields |= {f"quiet_hours.{name}": (chosen["quiet_hours"] or {}).get(name, "")
               for name in _HOURS}  # fmt: skip
    fields |= {f"digest.{key}": one["at"] for key, one in chosen["digest"].items()}
    for number, cap in enumerate(chosen["frequency"]):
        fields |= {f"frequency[{number}].{name}": str(value or "") for name, value in cap.items()}
    return {**fields, "version": str(chosen["version"])}


def _renumbered(fields: Mapping[str, str]) -> dict[str, str]:
    """Return a sent form as `_shown` has it: boxes that are not ticked named, empty caps gone."""
    kept = [number for number in range(MOST_CAPS) if fields.get(f"frequency[{number}].limit", "")]
    caps = {
        f"frequency[{new}].{name}": fields.get(f"frequency[{old}].{name}", "").strip()
        for new, old in enumerate(kept)
        for name in ("limit", "per", "category")
    }
    others = {name: value for name, value in fields.items() if not name.startswith("frequency[")}
    gone = {f"gone.{one}": "yes" for one in Channel if f"heard.{one}" not in fields}
    keys = [name.removeprefix("offered.") for name in fields if name.startswith("offered.")]
    cells = [f"{key}/{one}" for key in keys for one in Channel]
    off = {f"off.{cell}": "yes" for cell in cells if f"on.{cell}" not in fields}
    return {**others, **caps, **gone, **off}


def _document(
    fields: Mapping[str, str], chosen: Mapping[str, Any], offered: list[str]
) -> dict[str, Any]:
    """Return the preferences that a form says; a switch that was never touched stays untouched."""
    switches = {key: dict(value) for key, value in chosen["categories"].items()}
    for key in offered:
        mine = switches.setdefault(key, {})
        for channel in Channel:
            off = f"off.{key}/{channel}" in fields
            if off or mine.get(channel.value) is False:
                mine[channel.value] = not off
    placed = sorted(
        (int(place), number, one)
        for number, one in enumerate(Channel)
        if (place := fields.get(f"order.{one}", "")).isdecimal() and len(place) < 3
    )
    hours = {name: fields.get(f"quiet_hours.{name}", "").strip() for name in _HOURS}
    return {
        "categories": {key: value for key, value in switches.items() if value},
        "channel_order": [one for *_, one in placed],
        "quiet_hours": hours if any(hours.values()) else None,
        "frequency": [_cap(fields, number) for number in range(_caps(fields))],
        "digest": _digest(fields, chosen, offered),
        "unsubscribed": [one for one in Channel if f"gone.{one}" in fields],
    }


def _digest(
    fields: Mapping[str, str], chosen: Mapping[str, Any], offered: list[str]
) -> dict[str, Any]:
    """Return what is collected once a day; of a category that is not offered what was chosen."""
    kept = {key: one for key, one in chosen["digest"].items() if key not in offered}
    given = {key: fields.get(f"digest.{key}", "").strip() for key in offered}
    return kept | {key: {"every": "day", "at": at} for key, at in given.items() if at}


def _cap(fields: Mapping[str, str], number: int) -> dict[str, Any]:
    limit = fields[f"frequency[{number}].limit"]
    return {
        "limit": int(limit) if limit.isdecimal() and len(limit) < 10 else limit,
        "per": fields.get(f"frequency[{number}].per", ""),
        "category": fields.get(f"frequency[{number}].category") or None,
    }


def _caps(fields: Mapping[str, str]) -> int:
    return sum(name.startswith("frequency[") and name.endswith("].limit") for name in fields)
