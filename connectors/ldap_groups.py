"""Who is in a group of a directory, and in the groups in it.

Active Directory answers that by itself (matching rule in chain). Other servers are walked: each
group is visited once, so that groups that hold each other end the walk as any others do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from connectors.contract import ConnectorRefused
from connectors.ldap_directory import Directory, Entry
from connectors.ldap_library import escape, parse_dn, told
from connectors.ldap_settings import LdapSettings

ACTIVE_DIRECTORY: Final = b"1.2.840.113556.1.4.800"
"""LDAP_CAP_ACTIVE_DIRECTORY_OID, in supportedCapabilities of the root ([MS-ADTS] 3.1.1.3.4.3)."""
IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
"""LDAP_MATCHING_RULE_IN_CHAIN ([MS-ADTS] 3.1.1.3.4.4.3)."""

_MEMBERS: Final = ("member", "uniqueMember")
_GROUPS: Final = (
    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=group)"
    "(objectClass=groupOfMembers))"
)
_FEW: Final = 100
"""Up to so many members are read one by one; more are found by a search over all entries."""


async def people(
    directory: Directory, settings: LdapSettings, group: str, attributes: list[str]
) -> AsyncIterator[list[Entry]]:
    """Yield the entries of a group's members, in pages."""
    if await _is_active_directory(directory):
        rule = f":{IN_CHAIN}:" if settings.nested else ""
        inside = f"(memberOf{rule}={escape(group)})"
        both = f"(&{settings.filter}{inside})"
        async for page in directory.pages(settings.base_dn, both, attributes, scope=settings.scope):
            yield page
        return
    members = await _walk(directory, settings, group)
    if len(members) <= _FEW:
        async for page in _one_by_one(directory, settings, sorted(members.values()), attributes):
            yield page
        return
    async for page in directory.pages(
        settings.base_dn, settings.filter, attributes, scope=settings.scope
    ):
        yield [one for one in page if normal(one.dn) in members]


def normal(dn: str) -> str:
    """Return a name as equal names have it (RFC 4517 §4.2.15): case and spaces do not matter."""
    if "\\" not in dn and '"' not in dn:
        parts = (part.strip() for part in dn.lower().split(","))
        return ",".join("=".join(half.strip() for half in part.split("=", 1)) for part in parts)
    try:
        parsed = parse_dn(dn, strip=True)
    except told.LDAPInvalidDnError:
        return dn.lower()
    return ",".join(f"{kind}={value}".lower() for kind, value, _ in parsed)


async def _is_active_directory(directory: Directory) -> bool:
    root = await directory.entry("", ["supportedCapabilities"])
    return root is not None and ACTIVE_DIRECTORY in root.values.get("supportedCapabilities", ())


async def _walk(directory: Directory, settings: LdapSettings, group: str) -> dict[str, str]:
    """Return the members of a group that are no groups, by their normal names."""
    groups = await _group_names(directory, settings) if settings.nested else set()
    first = await directory.entry(group, _MEMBERS)
    if first is None:
        raise ConnectorRefused("group", "names no group that the service account may see")
    members: dict[str, str] = {}
    seen, waiting = {normal(group)}, [first]
    while waiting:
        for dn in _held(waiting.pop()):
            name = normal(dn)
            if name not in groups:
                members[name] = dn
            elif name not in seen:
                seen.add(name)
                inner = await directory.entry(dn, _MEMBERS)
                waiting += [inner] if inner else []
            if len(members) > settings.most:
                raise ConnectorRefused("most", f"the group has more than {settings.most:,} members")
    return members


async def _group_names(directory: Directory, settings: LdapSettings) -> set[str]:
    base = settings.group_base_dn or settings.base_dn
    names: set[str] = set()
    async for page in directory.pages(base, _GROUPS, []):
        names.update(normal(one.dn) for one in page)
    return names


def _held(group: Entry) -> list[str]:
    values = [value for name in _MEMBERS for value in group.values.get(name, ())]
    return [value.decode("utf-8", "replace") for value in values]


async def _one_by_one(
    directory: Directory, settings: LdapSettings, names: list[str], attributes: list[str]
) -> AsyncIterator[list[Entry]]:
    under = normal(settings.base_dn)
    for dn in names:
        if not f",{normal(dn)}".endswith(f",{under}"):
            continue
        try:
            async for page in directory.pages(dn, settings.filter, attributes, scope="base"):
                yield page
        except ConnectorRefused as error:
            if error.field != "base_dn":  # a member that was removed is in its group no more
                raise
