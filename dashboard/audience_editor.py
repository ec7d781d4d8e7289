"""The form of an audience, with what it comes to beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard import audience_filters
from dashboard import audience_forms as forms
from dashboard.choices import Choices, categories_of, owners_of, words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, seen_version
from dashboard.rendering import page, see_other
from dashboard.vendor_fields import kept_texts
from dashboard.vendor_inputs import Input, Kind
from domain.audience import SETS
from domain.contract.audience import AudiencePatch, AudiencePreview, AudienceRequest
from domain.errors import Conflict, Invalid, NotFound, Problem, Stale, Unavailable
from domain.vocabulary import Channel
from services import (
    audience_connectors,
    audience_previews,
    audience_snapshots,
    audiences,
    groups,
)
from services.access import Session
from services.app import App
from services.fields import validated
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/audiences")

_SPARE: Final = 2
_SNAPSHOTS: Final = 20
_WRONG: Final = (Invalid, Conflict, Stale, Unavailable)


@dataclass(frozen=True, slots=True)
class _Editing:
    """What is edited: a new audience of a kind, or a kept one with the fields it was shown by."""

    kind: str
    title: str
    inputs: Sequence[Input]
    it: Mapping[str, Any] | None = None
    shown: Mapping[str, str] | None = None

    @property
    def id(self) -> str:
        """The name in addresses."""
        return str(self.it["id"]) if self.it else "new"


@router.get("/new")
async def show_new(request: Request, app: Console, session: Signed) -> Response:
    """Let a kind be chosen, then show its form."""
    session.actor.require("audiences:write")
    asked = request.query_params
    connectors = audience_connectors.find(session.actor)
    kind = asked.get("kind", "")
    if kind not in forms.titles(connectors):
        return page(
            request, "audience_kinds.html", plain=forms.PLAIN, sets=SETS, words=forms.WORDS,
            connectors=connectors,
        )  # fmt: skip
    editing = _new(session, kind)
    fields = forms.first(kind, editing.inputs, as_json=asked.get("as") == forms.JSON)
    return await _page(request, app, session, editing, fields)


@router.post("/new")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make the audience, count it, or show its form with more rows."""
    session.actor.require("audiences:write")
    editing = _new(session, fields.get("kind", ""))
    fields = forms.compacted(editing.kind, fields)
    if fields.get("do") != "save":
        return await _shown_again(request, app, session, editing, fields)
    try:
        given = forms.document(editing.kind, fields, editing.inputs, None)
        asked = validated(AudienceRequest, {**given, "name": fields.get("name", "").strip()})
        module = fields.get("owner") or None
        made = await audiences.create(app, session.actor, asked, module=module)
    except _WRONG as problem:
        return await _page(request, app, session, editing, fields, problem=problem)
    return see_other(f"/audiences/{made.content['id']}", flash="The audience is kept.")


@router.get("/{id}")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the form of a kept audience."""
    as_json = request.query_params.get("as") == forms.JSON
    editing = await _kept(app, session, id, as_json=as_json)
    return await _page(request, app, session, editing, dict(editing.shown or {}))


@router.post("/{id}")
async def save(request: Request, id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Change what differs; somebody else's change meanwhile is not overwritten."""
    editing = await _kept(app, session, id, as_json=fields.get("as") == forms.JSON)
    fields = forms.compacted(editing.kind, fields)
    if fields.get("do") != "save":
        return await _shown_again(request, app, session, editing, fields)
    session.actor.require("audiences:write")
    try:
        given = forms.document(editing.kind, fields, editing.inputs, editing.shown)
        patch = validated(AudiencePatch, {**given, "name": fields.get("name", "").strip() or None})
        await audiences.change(app, session.actor, id, patch, seen_version(fields))
    except _WRONG as problem:
        return await _page(request, app, session, editing, fields, problem=problem)
    return see_other(f"/audiences/{id}", flash="Changed.")


