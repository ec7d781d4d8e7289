"""/healthz, /readyz and /metrics: the truth per dependency."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.authentication import Services
from services.health import dependencies

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Say that this process answers; nothing else is asked."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(app: Services) -> JSONResponse:
    """Say whether notifications can be accepted (200) or not (503), and how each dependency is.

    Temporal and replicas are not needed for accepting: without them the status is `degraded`.
    """
    found = await dependencies(app)
    can_accept = all(one.ok for one in found if one.needed)
    status = "ready" if all(one.ok for one in found) else "degraded"
    return JSONResponse(
        {
            "status": status if can_accept else "unavailable",
            "dependencies": [one.body() for one in found],
        },
        200 if can_accept else 503,
    )


@router.get("/metrics")
async def metrics() -> Response:
    """Give this process's metrics in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
