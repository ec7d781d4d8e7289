"""Serves SMTP until the process is told to stop: what the sink and the bounce listener share."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiosmtpd.smtp import SMTP

from config.settings import Settings
from services.app import App, close_app, open_app
from stores.database import unreachable

log = structlog.get_logger()

TRY_LATER: Final = "451 4.3.0 not now, try again"


async def serve(
    settings: Settings,
    handler: Callable[[App], Any],
    *,
    name: str,
    host: str,
    port: int | None,
    most_octets: int,
) -> None:
    """Serve until SIGTERM or SIGINT; `handler` makes aiosmtpd's handler of an open App."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = open_app(settings)
    listener = await listen(handler(app), host=host, port=port, most_octets=most_octets)
    log.info("smtp.serving", name=name, port=port)
    async with listener:
        await stop.wait()
    await close_app(app)


async def listen(handler: Any, *, host: str, port: int | None, most_octets: int) -> asyncio.Server:
    """Return a server that listens; raises OSError for a port that is taken."""
    loop = asyncio.get_running_loop()
    hostname = socket.gethostname()
    return await loop.create_server(
        lambda: SMTP(
            handler, data_size_limit=most_octets, enable_SMTPUTF8=True, hostname=hostname, loop=loop
        ),
        host,
        port,
    )


async def or_later(work: Awaitable[str]) -> str:
    """Return the reply that the work ends with; a lost database puts mail off."""
    try:
        return await work
    except Exception as error:
        if not unreachable(error):
            raise
        log.warning("smtp.database_unreachable", error=type(error).__name__)
        return TRY_LATER
