"""The routes that users and groups have alike (RFC 7644 §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import expected_version, no_content
from api.authentication import Caller, Services, idempotency
from api.bodies import read_json
from api.scim_answers import SCIM_PATH, scim_answer, scim_body, told
from domain.scim.projection import Projection
from services.scim import lists

_Wanted = Annotated[
    str | None, Query(max_length=4_000, description="Names, with commas, of what is answered")
]
_Excluded = Annotated[
    str | None,
    Query(alias="excludedAttributes", max_length=4_000, description="Names of what is left out"),
]
_Filter = Annotated[
    str | None, Query(max_length=10_000, description='Such as `userName eq "ann@example.com"`')
]
_Start = Annotated[
    str | None, Query(alias="startIndex", max_length=20, description="The first one, from 1")
]
_Count = Annotated[str | None, Query(max_length=20, description="How many at most, up to 200")]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@dataclass(frozen=True, slots=True)
class Described:
    """How a kind of resource is described: its schema, examples that run, and what routes do."""

    schema: str
    example: Mapping[str, Any]
    patches: Mapping[str, Mapping[str, Any]]
    does: Mapping[str, str]
    """By route, in a sentence: create, find, get, replace, patch, delete."""
    patched: Mapping[int | str, Mapping[str, Any]] = field(default_factory=dict)
    """What a PATCH may answer besides the resource."""


def routes(name: str, use: ModuleType, described: Described) -> APIRouter:
    """Return the routes of /scim/v2/<name>; `use` has a use case for each of them."""
    router = APIRouter(prefix=f"{SCIM_PATH}/{name}", tags=["scim"])
    whole = scim_body(described.schema, described.example)
    first, *others = described.patches.items()
    parts = scim_body("A PatchOp (RFC 7644 §3.5.2)", first[1], **dict(others))
    does = described.does

    @router.post("", status_code=201, openapi_extra=whole, description=does["create"])
    async def create(
        http: Request,
        app: Services,
        actor: Caller,
        attributes: _Wanted = None,
        excluded: _Excluded = None,
    ) -> Response:
        shown = Projection.read(attributes, excluded)
        return told(await use.create(app, actor, await read_json(http), shown, idempotency(http)))

    @router.get("", description=does["find"])
    async def find(
        app: Services,
        actor: Caller,
        filter: _Filter = None,
        start: _Start = None,
        count: _Count = None,
        attributes: _Wanted = None,
        excluded: _Excluded = None,
    ) -> JSONResponse:
        shown = Projection.read(attributes, excluded)
        query = lists.Query.read(filter, start, count, shown)
        return scim_answer(await use.find(app, actor, query))

    @router.get("/{id}", description=does["get"])
    async def get(
        app: Services,
        actor: Caller,
        id: str,
        attributes: _Wanted = None,
        excluded: _Excluded = None,
    ) -> Response:
        return told(await use.get(app, actor, id, Projection.read(attributes, excluded)))

    @router.put("/{id}", openapi_extra=whole, description=does["replace"])
    async def replace(
        http: Request,
        app: Services,
        actor: Caller,
        id: str,
        attributes: _Wanted = None,
        excluded: _Excluded = None,
        if_match: _IfMatch = None,
    ) -> Response:
        shown = Projection.read(attributes, excluded)
        body, version = await read_json(http), expected_version(if_match)
        return told(await use.replace(app, actor, id, body, shown, version))

    @router.patch(
        "/{id}",
        openapi_extra=parts,
        description=does["patch"],
        responses={key: dict(one) for key, one in described.patched.items()},
    )
    async def patch(
        http: Request,
        app: Services,
        actor: Caller,
        id: str,
        attributes: _Wanted = None,
        excluded: _Excluded = None,
        if_match: _IfMatch = None,
    ) -> Response:
        shown = Projection.read(attributes, excluded)
        body, version = await read_json(http), expected_version(if_match)
        return told(await use.patch(app, actor, id, body, shown, version))

    @router.delete("/{id}", status_code=204, description=does["delete"])
    async def delete(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
        await use.delete(app, actor, id, expected_version(if_match))
        return no_content()

    return router
