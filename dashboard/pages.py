"""The dashboard as an application: pages for people, rendered on the server."""

from typing import Any

from fastapi import FastAPI

from dashboard import (
    account,
    acknowledging,
    assets,
    audience_editor,
    audiences,
    audit,
    campaign_forms,
    campaigns,
    categories,
    changing,
    compose,
    dead_letters,
    groups,
    imports,
    modules,
    notifications,
    outbox,
    overview,
    partials,
    preference_centre,
    profile_explain,
    profile_forms,
    profile_preferences,
    profiles,
    rotas,
    rules,
    schedules,
    sign_in,
    suppressions,
    template_editor,
    template_list,
    template_versions,
    triggers,
    users,
    vendor_changes,
    vendors,
)
from dashboard.positions import PositionMiddleware
from dashboard.problems import install_problems
from dashboard.security import SecurityHeaders
from services.app import App


def create_dashboard(app: App) -> FastAPI:
    """Return the dashboard as an application, to be mounted at `/` behind the API."""
    web = FastAPI(title="Tocsin", docs_url=None, redoc_url=None, openapi_url=None)
    web.router.redirect_slashes = False
    web.state.app = app
    install_problems(web)
    web.add_middleware(PositionMiddleware, services=app)
    web.add_middleware(SecurityHeaders)
    for part in _PARTS:
        web.include_router(part.router)
    return web


_PARTS: Any = (
    assets, sign_in, overview, compose, changing, notifications, dead_letters, outbox,
    template_list, template_versions, template_editor, vendor_changes, vendors, suppressions,
    categories, rules, profile_forms, profile_preferences, profile_explain, profiles, groups,
    imports, audiences, audience_editor, modules, partials, campaign_forms, campaigns,
    schedules, triggers, rotas, users, audit, account, preference_centre,
    acknowledging,
)  # fmt: skip
