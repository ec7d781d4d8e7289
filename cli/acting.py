"""Runs use cases on the machine itself, as its operator."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cli.administration import local_settings
from cli.embedded.trouble import Trouble
from config.settings import Settings

Use = Callable[[Any, Any], Awaitable[Any]]


def act(data_dir: Any, use: Use) -> Any:
    """Return what a use case (of app and actor) returns; a problem becomes one sentence."""
    from domain.errors import Problem
    from services.access import operator
    from services.app import close_app, open_app

    async def run(settings: Settings) -> Any:
        app = open_app(settings)
        try:
            return await use(app, await operator(app))
        finally:
            await close_app(app)

    try:
        return asyncio.run(run(local_settings(data_dir)))
    except Problem as problem:
        wrong = "; ".join(f"{one.field} {one.message}" for one in problem.errors)
        raise Trouble(wrong or problem.detail) from None
