"""Seals secrets at rest (account settings) with the key ring of TOCSIN_SECRET_KEY."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from config.settings import Settings


class SealBroken(Exception):
    """A sealed value cannot be opened: TOCSIN_SECRET_KEY is not the one it was sealed with."""


class Seal:
    """Authenticated encryption; the first key seals, every key opens (for rotation)."""

    def __init__(self, keys: list[str]) -> None:
        self._ring = MultiFernet([Fernet(_derive(key)) for key in keys])

    @classmethod
    def from_settings(cls, settings: Settings) -> "Seal":
        """Return the seal of the settings; raises SealBroken without a key."""
        return cls(secret_keys(settings))

    def close(self, document: Mapping[str, Any]) -> bytes:
        """Return a document sealed."""
        return self._ring.encrypt(json.dumps(dict(document)).encode())

    def open(self, sealed: bytes) -> dict[str, Any]:
        """Return a sealed document; raises SealBroken under a wrong key."""
        try:
            document: dict[str, Any] = json.loads(self._ring.decrypt(bytes(sealed)))
        except InvalidToken:
            raise SealBroken("TOCSIN_SECRET_KEY does not fit what is stored") from None
        return document


def secret_keys(settings: Settings) -> list[str]:
    """Return the keys of TOCSIN_SECRET_KEY, newest first; raises SealBroken without any."""
    if settings.secret_key is None:
        raise SealBroken("TOCSIN_SECRET_KEY is not set: secrets cannot be kept without it")
    return settings.secret_key.get_secret_value().split(",")


def _derive(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())
