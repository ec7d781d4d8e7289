"""What would be sent, before anything is asked for."""

from typing import Any

from channels.rendering import render
from domain.contract.notification import NotificationRequest
from domain.vocabulary import Channel
from services.acceptance import Accepted, judge, look_up, words_for
from services.access import Actor
from services.app import App


async def preview(app: App, actor: Actor, request: NotificationRequest) -> dict[str, Any]:
    """Return what a request would become: {…its 202 answer, channels, content as rendered}.

    Nothing is stored. Raises what asking would raise: Invalid, Forbidden.
    """
    actor.require("notifications:write")
    async with app.db.leader() as conn:
        known = await look_up(conn, actor, [request])
    found: Accepted = judge(request, actor, known, otp_start_seconds=app.settings.otp_start_seconds)
    words, locale = words_for(request, known)
    channels = [Channel(name) for name in found.row["channels"]]
    answer = found.body()
    del answer["id"]
    return {
        **answer,
        "channels": [str(channel) for channel in channels],
        "content": {
            str(channel): render(channel, words[channel], request.data, locale=locale)
            for channel in channels
        },
    }
