"""Programs told apart from people: by what they say, when they come, and with what else."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.engagement import EngagementKind
from domain.machine_visits import Followed, MachineReason, Visit, judge, judge_together

OPENED, CLICKED = EngagementKind.OPENED, EngagementKind.CLICKED
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_AHEAD = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; ms-office; MSOffice 16)"
SAFE_LINKS = (
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b"
)
CUBOT = "Mozilla/5.0 (Linux; Android 11; CUBOT) AppleWebKit/537.36 Chrome/120.0 Mobile Safari"

ALONE = [
    (Visit(OPENED, FIREFOX), None),
    (Visit(OPENED, FIREFOX, since_sent=0.4), None),
    (Visit(OPENED, OUTLOOK), None),
    (Visit(OPENED, GMAIL), None),
    (Visit(OPENED, GMAIL, since_sent=0.4), None),
    (Visit(OPENED, "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"),
     None),
    (Visit(CLICKED, SAFARI, since_sent=30), None),
    (Visit(CLICKED, CUBOT, since_sent=30), None),
    (Visit(CLICKED, FIREFOX), None),
    (Visit(OPENED, "Mozilla/5.0"), MachineReason.APPLE_PRIVACY),
    (Visit(CLICKED, "Mozilla/5.0"), MachineReason.PROGRAM),
    (Visit(OPENED, GMAIL_AHEAD), MachineReason.PREFETCH),
    (Visit(CLICKED, FIREFOX, is_head=True), MachineReason.HEAD),
    (Visit(CLICKED, GMAIL, is_head=True), MachineReason.HEAD),
    (Visit(CLICKED, FIREFOX, says_prefetch=True), MachineReason.PREFETCH),
    (Visit(CLICKED, SAFE_LINKS, since_sent=300), MachineReason.SCANNER),
    (Visit(CLICKED, "Barracuda Sentinel (EE)"), MachineReason.SCANNER),
    (Visit(OPENED, "Mozilla/5.0 (Proofpoint URL Defense)"), MachineReason.SCANNER),
    (Visit(CLICKED, "python-requests/2.32"), MachineReason.PROGRAM),
    (Visit(CLICKED, "Mozilla/5.0 (compatible; Googlebot/2.1)"), MachineReason.PROGRAM),
    (Visit(CLICKED, "Slackbot-LinkExpanding 1.0"), MachineReason.PROGRAM),
    (Visit(OPENED, ""), MachineReason.PROGRAM),
    (Visit(CLICKED, FIREFOX, since_sent=1.9), MachineReason.INSTANT),
    (Visit(CLICKED, FIREFOX, since_sent=2.0), None),
]  # fmt: skip


@pytest.mark.parametrize(("visit", "reason"), ALONE)
def test_one_request_says_by_itself_what_it_is(visit: Visit, reason: MachineReason | None) -> None:
    assert judge(visit) == reason


def followed(*links: tuple[float, int], of: int = 0, trap: float | None = None) -> list[Followed]:
    """Return links followed at seconds, by their numbers, and perhaps the trap."""
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    at = [(start + timedelta(seconds=seconds), link) for seconds, link in links]
    found = [Followed(when, link, f"https://example.com/{link}", of) for when, link in at]
    if trap is not None:
        found.append(Followed(start + timedelta(seconds=trap), 0, "", of, is_trap=True))
    return found


ALL, TRAP = MachineReason.ALL_LINKS, MachineReason.TRAP
TOGETHER = [
    ("one link of one", followed((0, 1), of=1), {}),
    ("two of many", followed((0, 1), (0.5, 2), of=9), {}),
    ("three at once", followed((0, 1), (0.5, 2), (1.9, 3), of=9), {0: ALL, 1: ALL, 2: ALL}),
    ("three, one by one", followed((0, 1), (1.5, 2), (3.1, 3), of=9), {}),
    ("both of two", followed((0, 1), (0.1, 2), of=2), {0: ALL, 1: ALL}),
    ("one of two, twice", followed((0, 1), (0.1, 1), of=2), {}),
    ("in any order", followed((1, 1), (0, 2), (0.5, 3)), {0: ALL, 1: ALL, 2: ALL}),
    ("a person later", followed((0, 1), (0, 2), (0, 3), (600, 1)), {0: ALL, 1: ALL, 2: ALL}),
    ("with the trap", followed((0, 1), (60, 1), trap=9), {0: TRAP, 2: TRAP}),
    ("trap before", followed((9, 1), (11, 1), trap=0), {0: TRAP, 2: TRAP}),
]  # fmt: skip


@pytest.mark.parametrize(("clicks", "reasons"), [one[1:] for one in TOGETHER],
                         ids=[one[0] for one in TOGETHER])  # fmt: skip
def test_links_followed_together_are_a_programs(
    clicks: list[Followed], reasons: dict[int, MachineReason]
) -> None:
    assert judge_together(clicks) == reasons
