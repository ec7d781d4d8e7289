"""LDAP connector, on a real slapd: pages, nested groups, TLS, and a directory that gives up."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast
from uuid import UUID

import pytest

from connectors.contract import ConnectorRefused, ConnectorUnavailable, Member, Surroundings
from connectors.ldap import KIND
from connectors.ldap_directory import Directory, Entry
from connectors.ldap_groups import ACTIVE_DIRECTORY, normal, people
from connectors.ldap_settings import LdapSettings
from tests.connectors.test_sql import around
from tests.fixtures.directory import (
    BASE,
    GROUPS,
    GUESTS,
    PASSWORD,
    PEOPLE,
    READER,
    STAFF,
    TEAMS,
    TestDirectory,
    in_between,
)
from tests.fixtures.servers import free_port


def settings(directory: TestDirectory, **given: Any) -> dict[str, Any]:
    usual = {
        "url": f"ldap://127.0.0.1:{directory.port}", "insecure": True, "bind_dn": READER,
        "bind_password": PASSWORD, "base_dn": PEOPLE,
    }  # fmt: skip
    return {**usual, **given}


async def read(given: dict[str, Any], surroundings: Surroundings | None = None) -> list[Member]:
    checked = KIND.settings.model_validate(given)
    pages = [page async for page in KIND.members(checked, surroundings or around())]
    assert all(len(page) <= cast(LdapSettings, checked).page_size for page in pages)
    return [one for page in pages for one in page]


async def refused(given: dict[str, Any]) -> str:
    with pytest.raises(ConnectorRefused) as caught:
        await read(given)
    assert PASSWORD not in str(caught.value)
    return caught.value.field


async def test_all_are_read_in_pages(directory: TestDirectory) -> None:
    found = await read(settings(directory))
    assert len({one.external_id for one in found}) == len(found) == STAFF + GUESTS
    first = next(one for one in found if one.external_id == "u17")
    assert first == Member("u17", "u17@example.com", name="User 17")


async def test_ten_thousand_in_nested_groups_that_hold_each_other(
    directory: TestDirectory,
) -> None:
    began = time.monotonic()
    found = await read(settings(directory, group=f"cn=staff,{GROUPS}", group_base_dn=GROUPS))
    print(f"{len(found):,} of nested groups in {time.monotonic() - began:.1f} s")
    assert {one.external_id for one in found} == {f"u{n}" for n in range(STAFF)}
    assert len(found) == STAFF


async def test_a_group_alone(directory: TestDirectory) -> None:
    given = settings(directory, group=f"cn=staff,{GROUPS}", nested=False)
    assert [one.external_id for one in await read(given)] == ["u0"]
    team = settings(directory, group=f"CN=team-1, {GROUPS}", group_base_dn=GROUPS)
    assert len(await read(team)) == STAFF // TEAMS


async def test_filter_and_mapping(directory: TestDirectory) -> None:
    given = settings(
        directory, filter="(&(objectClass=person)(uid=u1*5))",
        mapping={"email": "MAIL", "attributes.department": "departmentNumber"},
    )  # fmt: skip
    found = {one.email: one.attributes for one in await read(given)}
    assert found["u15@example.com"] == {"department": "1"}
    assert all(str(name).startswith("u1") for name in found)


@pytest.mark.parametrize("encrypted", ["ldaps", "starttls"])
async def test_tls(directory: TestDirectory, encrypted: str) -> None:
    port = directory.tls_port if encrypted == "ldaps" else directory.port
    scheme = "ldaps" if encrypted == "ldaps" else "ldap"
    given = settings(
        directory, url=f"{scheme}://localhost:{port}", starttls=encrypted == "starttls",
        insecure=False, ca_certificates=directory.ca, filter="(uid=u1)",
    )  # fmt: skip
    assert [one.external_id for one in await read(given, around(None, "127.0.0.0/8", "::1"))]
    given["ca_certificates"] = None
    assert await refused(given) == "ca_certificates"
    named = {**given, "ca_certificates": directory.ca, "url": f"{scheme}://127.0.0.1:{port}"}
    assert await refused(named) == "ca_certificates"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"bind_password": "wrong"}, "bind_password"),
        ({"bind_dn": "no name"}, "bind_dn"),
        ({"filter": "(uid=*"}, "filter"),
        ({"base_dn": f"ou=nobody,{BASE}"}, "base_dn"),
        ({"base_dn": "no name"}, "base_dn"),
        ({"group": f"cn=nobody,{GROUPS}"}, "group"),
        ({"most": 100}, "most"),
        ({"most": 100, "group": f"cn=staff,{GROUPS}", "group_base_dn": GROUPS}, "most"),
    ],
)
async def test_what_is_wrong_is_named(
    directory: TestDirectory, wrong: dict[str, Any], field: str
) -> None:
    assert await refused(settings(directory, **wrong)) == field


async def test_networks_that_are_not_allowed_are_not_reached(directory: TestDirectory) -> None:
    with pytest.raises(ConnectorRefused, match="TOCSIN_ALLOW_NETWORKS") as caught:
        await read(settings(directory), around(None, "203.0.113.0/24"))
    assert caught.value.field == "url"


async def test_a_directory_that_is_down() -> None:
    given = settings(TestDirectory(free_port(), 0, ""))
    with pytest.raises(ConnectorUnavailable, match="does not answer"):
        await read(given)


@pytest.mark.parametrize("then", ["stall", "close"])
async def test_a_directory_that_stops_in_the_middle_of_a_page(
    directory: TestDirectory, then: str
) -> None:
    async with in_between(directory.port, octets=200_000, then=then) as port:
        given = settings(TestDirectory(port, 0, ""), reply_seconds=1, connect_seconds=1)
        with pytest.raises(ConnectorUnavailable, match=r"stopped answering after .* none was kept"):
            await read(given)


async def test_a_search_that_takes_too_long_is_ended(
    directory: TestDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    ticks = iter(range(0, 1000, 20))
    monkeypatch.setattr("connectors.ldap_directory.time.monotonic", lambda: now + next(ticks))
    with pytest.raises(ConnectorUnavailable, match="timeout_seconds"):
        await read(settings(directory, timeout_seconds=50))


class ActiveDirectory:
    """Answers as Active Directory does; nothing of it is free to be run in a test."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def entry(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        assert dn == ""
        return Entry("", {"supportedCapabilities": [ACTIVE_DIRECTORY]})

    async def pages(
        self, base: str, filter: str, attributes: Sequence[str], *, scope: str
    ) -> AsyncIterator[list[Entry]]:
        self.asked.append(filter)
        yield []


