"""The use cases of second factors.

Does:        offer a secret, switch it on once a code shows it arrived, accept codes, switch it off.
Never:       keeps a secret in the clear, or a recovery code; accepts a step or a recovery code
             twice.
Guarantees:  switching on and off asks for the password again, and the person hears of it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.factors import totp
from talas_api.identity.factors.values import FactorEnd, Offer, Recovery, Secret, Status
from talas_api.identity.values import Account, Stored
from talas_api.request.origin import Device
from talas_core.clock import Clock
from talas_core.errors import BadInput, Conflict, NotFound
from talas_core.security.seal import Unsealable
from talas_core.telemetry.logs import logger

_log = logger("factors")

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
_GROUP = 4


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


class Seal(Protocol):
    """Sealing with the master key."""

    def seal(self, secret: bytes, context: bytes) -> bytes: ...

    def open(self, sealed: bytes, context: bytes) -> bytes: ...


class Confirming(Protocol):
    """How a signed-in person proves again who they are: accounts.signin."""

    async def confirm(self, user_id: UUID, password: str, device: Device, field: str) -> Stored: ...

    async def prove(
        self, user_id: UUID, password: str, code: str | None, device: Device
    ) -> Stored: ...


class Tries(Protocol):
    """How often a code may be wrong."""

    async def count(
        self, user_id: UUID, device: Device, check: Callable[[], Awaitable[bool]]
    ) -> bool:
        """What `check` says, and count it if that is no. Raises TooMany instead of asking it where
        too many were wrong."""
        ...


class Notices(Protocol):
    """How people hear of a change."""

    def factor_changed(self, account: Account, *, on: bool) -> None: ...


class Codes:
    """Codes that are accepted, once each."""

    def __init__(
        self, store: FactorStore, seal: Seal, tries: Tries, audit: Recorder, clock: Clock
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
            secret = self._seal.open(kept.sealed, _context(user_id))
        except Unsealable:
            # The master key is another one; recovery codes work on.
            _log.error("a second factor's secret does not open", user=str(user_id))
            return None
        return totp.step_of(secret, code, self._clock.now().timestamp())


class Factors:
    """Second factors, as their owners manage them."""

    def __init__(
        self,
        *,
        store: FactorStore,
        codes: Codes,
        owner: Confirming,
        notices: Notices,
        seal: Seal,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._codes = codes
        self._owner = owner
        self._notices = notices
        self._seal = seal
        self._audit = audit
        self._clock = clock

    async def status(self, user_id: UUID) -> Status:
        """Whether one is on."""
        kept = await self._store.secret(user_id)
        if kept is None or not kept.on:
            return Status(False, 0)
        return Status(True, await self._store.codes_left(user_id))

    async def offer(self, user_id: UUID, password: str, device: Device) -> Offer:
        """A fresh secret. Raises BadInput for a wrong password; Conflict where one is on."""
        found = await self._owner.confirm(user_id, password, device, "password")
        secret = secrets.token_bytes(totp.SECRET_BYTES)
        sealed = self._seal.seal(secret, _context(user_id))
        if not await self._store.offer(user_id, sealed):
            raise Conflict("A second factor is on; switch it off first.")
        return Offer(totp.text_of(secret), totp.uri(secret, found.account.username))

    async def switch_on(self, account: Account, code: str, device: Device) -> Recovery:
        """Ask for codes from now on. Raises BadInput for a wrong one; Conflict without an offer."""
        kept = await self._store.secret(account.id)
        if kept is None or kept.on:
            raise Conflict("No second factor waits to be confirmed.")
        step = self._codes.step(account.id, kept, plain_code(code))
        if step is None:
            await self._audit.record(
                Event(Kind.SIGN_IN_FAILED, account.id, address=device.where,
                      detail={"reason": "code"})
            )  # fmt: skip
            raise BadInput("The code is wrong.", {"code": "is wrong"})
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        hashes = [hash_of(plain_code(one)) for one in codes]
        now = self._clock.now()
        if not await self._store.switch_on(account.id, kept, step, hashes, now):
            raise Conflict("No second factor waits to be confirmed.")
        await self._changed(account, device, on=True)
        return Recovery(codes)

    async def switch_off(self, user_id: UUID, wish: FactorEnd, device: Device) -> None:
        """Ask for no more codes. Raises as SignIn.prove; NotFound if none is on."""
        found = await self._owner.prove(user_id, wish.password, wish.code, device)
        if not found.second_factor or not await self._store.switch_off(user_id):
            raise NotFound("No second factor is on.")
        await self._changed(found.account, device, on=False)

    async def _changed(self, account: Account, device: Device, *, on: bool) -> None:
        kind = Kind.TOTP_ENABLED if on else Kind.TOTP_DISABLED
        self._notices.factor_changed(account, on=on)
        await self._audit.record(Event(kind, account.id, account.id, address=device.where))


def plain_code(code: str) -> str:
    """A code without what people put between its groups."""
    return code.replace("-", "").replace(" ", "").lower()


def hash_of(plain: str) -> bytes:
    """What is kept of a recovery code: its bits are random, so a fast hash will do."""
    return hashlib.sha256(plain.encode()).digest()


def _recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def _context(user_id: UUID) -> bytes:
    return b"totp " + user_id.bytes
