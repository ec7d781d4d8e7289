"""What a mail server says it can do, read from its answer to EHLO (RFC 5321 §4.1.1.1)."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The extensions we know of; `size_limit` is in octets, 0 means that none is told."""

    size: bool = False
    size_limit: int = 0
    eightbitmime: bool = False
    smtputf8: bool = False
    starttls: bool = False
    pipelining: bool = False
    enhanced_codes: bool = False
    dsn: bool = False
    auth: frozenset[str] = frozenset()


def parse_capabilities(lines: Iterable[str]) -> Capabilities:
    """Return what the lines of a 250 to EHLO offer; the first line is only a greeting.

    `AUTH=LOGIN`, which old servers say beside `AUTH LOGIN`, counts as well.
    """
    offered: dict[str, list[str]] = {}
    for line in list(lines)[1:]:
        keyword, *parameters = line.upper().replace("AUTH=", "AUTH ", 1).split() or [""]
        offered.setdefault(keyword, []).extend(parameters)
    limit = "".join(offered.get("SIZE", [])[:1])
    return Capabilities(
        size="SIZE" in offered,
        size_limit=int(limit) if limit.isascii() and limit.isdigit() else 0,
        eightbitmime="8BITMIME" in offered,
        smtputf8="SMTPUTF8" in offered,
        starttls="STARTTLS" in offered,
        pipelining="PIPELINING" in offered,
        enhanced_codes="ENHANCEDSTATUSCODES" in offered,
        dsn="DSN" in offered,
        auth=frozenset(offered.get("AUTH", [])),
    )
