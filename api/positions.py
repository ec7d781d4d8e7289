"""Read your own writes: tells each writer its position, which later lists honour."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.app import App
from services.positions import remember

HEADER = "tocsin-position"
_READS = ("GET", "HEAD", "OPTIONS")


class PositionMiddleware:
    """Adds `Tocsin-Position` (an LSN) to the answers of writes that succeeded."""

    def __init__(self, app: ASGIApp, services: App) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note the position when it wrote."""
        if scope["type"] != "http" or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            actor = scope.get("state", {}).get("actor")
            if message["type"] == "http.response.start" and actor and message["status"] < 400:
                position = await remember(self._services, actor)
                message["headers"] = [
                    *message.get("headers", []), (HEADER.encode(), position.encode()),
                ]  # fmt: skip
            await send(message)

        await self._app(scope, receive, noting)
