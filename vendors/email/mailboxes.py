"""Addresses of mail for vendors that take ASCII only: names encoded, domains in A-labels."""

from collections.abc import Mapping
from email.header import Header
from email.policy import default as mail_policy
from email.utils import formataddr
from functools import lru_cache
from typing import Any

import idna

from domain.message import ContentMessage
from domain.vocabulary import Scope
from vendors.http_api import Unfit


def sender_of(content: Mapping[str, Any], usual: str) -> str:
    """Return the sender that a mail names, else the account's; raises Unfit when neither does."""
    sender = str(content.get("from") or usual)
    if not sender:
        raise Unfit("config_missing", "neither mail nor account names a sender", Scope.ACCOUNT)
    return sender


def recipient_of(message: ContentMessage) -> str:
    """Return a message's address as `ascii_address` does; raises Unfit for one that is none."""
    try:
        return ascii_address(message.address)
    except ValueError as error:
        raise Unfit("invalid_address", str(error), Scope.RECIPIENT) from None


def mailbox_of(value: str, field: str) -> tuple[str, str]:
    """Return (name or nothing, address in ASCII) of `Name <address>` or an address (RFC 5322 §3.4).

    Raises Unfit, which names the field, for what is not exactly one mailbox.
    """
    header = mail_policy.header_factory("From", value)
    if header.defects or len(header.addresses) != 1:
        raise Unfit("invalid_payload", f"{field}: is not one address")
    [one] = header.addresses
    try:
        return one.display_name, ascii_address(one.addr_spec)
    except ValueError as error:
        raise Unfit("invalid_payload", f"{field}: {error}") from None


def ascii_address(address: str) -> str:
    """Return an address with its domain in A-labels (IDNA 2008 after UTS 46 mapping).

    Raises ValueError for a local part that is not ASCII, and for a domain that is none.
    """
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or not local.isascii():
        raise ValueError("the part before the @ is not ASCII, or there is no @")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise ValueError("the domain is not a valid internationalised name") from None
    return f"{local}@{domain}"


def with_name(name: str, address: str) -> str:
    """Return `Name <address>`, the name in encoded words (RFC 2047 §2: of 75 characters at most)
    where it must be; without a name the address alone.
    """
    plain = " ".join(name.split())
    if plain.isascii():
        return formataddr((plain, address))
    return f"{Header(plain, 'utf-8', maxlinelen=75).encode(linesep='')} <{address}>"


@lru_cache(maxsize=1024)
def ascii_mailbox(value: str) -> str:
    """Return `Name <address>` or an address (RFC 5322 §3.4) in ASCII.

    Raises ValueError for what is not exactly one mailbox, and as `ascii_address`.
    """
    header = mail_policy.header_factory("From", value)
    if header.defects or len(header.addresses) != 1:
        raise ValueError("is not one address")
    [one] = header.addresses
    return with_name(one.display_name, ascii_address(one.addr_spec))
