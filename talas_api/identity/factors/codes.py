"""The codes of second factors: which are right, each once.

Does:        check a code against the authenticator's secret, or take a recovery code.
Never:       keeps a secret in the clear, or a recovery code; accepts a step or a recovery code
             twice.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Protocol
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.factors import totp
from talas_api.identity.factors.values import Secret
from talas_api.identity.limits.codes import CodeTries
from talas_api.request.origin import Device
from talas_core.clock import Clock
from talas_core.security.seal import Sealer, Unsealable
from talas_core.telemetry.logs import logger

_log = logger("factors")


class FactorStore(Protocol):
    """Where second factors are kept."""

    async def secret(self, user_id: UUID) -> Secret | None:
        """The secret, offered or on; None if there is none."""
        ...

    async def offer(self, user_id: UUID, sealed: bytes) -> bool:
        """Keep an offered secret in place of the last one; False if one is on."""
        ...

    async def switch_on(
        self, user_id: UUID, offered: Secret, step: int, code_hashes: list[bytes], now: datetime
    ) -> bool:
        """Let the offered secret count, with new recovery codes; False if it was replaced or on."""
        ...

    async def switch_off(self, user_id: UUID) -> bool:
        """Forget secret and codes; False if there was nothing on."""
        ...

    async def take_step(self, user_id: UUID, step: int) -> bool:
        """Use up this step and all before it; False if it was."""
        ...

    async def take_code(self, user_id: UUID, code_hash: bytes, now: datetime) -> bool:
        """Use up a recovery code; False if it was, or is none."""
        ...

    async def codes_left(self, user_id: UUID) -> int:
        """How many recovery codes are unused."""
        ...


class Codes:
    """Codes that are accepted, once each."""

    def __init__(
        self, store: FactorStore, seal: Sealer, tries: CodeTries, audit: Recorder, clock: Clock
    ) -> None:
        self._store = store
        self._seal = seal
        self._tries = tries
        self._audit = audit
        self._clock = clock

    async def accept(self, user_id: UUID, code: str, device: Device) -> bool:
        """Whether this is the authenticator's code of now, or a recovery code; it is used up.

        Raises TooMany where too many of the authenticator's were wrong. Recovery codes, which
        nobody guesses, are taken then all the same: the owner is not locked out.
        """
        plain = plain_code(code)
        if len(plain) == totp.DIGITS and plain.isdigit():
            return await self._tries.count(user_id, device, lambda: self._taken(user_id, plain))
        taken = await self._store.take_code(user_id, hash_of(plain), self._clock.now())
        if taken:
            await self._audit.record(
                Event(Kind.RECOVERY_USED, user_id, user_id, address=device.where)
            )
        return taken

    async def _taken(self, user_id: UUID, plain: str) -> bool:
        kept = await self._store.secret(user_id)
        if kept is None or not kept.on:
            return False
        step = self.step(user_id, kept, plain)
        return step is not None and await self._store.take_step(user_id, step)

    def step(self, user_id: UUID, kept: Secret, code: str) -> int | None:
        """The step near now that the code is right for."""
        try:
            secret = self._seal.open(kept.sealed, context_of(user_id))
        except Unsealable:
            # The master key is another one; recovery codes work on.
            _log.error("a second factor's secret does not open", user=str(user_id))
            return None
        return totp.step_of(secret, code, self._clock.now().timestamp())


def plain_code(code: str) -> str:
    """A code without what people put between its groups."""
    return code.replace("-", "").replace(" ", "").lower()


def hash_of(plain: str) -> bytes:
    """What is kept of a recovery code: its bits are random, so a fast hash will do."""
    return hashlib.sha256(plain.encode()).digest()


def context_of(user_id: UUID) -> bytes:
    """What a person's secret is sealed for."""
    return b"totp " + user_id.bytes
