"""Members from LDAP, Active Directory or eDirectory, by a search or by a group.

Written from RFC 4511, RFC 4515 (filters), RFC 2696 (paged results) and [MS-ADTS].
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final
from uuid import UUID

from connectors.contract import (
    MEMBER_FIELDS,
    ConnectorKind,
    ConnectorRefused,
    Member,
    Surroundings,
)
from connectors.ldap_directory import Entry, open_directory
from connectors.ldap_groups import people
from connectors.ldap_settings import LdapSettings

_IDENTIFIERS: Final = ("objectguid", "guid")
"""Attributes of 16 octets: Active Directory's, little-endian ([MS-DTYP] 2.3.4), eDirectory's."""


async def members(
    settings: LdapSettings, surroundings: Surroundings
) -> AsyncGenerator[Sequence[Member], None]:
    """Yield what the directory finds as members, in pages; the first value of an attribute counts.

    Raises ConnectorRefused and ConnectorUnavailable; then nothing that was read may be used.
    """
    attributes = sorted(set(settings.mapping.values()))
    count = 0
    async with open_directory(settings, surroundings) as directory:
        if settings.group is None:
            pages = directory.pages(
                settings.base_dn, settings.filter, attributes, scope=settings.scope
            )
        else:
            pages = people(directory, settings, settings.group, attributes)
        async for page in pages:
            count += len(page)
            if count > settings.most:
                raise ConnectorRefused("most", f"the search finds more than {settings.most:,}")
            yield [_member(one, settings.mapping) for one in page]


def _member(entry: Entry, mapping: dict[str, str]) -> Member:
    known = {name.lower(): values for name, values in entry.values.items()}
    found: dict[str, Any] = {}
    for field, attribute in mapping.items():
        values = known.get(attribute.lower())
        if values:
            found[field] = _text(values[0], attribute)
    own = {name: found[name] for name in MEMBER_FIELDS if name in found}
    more = {
        name.partition(".")[2]: value for name, value in found.items() if name not in MEMBER_FIELDS
    }
    return Member(**own, attributes=more)


def _text(value: bytes, attribute: str) -> str:
    if attribute.lower() in _IDENTIFIERS and len(value) == 16:
        little = attribute.lower() == "objectguid"
        return str(UUID(bytes_le=value) if little else UUID(bytes=value))
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


KIND: Final = ConnectorKind(
    name="ldap",
    title="LDAP, Active Directory, eDirectory",
    settings=LdapSettings,
    members=members,
    bound=frozenset({"url", "bind_dn", "starttls", "insecure", "ca_certificates"}),
)