@pytest.mark.parametrize(("nested", "rule"), [(True, ":1.2.840.113556.1.4.1941:"), (False, "")])
async def test_active_directory_finds_nested_members_itself(nested: bool, rule: str) -> None:
    fake = ActiveDirectory()
    checked = LdapSettings.model_validate(
        settings(TestDirectory(389, 0, ""), filter="(objectClass=user)", nested=nested)
    )
    group = r"cn=a (b)*,dc=x"
    async for _ in people(cast(Directory, fake), checked, group, []):
        pass
    assert fake.asked == [rf"(&(objectClass=user)(memberOf{rule}=cn=a \28b\29\2a,dc=x))"]


def test_equal_names_are_equal() -> None:
    assert normal("CN=A , OU=b") == normal("cn=a,ou=B")
    assert normal(r"cn=a\2C b,ou=c") == normal(r"CN=A\2c B, OU=C")
    assert normal(r"cn=a\2C b,ou=c") != normal("cn=a,ou=c")


def test_identifiers_of_sixteen_octets_become_uuids() -> None:
    from connectors.ldap import _member

    id = UUID("01234567-89ab-cdef-0123-456789abcdef")
    entry = Entry("cn=x", {"objectGUID": [id.bytes_le], "mail": [b"x@example.com"]})
    found = _member(entry, {"external_id": "objectGUID", "email": "mail"})
    assert found == Member(str(id), "x@example.com")
