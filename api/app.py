"""The REST API: every resource's router, problems, limits and the OpenAPI description."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI

from api import (
    accounts,
    analytics,
    audiences,
    audit,
    campaigns,
    categories,
    dead_letters,
    events,
    groups,
    health,
    imports,
    keys,
    live,
    modules,
    notifications,
    otp,
    outbox,
    partials,
    preferences,
    profiles,
    receipts,
    rules,
    schedules,
    scim_discovery,
    scim_groups,
    scim_users,
    suppressions,
    templates,
    tracking,
    triggers,
    users,
    vendors,
    webhooks,
)
from api.openapi import describe
from api.positions import PositionMiddleware
from api.problems import install_problems
from services.app import App


def create_api(
    app: App, *, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    """Return the API as an application."""
    web = FastAPI(
        title="Tocsin",
        version="1",
        summary="Durable notifications: asked for once, sent once, every message accounted for.",
        lifespan=lifespan,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    web.state.app = app
    install_problems(web)
    web.add_middleware(PositionMiddleware, services=app)
    for resource in _RESOURCES:
        web.include_router(resource.router)
    describe(web)
    return web


_RESOURCES: Any = (
    notifications, dead_letters, otp, templates, profiles, imports, groups, audiences, categories,
    modules, keys, partials, outbox, analytics, live, health, accounts, vendors, receipts,
    webhooks, preferences, suppressions, rules, users, audit, scim_discovery, scim_users,
    scim_groups, campaigns, schedules, events, triggers,
    tracking,
)  # fmt: skip
