"""Mailbox addresses as they may stand in an envelope: checked, with their domains in ASCII."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import idna

_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_QUOTED: Final = r'"(?:[ !#-\[\]-~\u00a0-\U0010ffff]|\\[ -~])*"'
_LOCAL: Final = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*|{_QUOTED}")
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Za-z.:]+\]")
_UNSPEAKABLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\ufeff]")

MAX_LOCAL_OCTETS: Final = 64
MAX_DOMAIN_OCTETS: Final = 255
MAX_PATH_OCTETS: Final = 254


class InvalidMailbox(ValueError):
    """The text is not the address of one mailbox (RFC 5321 §4.1.2, 6531 §3.3)."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address; `domain` is ASCII (A-labels), `local` may need SMTPUTF8."""

    local: str
    domain: str

    @property
    def ascii(self) -> bool:
        """Whether it can be written without SMTPUTF8."""
        return self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


@lru_cache(maxsize=4096)
def parse_mailbox(address: str) -> Mailbox:
    """Return an address checked; raises InvalidMailbox, for control characters too."""
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        raise InvalidMailbox("the part before the @ is not valid")
    if not local.startswith('"') and _UNSPEAKABLE.search(local):
        raise InvalidMailbox("the part before the @ holds a space or a control character")
    mailbox = Mailbox(local, domain_to_ascii(domain))
    octets = _octets(local)
    if octets > MAX_LOCAL_OCTETS or octets + 1 + len(mailbox.domain) > MAX_PATH_OCTETS:
        raise InvalidMailbox("the address is too long")
    return mailbox


@lru_cache(maxsize=4096)
def domain_to_ascii(domain: str) -> str:
    """Return a domain with A-labels (IDNA 2008 after UTS 46 mapping); raises InvalidMailbox."""
    if len(domain) > MAX_DOMAIN_OCTETS:
        raise InvalidMailbox("the domain is too long")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise InvalidMailbox("the domain is not a valid internationalised name") from error
    if not _DOMAIN.fullmatch(domain) or len(domain) > MAX_DOMAIN_OCTETS:
        raise InvalidMailbox("the domain is not valid")
    return domain


def _octets(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidMailbox("it holds half of a surrogate pair, which is no character") from None
