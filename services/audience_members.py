"""Members as connectors and uploaded lists bring them, made fit to be stored and sent to."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from connectors.contract import MEMBER_FIELDS, Member
from domain.contract.notification import check_email, check_phone, check_timezone

_PLAIN_EMAIL: Final = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9-]+\.)+[a-z]{2,}")
_PLAIN_PHONE: Final = re.compile(r"\+[1-9][0-9]{9,13}")
_LONGEST: Final = {"external_id": 255, "name": 255, "locale": 35, "telegram": 64}
_LOCALE: Final = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


async def rows(pages: AsyncIterator[Sequence[Member]]) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield pages of members as rows to stage."""
    async for page in pages:
        yield [row(one) for one in page]


def row(member: Member) -> dict[str, Any]:
    """Return a member without what cannot be used: an address that is none counts as missing."""
    found: dict[str, Any] = {}
    for name in MEMBER_FIELDS:
        given = getattr(member, name)
        value = _usable(name, _clean(given)) if given else None
        if value:
            found[name] = value
    attributes = _clean_all(member.attributes)
    return {**found, "attributes": attributes} if attributes else found


def _usable(name: str, value: str) -> str | None:
    try:
        match name:
            case "email":
                return value if _PLAIN_EMAIL.fullmatch(value) else check_email(value)
            case "phone" | "whatsapp":
                return value if _PLAIN_PHONE.fullmatch(value) else check_phone(value)
            case "timezone":
                return check_timezone(value)
            case "locale":
                return value if _LOCALE.fullmatch(value) and len(value) <= 35 else None
    except ValueError:
        return None
    return value if len(value) <= _LONGEST[name] else None


def _clean(value: str) -> str:
    """Return text that PostgreSQL can store, on one line."""
    return " ".join(value.replace("\x00", "").split())


def _clean_all(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {_clean_all(str(key)): _clean_all(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_all(one) for one in value]
    return value
