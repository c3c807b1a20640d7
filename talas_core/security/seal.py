"""Sealing with the master key: what the database keeps but may not read.

Does:        seal and open small secrets (AES-256-GCM); mark values as ours, and derive from one
             what follows it (HMAC-SHA256).
Never:       uses the master key itself: each use has a key of its own, derived by HKDF.
Guarantees:  a sealed value opens only with the same master key and the same context, unchanged.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from talas_core.errors import TalasError

NONCE_BYTES = 12
MARK_BYTES = 16


class Unsealable(TalasError):
    """The value was sealed with another master key, or altered."""

    code = "unsealable"


class Sealer:
    """Seals under one master key of 32 bytes, given as 64 hex characters."""

    def __init__(self, master_key: str) -> None:
        master = bytes.fromhex(master_key)
        self._cipher = AESGCM(_derive(master, b"talas seal v1"))
        self._mark_key = _derive(master, b"talas mark v1")
        self._follow_key = _derive(master, b"talas follow v1")

    def seal(self, secret: bytes, context: bytes) -> bytes:
        """`secret`, sealed: nonce, then ciphertext with its tag. `context` says what it is for."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The secret. Raises Unsealable."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise Unsealable("A sealed value does not open with this master key.") from error

    def mark(self, value: bytes) -> bytes:
        """128 bits that only the holder of the master key can make for `value`."""
        return hmac.new(self._mark_key, value, hashlib.sha256).digest()[:MARK_BYTES]

    def follow(self, value: bytes) -> bytes:
        """256 bits that follow from `value`: always the same, and without the master key as good as
        random."""
        return hmac.digest(self._follow_key, value, hashlib.sha256)

    def is_ours(self, value: bytes, mark: bytes) -> bool:
        """Whether `mark` is the one for `value`; takes the same time either way."""
        return hmac.compare_digest(self.mark(value), mark)


def _derive(master: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=use).derive(master)
