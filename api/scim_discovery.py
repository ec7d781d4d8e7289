"""/scim/v2/ServiceProviderConfig, /ResourceTypes, /Schemas: what clients look at first.

They need no key (RFC 7643 §5): they say the same of every installation.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api.authentication import Services
from api.scim_answers import SCIM_PATH, scim_answer
from domain.errors import NotFound
from domain.scim import discovery
from domain.scim.errors import NotSupported, Unfiltered
from services.scim.views import base

router = APIRouter(prefix=SCIM_PATH, tags=["scim"])

_Filter = Annotated[str | None, Query(max_length=10_000, description="Is refused (RFC 7644 §4)")]


@router.get("/ServiceProviderConfig")
async def service_provider_config(app: Services) -> JSONResponse:
    """Say which parts of the standard are supported."""
    return scim_answer(discovery.service_provider_config(base(app)))


@router.get("/ResourceTypes")
async def resource_types(app: Services, filter: _Filter = None) -> JSONResponse:
    """List the kinds of resources: users and groups."""
    return _listed(discovery.resource_types(base(app)), filter)


@router.get("/ResourceTypes/{name}")
async def resource_type(app: Services, name: str) -> JSONResponse:
    """Look at one kind of resource."""
    return _one(discovery.resource_types(base(app)), name)


@router.get("/Schemas")
async def schemas(app: Services, filter: _Filter = None) -> JSONResponse:
    """List the schemas with the attributes that are understood."""
    return _listed(discovery.schemas(base(app)), filter)


@router.get("/Schemas/{urn}")
async def schema(app: Services, urn: str) -> JSONResponse:
    """Look at one schema."""
    return _one(discovery.schemas(base(app)), urn)


@router.get("/Me", include_in_schema=False)
@router.post("/Bulk", include_in_schema=False)
async def unsupported(_request: Request) -> JSONResponse:
    """Say that a part of the standard is not supported (RFC 7644 §3.11, §3.7)."""
    raise NotSupported("This is not supported; ServiceProviderConfig says what is.")


def _listed(found: list[dict[str, Any]], filter: str | None) -> JSONResponse:
    if filter is not None:
        raise Unfiltered("What is described here is always told as a whole, without a filter.")
    return scim_answer(discovery.list_response(found))


def _one(found: list[dict[str, Any]], id: str) -> JSONResponse:
    for one in found:
        if one["id"].lower() == id.lower():
            return scim_answer(one)
    raise NotFound(f"There is no {id[:120]}.")
