"""Which openings and clicks are a program's: prefetchers of mail programs, scanners of gateways.

By what a request says of itself, by when it comes, and by what else comes with it. Whoever hides
as a browser on another network and takes its time is taken for a person: no rule finds that out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.engagement import EngagementKind


class MachineReason(StrEnum):
    """What shows that no person did it."""

    HEAD = "head"
    """Asked for headers alone, which no mail program does for a person."""
    PREFETCH = "prefetch"
    """Says that it fetches ahead, or is Gmail doing so."""
    APPLE_PRIVACY = "apple_privacy"
    """Apple Mail Privacy Protection, which fetches every picture, of what is never read too."""
    SCANNER = "scanner"
    """A gateway that looks for malice."""
    PROGRAM = "program"
    """A crawler, a library or a preview of a link."""
    INSTANT = "instant"
    """Clicked sooner after the mail had left than anybody reads."""
    ALL_LINKS = "all_links"
    """Links clicked together."""
    TRAP = "trap"
    """Clicked with the link that nobody sees."""


INSTANT_SECONDS: Final = 2.0
"""Mautic's default: https://github.com/mautic/mautic/issues/16263."""

TOGETHER: Final = timedelta(seconds=2)
MANY_LINKS: Final = 3
"""More than two activities within two seconds are a program's, as Marketo has it:
https://experienceleague.adobe.com/en/docs/marketo/using/product-docs/administration/email-setup/filtering-email-bot-activity
"""

AROUND_TRAP: Final = timedelta(seconds=10)
"""What was measured in https://github.com/mautic/mautic/issues/9798."""

_PEOPLE: Final = re.compile(r"googleimageproxy|yahoomailproxy")
"""Proxies that fetch for a person who opens the mail, and keep the picture: real openings, though
only the first is seen. https://www.scientiamobile.com/what-is-google-image-proxy/
"""

_APPLE: Final = "mozilla/5.0"
"""All that the proxies of Apple Mail say:
https://help.socketlabs.com/docs/identifying-apple-mpp-opens-in-notification-api-events
"""

_GMAIL_AHEAD: Final = "chrome/42.0.2311.135 safari/537.36 edge/12.246"
"""A browser of 2015 that only Gmail's prefetcher still is."""

_SCANNERS: Final = re.compile(
    r"barracuda|proofpoint|mimecast|safelinks|bingpreview|forcepoint|ironport|fireeye|trendmicro"
    r"|trend micro|symantec|messagelabs|sophos|fortimail|zscaler|urldefense"
)
"""Gateways that name themselves, BingPreview among them, as which Microsoft's Safe Links looks."""

_PROGRAMS: Final = re.compile(
    r"(?<!cu)bot\b|crawler|spider|headlesschrome|phantomjs|python|curl/|wget/|go-http-client"
    r"|okhttp|libwww|java/|aiohttp|httpx|node-fetch|axios|facebookexternalhit|skypeuripreview"
    r"|whatsapp/|existence discovery"
)
"""Cubot makes telephones."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a pixel or a link; `since_sent` are the seconds since its mail had left."""

    kind: EngagementKind
    user_agent: str
    is_head: bool = False
    says_prefetch: bool = False
    """Sec-Purpose, Purpose or X-Moz name a prefetch."""
    since_sent: float | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """A link of one mail that was followed; `of` is how many it has, 0 where it is not known."""

    at: datetime
    link: int
    url: str
    of: int = 0
    is_trap: bool = False


def judge(visit: Visit) -> MachineReason | None:
    """Return why one request alone is a program's; None for a person's."""
    agent = visit.user_agent.strip().lower()
    if visit.is_head:
        return MachineReason.HEAD
    if visit.says_prefetch:
        return MachineReason.PREFETCH
    if _PEOPLE.search(agent):
        return None
    return _by_agent(agent, visit.kind) or _by_time(visit)


def judge_together(followed: Sequence[Followed]) -> dict[int, MachineReason]:
    """Return which of the links followed in one mail were a program's, by their places."""
    found = {
        place: MachineReason.TRAP
        for place, one in enumerate(followed)
        if any(other.is_trap and abs(other.at - one.at) <= AROUND_TRAP for other in followed)
    }
    for first in followed:
        near = [
            place
            for place, one in enumerate(followed)
            if not one.is_trap and timedelta(0) <= one.at - first.at <= TOGETHER
        ]
        links = {(followed[place].link, followed[place].url) for place in near}
        most = max((followed[place].of for place in near), default=0)
        if len(links) >= MANY_LINKS or 2 <= most <= len(links):
            for place in near:
                found.setdefault(place, MachineReason.ALL_LINKS)
    return found


def _by_agent(agent: str, kind: EngagementKind) -> MachineReason | None:
    if agent == _APPLE and kind is EngagementKind.OPENED:
        return MachineReason.APPLE_PRIVACY
    if _GMAIL_AHEAD in agent:
        return MachineReason.PREFETCH
    if _SCANNERS.search(agent):
        return MachineReason.SCANNER
    if agent in ("", _APPLE) or _PROGRAMS.search(agent):
        return MachineReason.PROGRAM
    return None


def _by_time(visit: Visit) -> MachineReason | None:
    """Pictures may be shown at once, to somebody who sees the mail come; nobody clicks so fast."""
    if visit.kind is not EngagementKind.CLICKED or visit.since_sent is None:
        return None
    return MachineReason.INSTANT if visit.since_sent < INSTANT_SECONDS else None
