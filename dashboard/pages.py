"""The dashboard as an application: pages for people, rendered on the server."""

from typing import Any

from fastapi import FastAPI

from dashboard import (
    account,
    assets,
    categories,
    changing,
    compose,
    dead_letters,
    notifications,
    outbox,
    overview,
    preference_centre,
    rules,
    schedules,
    sign_in,
    suppressions,
    template_editor,
    template_list,
    template_versions,
    vendor_changes,
    vendors,
)
from dashboard.problems import install_problems
from dashboard.security import SecurityHeaders
from services.app import App


def create_dashboard(app: App) -> FastAPI:
    """Return the dashboard as an application, to be mounted at `/` behind the API."""
    web = FastAPI(title="Tocsin", docs_url=None, redoc_url=None, openapi_url=None)
    web.router.redirect_slashes = False
    web.state.app = app
    install_problems(web)
    web.add_middleware(SecurityHeaders)
    for part in _PARTS:
        web.include_router(part.router)
    return web


_PARTS: Any = (
    assets, sign_in, overview, compose, changing, notifications, dead_letters, outbox,
    template_list, template_versions, template_editor, vendor_changes, vendors, suppressions,
    categories, rules, schedules, account, preference_centre,
)  # fmt: skip
