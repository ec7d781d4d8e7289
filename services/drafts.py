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
from stores import profiles


async def preview(app: App, actor: Actor, request: NotificationRequest) -> dict[str, Any]:
    """Return what a request would become: {…its 202 answer, channels, content, timezone, problems}.

    Times in the words are those of the recipient's zone, as they will be; `timezone` is null where
    it is not known, and then they are UTC. Nothing is stored. Raises what asking would raise:
    Invalid, Forbidden.
    """
    actor.require("notifications:write")
    async with app.db.leader() as conn:
        known = await look_up(conn, actor, [request])
    found: Accepted = judge(request, actor, known, otp_start_seconds=app.settings.otp_start_seconds)
    words, locale = words_for(request, known)
    words = found.row["content"] or words  # with the footers of business rules
    timezone = await _timezone(app, found)
    channels = [Channel(name) for name in found.row["channels"]]
    data = with_examples(found.row["data"])
    rendered = {
        channel: render(channel, words[channel], data, locale=locale, timezone=timezone)
        for channel in channels
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
        "timezone": timezone,
        "problems": [
            one.shown() for channel, said in rendered.items() for one in problems(channel, said)
        ],
    }


async def _timezone(app: App, found: Accepted) -> str | None:
    """Return the recipient's zone: the profile's, or the one that the request names."""
    profile = found.row["profile_id"]
    if profile is None:
        given: str | None = found.row["recipient"].get("timezone")
        return given
    async with app.db.leader() as conn:
        people = await profiles.load_recipients(conn, [profile])
    return people[profile].timezone if profile in people else None
