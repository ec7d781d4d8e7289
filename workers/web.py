"""The web process: the API and the dashboard in one application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.app import create_api
from config.settings import Settings
from dashboard.pages import create_dashboard
from services import tracking
from services.app import close_app, open_app


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it starts and accepts whether or not Temporal answers."""
    app = open_app(settings)

    @asynccontextmanager
    async def lifespan(_web: FastAPI) -> AsyncIterator[None]:
        writing = asyncio.create_task(tracking.write_forever(app))
        yield
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await tracking.close(app)
        await close_app(app)

    web = create_api(app, lifespan=lifespan)
    web.mount("/", create_dashboard(app))
    return web
