"""What every answer of the dashboard says about itself to the browser."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = "; ".join(
    (
        "default-src 'self'", "style-src 'self'", "script-src 'self'", "img-src 'self' data:",
        "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "object-src 'none'",
    )
)  # fmt: skip
"""Content Security Policy of our own pages: nothing inline, nothing from elsewhere."""

PREVIEWING_POLICY: Final = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""For a previewed mail, which has styles of its own; its frame still runs no scripts."""

SHOWN_MAIL_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
)
"""For somebody's mail inside a frame of ours: no scripts, no forms, nothing fetched."""


class SecurityHeaders:
    """Adds the headers to every answer; what a handler has set itself stays."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._inner(scope, receive, send_guarded)
