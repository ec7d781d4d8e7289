"""Read your own writes: the last write position (LSN) of each module."""

from services.access import Actor
from services.app import App


async def remember(app: App, actor: Actor) -> str:
    """Note that the actor's module has written, and return the position to be read from."""
    position = await app.db.position()
    app.positions[str(actor.module_id)] = newest(app.positions.get(str(actor.module_id)), position)
    return position


def seen(app: App, actor: Actor, token: str | None) -> str | None:
    """Return the position that a read of this actor must not be older than."""
    if actor.all_modules:
        return newest(*app.positions.values(), token)
    return newest(app.positions.get(str(actor.module_id)), token)


def newest(*positions: str | None) -> str:
    """Return the furthest of several positions; unreadable ones count for nothing."""
    furthest = max((_number(position) for position in positions if position), default=0)
    return f"{furthest >> 32:X}/{furthest & 0xFFFFFFFF:X}"


def _number(position: str) -> int:
    high, _, low = position.partition("/")
    try:
        return min((int(high, 16) << 32) + int(low, 16), (1 << 64) - 1)
    except ValueError:
        return 0
