"""The ports of the embedded system, and who has a taken one."""

import socket

import psutil

from cli.embedded.trouble import Trouble
from config.settings import Settings


def check_ports(settings: Settings) -> None:
    """Raise Trouble that names each taken port, what it is for, and the setting that moves it."""
    wanted = {
        "port": ("the API and dashboard", settings.host),
        "temporal_port": ("Temporal", "127.0.0.1"),
        "temporal_ui_port": ("the Temporal UI", "127.0.0.1"),
        "postgres_port": ("PostgreSQL", "127.0.0.1"),
        "replica_port": ("the PostgreSQL replica", "127.0.0.1"),
        "smtp_sink_port": ("the SMTP sink", "127.0.0.1"),
    }
    if settings.bounces_port is not None:
        wanted["bounces_port"] = ("the bounce listener", settings.bounces_host)
    _check_host(settings.host)
    taken = [
        f"Port {getattr(settings, name)} for {use} is taken{_owner(getattr(settings, name))}; "
        f"set TOCSIN_{name.upper()} to another."
        for name, (use, host) in wanted.items()
        if not _free(host, getattr(settings, name))
    ]
    if taken:
        raise Trouble(" ".join(taken), "With --port N all ports move together.")


def _check_host(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        try:
            sock.bind((host, 0))
        except OSError as error:
            raise Trouble(
                f"Nothing can listen on {host} ({error.strerror}).",
                "Set TOCSIN_HOST to an address of this machine.",
            ) from None


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True


def _owner(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            here = connection.laddr and connection.laddr.port == port
            if listens and here and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f" by {name} (process {connection.pid})"
    except psutil.Error:
        return ""
    return ""
