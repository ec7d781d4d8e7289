"""What would be sent, before anything is asked for."""

from typing import Any

from channels.occasion import Occasion
from channels.rendering import render
from channels.transforms import problems, transform
from domain.contract.notification import NotificationRequest
from domain.preference_links import with_examples
from domain.vocabulary import Channel
from services.acceptance import Accepted, judge, look_up, words_for
from services.access import Actor
from services.app import App


async def preview(app: App, actor: Actor, request: NotificationRequest) -> dict[str, Any]:
    """Return what a request would become: {…its 202 answer, channels, content, problems}.

    Nothing is stored. Raises what asking would raise: Invalid, Forbidden.
    """
    actor.require("notifications:write")
    async with app.db.leader() as conn:
        known = await look_up(conn, actor, [request])
    found: Accepted = judge(request, actor, known, otp_start_seconds=app.settings.otp_start_seconds)
    words, locale = words_for(request, known)
    words = found.row["content"] or words  # with the footers of business rules
    channels = [Channel(name) for name in found.row["channels"]]
    data = with_examples(found.row["data"])
    rendered = {
        channel: render(channel, words[channel], data, locale=locale) for channel in channels
    }
    answer = found.body()
    del answer["id"]
    return {
        **answer,
        "channels": [str(channel) for channel in channels],
        "content": {
            str(channel): transform(channel, said, Occasion(locale))
            for channel, said in rendered.items()
        },
        "problems": [
            one.shown() for channel, said in rendered.items() for one in problems(channel, said)
        ],
    }
