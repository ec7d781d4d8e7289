"""/v1/templates: words in versions, published and previewed."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.template import (
    NoteRequest,
    PreviewRequest,
    PublishRequest,
    TemplatePatch,
    TemplateRequest,
    TemplateTestRequest,
    TemplateVersionRequest,
)
from services import (
    template_diffs,
    template_history,
    template_previews,
    template_trials,
    template_versions,
)
from services import templates as use
from services.template_filters import TemplateFilters

router = APIRouter(prefix="/v1/templates", tags=["templates"])

_WORDS: dict[str, Any] = {
    "locale": "en",
    "content": {
        "email": {
            "subject": "Order {{ order }} is on its way",
            "html": "<p>Hello {{ name }}, order <b>{{ order }}</b> left our house.</p>",
            "text": "Hello {{ name }}, order {{ order }} left our house.",
        },
        "sms": {"text": "Order {{ order }} is on its way."},
    },
    "locales": {"fr": {"sms": {"text": "La commande {{ order }} est en route."}}},
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "order": {"type": "string"}},
        "required": ["name", "order"],
    },
}
_EXAMPLE = {"key": "order-shipped", "name": "Order shipped", "category": "transactional", **_WORDS}
_PREVIEW = {"data": {"name": "Sample", "order": "A-1001"}, "locale": "fr", "channel": "sms"}
_Many = Annotated[list[str] | None, Query()]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(TemplateRequest, _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[TemplateRequest, JsonBody(TemplateRequest)],
) -> JSONResponse:
    """Make a template; its version 1 is a draft."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    key: _Many = None,
    category: _Many = None,
    state: _Many = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    position: Annotated[str | None, Header(alias="Tocsin-Position", max_length=40)] = None,
) -> JSONResponse:
    """List templates, newest first; a repeated filter means OR."""
    filters = TemplateFilters(
        key=key or (),
        category=category or (),
        state=state or (),
        q=q,
        limit=limit,
        cursor=cursor,
    )
    return answer((await use.find(app, actor, filters, position)).body())


@router.get("/{key}")
async def get(app: Services, actor: Caller, key: str) -> JSONResponse:
    """Look at a template by key or id: its newest words and all its versions."""
    return _tagged(await use.get(app, actor, key))


@router.patch("/{key}", openapi_extra=body(TemplatePatch, {"priority": "high"}))
async def change(
    app: Services,
    actor: Caller,
    key: str,
    patch: Annotated[TemplatePatch, JsonBody(TemplatePatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change what is not versioned (RFC 7396)."""
    return _tagged(await use.change(app, actor, key, patch, expected_version(if_match)))


@router.delete("/{key}", status_code=204)
async def archive(app: Services, actor: Caller, key: str, if_match: _IfMatch = None) -> Response:
    """Take a template out of use; notifications accepted with it are still sent."""
    await use.archive(app, actor, key, expected_version(if_match))
    return no_content()


@router.post("/{key}/versions", status_code=201, openapi_extra=body(TemplateVersionRequest, _WORDS))
async def add_version(
    http: Request,
    app: Services,
    actor: Caller,
    key: str,
    request: Annotated[TemplateVersionRequest, JsonBody(TemplateVersionRequest)],
) -> JSONResponse:
    """Add a version as a draft."""
    return replayable(await template_versions.add(app, actor, key, request, idempotency(http)))


@router.get("/{key}/versions")
async def find_versions(
    app: Services, actor: Caller, key: str, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List a template's versions, newest first, without their words."""
    page = await template_versions.find(app, actor, key, limit=limit, cursor=cursor)
    return answer(page.body())


@router.get("/{key}/versions/{number}")
async def get_version(
    app: Services, actor: Caller, key: str, number: Annotated[int, Path(ge=1)]
) -> JSONResponse:
    """Look at one version with its words."""
    return answer(await template_versions.get(app, actor, key, number))


@router.post(
    "/{key}/publish", openapi_extra=body(PublishRequest, {"version": 1, "note": "First words"})
)
async def publish(
    app: Services,
    actor: Caller,
    key: str,
    request: Annotated[PublishRequest, JsonBody(PublishRequest)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Send a version from now on; an older one may be published again."""
    expected = expected_version(if_match)
    return _tagged(await template_versions.publish(app, actor, key, request, expected))


@router.get("/{key}/diff")
async def diff(
    app: Services,
    actor: Caller,
    key: str,
    before: Annotated[int | None, Query(alias="from", ge=1)] = None,
    after: Annotated[int | None, Query(alias="to", ge=1)] = None,
) -> JSONResponse:
    """Compare two versions: per language, channel and field a unified diff."""
    return answer(await template_diffs.diff(app, actor, key, before, after))


@router.get("/{key}/history")
async def history(
    app: Services, actor: Caller, key: str, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List who did what to a template and why, newest first."""
    page = await template_history.find(app, actor, key, limit=limit, cursor=cursor)
    return answer(page.body())


@router.post("/{key}/preview", openapi_extra=body(PreviewRequest, _PREVIEW))
async def preview(
    app: Services,
    actor: Caller,
    key: str,
    request: Annotated[PreviewRequest, JsonBody(PreviewRequest)],
) -> JSONResponse:
    """Render a version without sending it; `problems` names what is wrong or unwise."""
    return answer(await template_previews.preview(app, actor, key, request))


@router.post(
    "/{key}/test",
    status_code=202,
    openapi_extra=body(
        TemplateTestRequest, {"recipient": {"email": "you@example.com"}, "channels": ["email"]}
    ),
)
async def send_test(
    http: Request,
    app: Services,
    actor: Caller,
    key: str,
    request: Annotated[TemplateTestRequest, JsonBody(TemplateTestRequest)],
) -> JSONResponse:
    """Send a version, also a draft, to one recipient; the notification is marked as a test."""
    return replayable(await template_trials.send(app, actor, key, request, idempotency(http)))


@router.post("/{key}/archive", openapi_extra=body(NoteRequest, {"note": "Replaced by order-sent"}))
async def archive_with_note(
    app: Services,
    actor: Caller,
    key: str,
    request: Annotated[NoteRequest, JsonBody(NoteRequest)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Take a template out of use, and say why."""
    expected = expected_version(if_match)
    return _tagged(await use.archive(app, actor, key, expected, request.note))


@router.post("/{key}/unarchive", openapi_extra=body(NoteRequest, {"note": "Needed again"}))
async def unarchive(
    app: Services,
    actor: Caller,
    key: str,
    request: Annotated[NoteRequest, JsonBody(NoteRequest)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Take an archived template into use again, as it was."""
    expected = expected_version(if_match)
    return _tagged(await use.unarchive(app, actor, key, expected, request.note))


def _tagged(template: dict[str, Any]) -> JSONResponse:
    """Return a template with its revision as ETag; `version` counts its words, not its changes."""
    return answer(template, version=template["revision"])
