"""The keys that sign access tokens.

Does:        load them, make the first one and each that is due, sign, publish the public halves.
Never:       lets a private key out; keeps one unsealed anywhere but in this process's memory.
Guarantees:  processes that look at once agree on one new key. A table whose keys were sealed with
             another master key still verifies, and gets a key that signs. When keys come and go
             is rotation.py's to say.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.keys import rotation
from talas_api.identity.keys.values import Change, Jwk, Jwks, StoredKey
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

    async def change(self, decide: Callable[[list[StoredKey]], Change]) -> list[StoredKey]:
        """Under a lock that all processes share: ask `decide` and carry it out; all keys."""
        ...


class Keys:
    """The key ring of this process. A key signs for `days` days."""

    def __init__(
        self, store: KeyStore, sealer: Sealer, clock: Clock, *, days: int, audit: Recorder
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._life = timedelta(days=days)
        self._audit = audit
        self._turn = asyncio.Lock()
        self._private: dict[str, Ed25519PrivateKey | None] = {}
        self._signers: list[StoredKey] = []
        self.public = KeySet(())

    async def load(self) -> bool:
        """Read the ring; see to a key that is due. Returns whether the set has changed."""
        async with self._turn:
            stored = await self._store.all()
            if self._plan(stored) != Change():
                stored = await self._change()
            ours = self._opened(stored)
            newest_first = sorted(stored, key=lambda key: key.activates_at, reverse=True)
            self._signers = [key for key in newest_first if key.kid in ours]
            before = self.public
            self.public = KeySet(tuple(PublicKey(key.kid, key.public) for key in stored))
            return self.public != before

    @property
    def loaded(self) -> bool:
        """Whether tokens can be signed and verified."""
        return bool(self._signers)

    def sign(self, claims: dict[str, object]) -> str:
        """An access token with `claims`. Raises Unavailable before the first `load`."""
        now = self._clock.now()
        kid = next((key.kid for key in self._signers if key.signs(now)), "")
        private = self._private.get(kid)
        if private is None:
            raise Unavailable("The service is starting.")
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

    async def _change(self) -> list[StoredKey]:
        """Do what the ring needs, unless another process was first; all keys."""
        done = Change()

        def decide(found: list[StoredKey]) -> Change:
            nonlocal done
            done = self._plan(found)
            return done

        stored = await self._store.change(decide)
        if done.add is not None:
            _log.info("signing key made", kid=done.add.kid, signs_from=str(done.add.activates_at))
            await self._audit.record(Event(Kind.KEYS_ROTATED, detail={"count": len(stored)}))
        return stored

    def _plan(self, stored: list[StoredKey]) -> Change:
        now = self._clock.now()
        return rotation.plan(
            stored,
            self._opened(stored),
            self._life,
            now,
            lambda moment: make_key(self._sealer, now, moment),
        )

    def _opened(self, stored: list[StoredKey]) -> set[str]:
        """The kids of those that our master key opens; their private halves are kept."""
        self._private = {
            key.kid: self._private[key.kid] if key.kid in self._private else self._open(key)
            for key in stored
        }
        return {kid for kid, private in self._private.items() if private is not None}

    def _open(self, key: StoredKey) -> Ed25519PrivateKey | None:
        try:
            raw = self._sealer.open(key.sealed_private, _context(key.kid))
        except Unsealable:
            _log.warning("signing key sealed with another master key", kid=key.kid)
            return None
        return Ed25519PrivateKey.from_private_bytes(raw)


def make_key(sealer: Sealer, now: datetime, signs_from: datetime | None = None) -> StoredKey:
    """A fresh key that signs from a moment on, at once unless told."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    kid = _thumbprint(public)
    sealed = sealer.seal(private.private_bytes_raw(), _context(kid))
    return StoredKey(kid, public, sealed, now, signs_from or now)


def _thumbprint(public: bytes) -> str:
    """The key's own name (RFC 7638, with the members RFC 8037 says)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
    return _base64url(hashlib.sha256(msgspec.json.encode(members)).digest())


def _context(kid: str) -> bytes:
    return b"signing key " + kid.encode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
