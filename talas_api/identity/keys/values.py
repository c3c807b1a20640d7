"""Signing keys as values."""

from __future__ import annotations

from datetime import datetime

import msgspec


class StoredKey(msgspec.Struct, frozen=True):
    """A key at rest: 32 public bytes, the private ones sealed. It may verify while it is here, and
    sign from `activates_at` until `retires_at`."""

    kid: str
    public: bytes
    sealed_private: bytes
    created_at: datetime
    activates_at: datetime
    retires_at: datetime | None = None

    def signs(self, now: datetime) -> bool:
        """Whether new tokens may be signed with it."""
        return self.activates_at <= now and (self.retires_at is None or now < self.retires_at)


class Change(msgspec.Struct, frozen=True):
    """What is done to the ring at once: a key added, others told to stop signing when it begins,
    and dead ones dropped, by their kids."""

    add: StoredKey | None = None
    retire: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class Jwk(msgspec.Struct, frozen=True):
    """A public key as RFC 8037 writes it."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    alg: str = "EdDSA"
    use: str = "sig"


class Jwks(msgspec.Struct, frozen=True):
    """The published set (RFC 7517, section 5)."""

    keys: tuple[Jwk, ...]
