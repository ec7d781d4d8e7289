"""Which channel makes what of its rendered words, and what it finds wrong with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels import email_content, inapp, push, sms, telegram, webpush, whatsapp
from channels.occasion import NO_OCCASION, Occasion
from channels.problems import ContentProblem, ContentRefused, Severity
from domain.vocabulary import Channel

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transform:
    """A channel's two pure functions of its rendered words."""

    transform: Callable[[Content, Occasion], dict[str, Any]]
    problems: Callable[[Content], list[ContentProblem]]


TRANSFORMS: Final[Mapping[Channel, Transform]] = {
    Channel.EMAIL: Transform(email_content.transform, email_content.problems),
    Channel.SMS: Transform(sms.transform, sms.problems),
    Channel.PUSH: Transform(push.transform, push.problems),
    Channel.WEBPUSH: Transform(webpush.transform, webpush.problems),
    Channel.WHATSAPP: Transform(whatsapp.transform, whatsapp.problems),
    Channel.TELEGRAM: Transform(telegram.transform, telegram.problems),
    Channel.INAPP: Transform(inapp.transform, inapp.problems),
}


def transform(
    channel: Channel, content: Content, occasion: Occasion = NO_OCCASION
) -> dict[str, Any]:
    """Return rendered words as vendors are handed them: the shapes of ContentMessage."""
    return TRANSFORMS[channel].transform(content, occasion)


def problems(channel: Channel, content: Content) -> list[ContentProblem]:
    """Return everything that is wrong with a channel's rendered words."""
    return TRANSFORMS[channel].problems(content)


def check_sendable(channel: Channel, content: Content) -> None:
    """Raise ContentRefused, which names every field, for rendered words that cannot be sent."""
    found = problems(channel, content)
    if errors := [one for one in found if one.severity is Severity.ERROR]:
        raise ContentRefused(errors)
