"""Who calls: the bearer key of each request (RFC 6750), and the parts handlers ask for."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from domain.errors import Invalid, Unauthenticated
from services.access import Actor, authenticate
from services.app import App
from services.idempotency import Idempotency

_bearer = HTTPBearer(auto_error=False, description="An API key: `Bearer tcs_…`")


def services(request: Request) -> App:
    """Return this process's App."""
    app: App = request.app.state.app
    return app


async def caller(
    request: Request,
    app: Annotated[App, Depends(services)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Actor:
    """Return who holds the request's key; raises Unauthenticated."""
    if credentials is None or not credentials.credentials:
        raise Unauthenticated("Send an API key as `Authorization: Bearer tcs_…`.")
    actor = await authenticate(app, credentials.credentials)
    request.state.actor = actor
    return actor


def idempotency(request: Request) -> Idempotency | None:
    """Return the request's Idempotency-Key with the body it came with."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255:
        raise Invalid.field("Idempotency-Key", "must have 1 to 255 characters")
    return Idempotency(key, request.url.path, getattr(request.state, "body", b""))


Services = Annotated[App, Depends(services)]
Caller = Annotated[Actor, Depends(caller)]
