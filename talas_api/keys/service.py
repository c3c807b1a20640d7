"""The keys that sign access tokens.

Does:        load them, make the first one, sign, publish the public halves.
Never:       lets a private key out; keeps one unsealed anywhere but in this process's memory.
Guarantees:  processes that start at once on an empty table agree on one key. A table whose keys
             were sealed with another master key still verifies, and gets a key that signs.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from talas_api.keys.values import Jwk, Jwks, StoredKey
from talas_core.clock import Clock
from talas_core.errors import Unavailable
from talas_core.messages import KeySet, PublicKey
from talas_core.security.seal import Sealer, Unsealable
from talas_core.security.tokens import ALGORITHM, AUDIENCE, ISSUER, TYPE
from talas_core.telemetry.logs import logger

_log = logger("keys")


class KeyStore(Protocol):
    """Where keys are kept."""

    async def all(self) -> list[StoredKey]:
        """Every key that may still verify, oldest first."""
        ...

    async def add_unless(
        self, enough: Callable[[list[StoredKey]], bool], make: Callable[[], StoredKey]
    ) -> list[StoredKey]:
        """Under a lock that all processes share: add a key unless `enough` are there; all keys."""
        ...


class Keys:
    """The key ring of this process."""

    def __init__(self, store: KeyStore, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._signing: tuple[str, Ed25519PrivateKey] | None = None
        self.public = KeySet(())

    async def load(self) -> bool:
        """Read the ring; make a key if none here can sign. Returns whether the set has changed."""
        stored = await self._store.all()
        if self._newest(stored) is None:
            stored = await self._store.add_unless(
                lambda found: self._newest(found) is not None, self._make
            )
        self._signing = self._newest(stored)
        before = self.public
        self.public = KeySet(tuple(PublicKey(key.kid, key.public) for key in stored))
        return self.public != before

    @property
    def loaded(self) -> bool:
        """Whether tokens can be signed and verified."""
        return self._signing is not None

    def sign(self, claims: dict[str, object]) -> str:
        """An access token with `claims`. Raises Unavailable before the first `load`."""
        if self._signing is None:
            raise Unavailable("The service is starting.")
        kid, private = self._signing
        payload = {**claims, "iss": ISSUER, "aud": AUDIENCE}
        return jwt.encode(payload, private, ALGORITHM, headers={"kid": kid, "typ": TYPE})

    def published(self) -> KeySet:
        """The public halves. Raises Unavailable before the first `load`."""
        if not self.loaded:
            raise Unavailable("The service is starting.")
        return self.public

    def jwks(self) -> Jwks:
        """The same, as other services of the web read them."""
        return Jwks(tuple(Jwk(key.kid, _base64url(key.raw)) for key in self.published().keys))

    def _newest(self, stored: list[StoredKey]) -> tuple[str, Ed25519PrivateKey] | None:
        """The newest key that may sign now and that our master key opens."""
        now = self._clock.now()
        usable = [key for key in stored if key.signs(now)]
        for key in sorted(usable, key=lambda key: key.activates_at, reverse=True):
            try:
                raw = self._sealer.open(key.sealed_private, _context(key.kid))
            except Unsealable:
                _log.warning("signing key sealed with another master key", kid=key.kid)
                continue
            return key.kid, Ed25519PrivateKey.from_private_bytes(raw)
        return None

    def _make(self) -> StoredKey:
        return make_key(self._sealer, self._clock.now())


def make_key(sealer: Sealer, now: datetime) -> StoredKey:
    """A fresh key that signs from `now` on."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    kid = _thumbprint(public)
    sealed = sealer.seal(private.private_bytes_raw(), _context(kid))
    return StoredKey(kid, public, sealed, now, now)


def _thumbprint(public: bytes) -> str:
    """The key's own name (RFC 7638, with the members RFC 8037 says)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
    return _base64url(hashlib.sha256(msgspec.json.encode(members)).digest())


def _context(kid: str) -> bytes:
    return b"signing key " + kid.encode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
