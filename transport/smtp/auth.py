"""Signing in at a mail server by AUTH PLAIN or LOGIN (RFC 4954, 4616)."""

import base64
from collections.abc import Set


class NoMechanism(Exception):
    """The server offers none of the mechanisms that we speak."""


def sign_in_lines(offered: Set[str], *, user: str, password: str) -> list[bytes]:
    """Return what to write: the command, then one line for each 334 that follows.

    PLAIN goes before LOGIN, because it takes one step. Raises NoMechanism.
    """
    if "PLAIN" in offered:
        return [b"AUTH PLAIN " + _encode(f"\0{user}\0{password}") + b"\r\n"]
    if "LOGIN" in offered:
        return [b"AUTH LOGIN\r\n", _encode(user) + b"\r\n", _encode(password) + b"\r\n"]
    raise NoMechanism("the server offers neither AUTH PLAIN nor AUTH LOGIN")


def _encode(text: str) -> bytes:
    return base64.b64encode(text.encode())