@router.post("/{id}/preview")
async def preview(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Give what the form's selection comes to, for the page that shows the form."""
    if id == "new":
        session.actor.require("audiences:write")
        editing = _new(session, fields.get("kind", ""))
    else:
        editing = await _kept(app, session, id, as_json=fields.get("as") == forms.JSON)
    fields = forms.compacted(editing.kind, fields)
    told = await _counted(app, session, editing, fields)
    return page(request, "audience_preview.html", **told)


async def _shown_again(
    request: Request, app: App, session: Session, editing: _Editing, fields: dict[str, str]
) -> Response:
    """Show a form with more rows, or, for browsers without scripts, with what it comes to."""
    if fields.get("do") != "preview":
        return await _page(request, app, session, editing, fields, spare=6)
    told = await _counted(app, session, editing, fields)
    return await _page(request, app, session, editing, fields, told=told)


async def _counted(
    app: App, session: Session, editing: _Editing, fields: Mapping[str, str]
) -> dict[str, Any]:
    """Return {found, failed}: what the selection comes to, or in words why nobody knows."""
    asked = {
        "channels": [channel] if (channel := fields.get("look.channel")) else [],
        "category": fields.get("look.category") or None,
    }
    try:
        request = validated(AudiencePreview, asked)
        if editing.it and not session.actor.may("audiences:write"):
            found = await audience_previews.preview(app, session.actor, editing.id, request)
        else:
            given = forms.document(editing.kind, fields, editing.inputs, editing.shown)
            found = await audience_previews.preview_draft(
                app, session.actor, given, request,
                of=editing.id if editing.it else None, module=fields.get("owner") or None,
            )  # fmt: skip
    except (Invalid, Unavailable) as problem:
        failed = [f"{one.field} {one.message}" for one in problem.errors] or [problem.detail]
        return {"found": None, "failed": failed}
    return {"found": found, "failed": []}


def _new(session: Session, kind: str) -> _Editing:
    connectors = audience_connectors.find(session.actor)
    titles = forms.titles(connectors)
    if kind not in titles:
        raise NotFound(f"There is no kind {kind[:80]} of audiences.")
    return _Editing(kind, titles[kind], forms.inputs_of(kind, connectors))


async def _kept(app: App, session: Session, id: str, *, as_json: bool) -> _Editing:
    it = await audiences.get(app, session.actor, id)
    connectors = audience_connectors.find(session.actor)
    kind = it["kind"]
    inputs = [_kept_secret(one) if one.secret else one for one in forms.inputs_of(kind, connectors)]
    shown = {"name": it["name"], **forms.texts(it, inputs, as_json=as_json)}
    return _Editing(kind, forms.titles(connectors).get(kind, kind), inputs, it, shown)


def _kept_secret(one: Input) -> Input:
    """Return the input of a secret that may be set; what is set is not told to anybody."""
    return replace(one, required=False, help=f"Left empty, what is set stays. {one.help}")


async def _page(
    request: Request,
    app: App,
    session: Session,
    editing: _Editing,
    fields: Mapping[str, str],
    *,
    problem: Problem | None = None,
    told: Mapping[str, Any] | None = None,
    spare: int = _SPARE,
) -> Response:
    actor, it, as_json = session.actor, editing.it, fields.get("as") == forms.JSON
    rows = audience_filters.rows(fields, spare)
    parts = forms.parts(fields)
    known = {"name", "owner", "selection", "group", "module", "match", "profiles"}
    known |= {one.name for one in editing.inputs}
    known |= {f"filter.{number}.{part}" for number in range(len(rows)) for part in ("field", "op",
              "value")} | {f"part.{number}" for number in range(len(parts))}  # fmt: skip
    errors, others = _errors(problem, known, editing.kind, as_json=as_json)
    numbers = [one for one in editing.inputs if one.kind is Kind.NUMBER and not one.required]
    snapshots = (
        await audience_snapshots.find(app, actor, editing.id, limit=_SNAPSHOTS) if it else None
    )
    return page(
        request, "audience.html", status=problem.status if problem else 200,
        it=it, id=editing.id, kind=editing.kind, title=editing.title, as_json=as_json,
        fields=kept_texts(editing.inputs, fields), errors=errors, others=others,
        settings=[one for one in editing.inputs if one not in numbers], limits=numbers,
        typed=[one.name for one in editing.inputs if one.secret and fields.get(one.name)],
        rows=rows, parts=parts, operators=audience_filters.OPERATORS,
        known_fields=audience_filters.FIELDS, is_set=editing.kind in SETS,
        owners=await owners_of(app, actor),
        audiences=await _audiences(app, session, editing), groups=await _groups(app, session),
        channels=words_of(Channel, "Any channel but inapp"),
        categories=await categories_of(app, actor, "No category in particular"),
        version=fields.get("version") or (it["version"] if it else ""),
        stale=isinstance(problem, Stale), snapshots=snapshots.items if snapshots else [],
        may_write=actor.may("audiences:write"), **(told or {"found": None, "failed": []}),
    )  # fmt: skip


def _errors(
    problem: Problem | None, known: set[str], kind: str, *, as_json: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the errors by input, and the others; the only conflict there is is a taken name."""
    if problem is None:
        return {}, []
    if isinstance(problem, Conflict):
        return {"name": problem.detail}, []
    return form_errors(forms.placed(problem, kind, as_json=as_json), known)


async def _audiences(app: App, session: Session, editing: _Editing) -> Choices:
    """Return the audiences that a set may be made of, of the same module where that is settled."""
    if editing.kind not in SETS:
        return []
    found = (await audiences.find(app, session.actor, limit=MAX_LIMIT)).items
    module = editing.it["module"] if editing.it else None
    able = [
        (one["id"], f"{one['name']} ({one['kind']})")
        for one in found
        if one["id"] != editing.id and module in (None, one["module"])
    ]
    return [("", "None"), *sorted(able, key=lambda one: one[1].lower())]


async def _groups(app: App, session: Session) -> list[str]:
    found = (await groups.find(app, session.actor, limit=MAX_LIMIT)).items
    return sorted({str(one["name"]) for one in found})
