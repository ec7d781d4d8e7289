"""Read your own writes: the page that follows a form is never older than what the form did."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.app import App
from services.positions import remember

_READS = ("GET", "HEAD", "OPTIONS")


class PositionMiddleware:
    """Notes how far the database is once a signed-in user's form has succeeded."""

    def __init__(self, inner: ASGIApp, services: App) -> None:
        self._inner = inner
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note the position before its answer leaves."""
        if scope["type"] != "http" or scope["method"] in _READS:
            await self._inner(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            session = scope.get("state", {}).get("session")
            if message["type"] == "http.response.start" and session and message["status"] < 400:
                await remember(self._services, session.actor)
            await send(message)

        await self._inner(scope, receive, noting)
