"""Message encryption for Web Push (RFC 8291) in the coding aes128gcm (RFC 8188), as one record."""

import struct
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.subscription_keys import SubscriptionKeys

RECORD_OCTETS: Final = 4_096
MOST_PLAINTEXT: Final = RECORD_OCTETS - 86 - 16 - 1
"""A push service takes 4,096 octets: header, tag and delimiter leave 3,993 (RFC 8291 §4)."""

SALT_OCTETS: Final = 16
SEED_OCTETS: Final = 40
"""64 bits more than the key has, so that no key is likelier than another (FIPS 186-5 A.2.1)."""

_LAST_RECORD: Final = b"\x02"
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256 (FIPS 186-5)."""


def encrypt(
    plaintext: bytes, keys: SubscriptionKeys, *, salt: bytes, private: EllipticCurvePrivateKey
) -> bytes:
    """Return the body for a subscription. `salt` (16 octets) and `private` serve one message only.

    Raises ValueError for a plaintext of more than MOST_PLAINTEXT octets.
    """
    if len(plaintext) > MOST_PLAINTEXT:
        raise ValueError(f"{len(plaintext):,} octets are more than {MOST_PLAINTEXT:,}")
    theirs = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), keys.point)
    ours = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = private.exchange(ECDH(), theirs)
    material = _derive(keys.secret, shared, b"WebPush: info\0" + keys.point + ours, 32)
    key = _derive(salt, material, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, material, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, plaintext + _LAST_RECORD, None)
    return salt + struct.pack(">LB", RECORD_OCTETS, len(ours)) + ours + sealed


def one_time_key(seed: bytes) -> EllipticCurvePrivateKey:
    """Return the private key that SEED_OCTETS of chance make."""
    return derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, SECP256R1())


def _derive(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)
