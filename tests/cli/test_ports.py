"""Taken ports are named, each with its use, its owner and the variable that moves it."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
import pytest

from cli.embedded.ports import check_ports
from cli.embedded.trouble import Trouble
from config.settings import Settings
from tests.fixtures.servers import free_port

EVERYWHERE = "0.0.0.0"  # noqa: S104 - never reached from outside
USES = {
    "port": "the API and dashboard",
    "temporal_port": "Temporal",
    "temporal_ui_port": "the Temporal UI",
    "postgres_port": "PostgreSQL",
    "replica_port": "the PostgreSQL replica",
    "smtp_sink_port": "the SMTP sink",
    "bounces_port": "the bounce listener",
}


def with_ports(**given: Any) -> Settings:
    """Return settings of free ports, except for those that are given."""
    ports: dict[str, Any] = {name: free_port() for name in USES}
    return Settings(_env_file=None, **{"host": "127.0.0.1", **ports, **given})


@contextmanager
def taken(host: str = "127.0.0.1") -> Iterator[int]:
    """Hold a port, and listen on it."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        sock.listen(1)
        yield int(sock.getsockname()[1])


def sentence(name: str, port: int) -> str:
    """Return what is said about a port that this process holds."""
    owner = f"{psutil.Process().name()} (process {os.getpid()})"
    variable = f"TOCSIN_{name.upper()}"
    return f"Port {port} for {USES[name]} is taken by {owner}; set {variable} to another."


@pytest.mark.parametrize("host", ["127.0.0.1", EVERYWHERE, "localhost", "::1"])
def test_free_ports_pass(host: str) -> None:
    check_ports(with_ports(host=host))


@pytest.mark.parametrize("name", USES)
def test_a_taken_port_is_named_with_its_owner_and_its_variable(name: str) -> None:
    with taken() as port:
        settings = with_ports(**{name: port})
        with pytest.raises(Trouble) as caught:
            check_ports(settings)
    assert caught.value.what == sentence(name, port)
    assert caught.value.remedy == "With --port N all ports move together."


def test_all_taken_ports_are_told_at_once() -> None:
    with ExitStack() as stack:
        ports = {name: stack.enter_context(taken()) for name in USES}
        settings = with_ports(**ports)
        with pytest.raises(Trouble) as caught:
            check_ports(settings)
    assert caught.value.what == " ".join(sentence(name, port) for name, port in ports.items())


@pytest.mark.parametrize(
    ("listener", "host"), [(EVERYWHERE, "127.0.0.1"), ("127.0.0.1", EVERYWHERE)]
)
def test_a_listener_on_every_address_is_in_the_way_too(listener: str, host: str) -> None:
    with taken(listener) as port:
        settings = with_ports(host=host, port=port)
        with pytest.raises(Trouble, match=f"Port {port} for the API and dashboard is taken"):
            check_ports(settings)


def test_a_port_that_was_just_left_is_free() -> None:
    """Its old connections linger in TIME_WAIT; nobody should have to wait for them."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port = int(listener.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            ours, _ = listener.accept()
            ours.close()  # who closes first lingers
            assert client.recv(1) == b""
    lingering = {one.status for one in psutil.net_connections("tcp") if one.laddr[1:] == (port,)}
    assert lingering == {psutil.CONN_TIME_WAIT}, "the fault never happened"
    check_ports(with_ports(port=port))


def test_an_address_of_another_machine_is_not_told_as_taken() -> None:
    with pytest.raises(Trouble) as caught:
        check_ports(with_ports(host="192.0.2.1"))
    assert "taken" not in str(caught.value)
    assert "TOCSIN_HOST" in str(caught.value)


def test_a_port_that_is_held_without_listening_is_told_without_an_owner() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
        settings = with_ports(postgres_port=port)
        with pytest.raises(Trouble) as caught:
            check_ports(settings)
    assert re.search(rf"Port {port} for PostgreSQL is taken; set", caught.value.what)
