"""The use cases of second factors.

Does:        offer a secret, switch it on once a code shows it arrived, switch it off.
Never:       keeps a secret in the clear, or a recovery code.
Guarantees:  switching on and off asks for the password again, and the person hears of it.
"""

from __future__ import annotations

import base64
import secrets
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.factors import qr, totp
from talas_api.identity.factors.codes import Codes, FactorStore, context_of, hash_of, plain_code
from talas_api.identity.factors.owner import Owner
from talas_api.identity.factors.values import FactorEnd, Offer, Recovery, Status
from talas_api.identity.ports import Notices
from talas_api.identity.values import Account
from talas_api.request.origin import Device
from talas_core.clock import Clock
from talas_core.errors import BadInput, Conflict, NotFound
from talas_core.security.seal import Sealer

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
_GROUP = 4


class Factors:
    """Second factors, as their owners manage them."""

    def __init__(
        self,
        *,
        store: FactorStore,
        codes: Codes,
        owner: Owner,
        notices: Notices,
        seal: Sealer,
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
        sealed = self._seal.seal(secret, context_of(user_id))
        if not await self._store.offer(user_id, sealed):
            raise Conflict("A second factor is on; switch it off first.")
        uri = totp.uri(secret, found.account.username)
        return Offer(totp.text_of(secret), uri, qr.modules(uri))

    async def switch_on(self, user_id: UUID, code: str, device: Device) -> Recovery:
        """Ask for codes from now on. Raises BadInput for a wrong one; Conflict without an offer."""
        account = await self._owner.account(user_id)
        kept = await self._store.secret(user_id)
        if kept is None or kept.on:
            raise Conflict("No second factor waits to be confirmed.")
        step = self._codes.step(user_id, kept, plain_code(code))
        if step is None:
            await self._audit.record(
                Event(Kind.SIGN_IN_FAILED, user_id, address=device.where,
                      detail={"reason": "code"})
            )  # fmt: skip
            raise BadInput("The code is wrong.", {"code": "is wrong"})
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        hashes = [hash_of(plain_code(one)) for one in codes]
        now = self._clock.now()
        if not await self._store.switch_on(user_id, kept, step, hashes, now):
            raise Conflict("No second factor waits to be confirmed.")
        await self._changed(account, device, on=True)
        return Recovery(codes)

    async def switch_off(self, user_id: UUID, wish: FactorEnd, device: Device) -> None:
        """Ask for no more codes. Raises as Owner.prove; NotFound if none is on."""
        found = await self._owner.prove(user_id, wish.password, wish.code, device)
        if not found.second_factor or not await self._store.switch_off(user_id):
            raise NotFound("No second factor is on.")
        await self._changed(found.account, device, on=False)

    async def _changed(self, account: Account, device: Device, *, on: bool) -> None:
        kind = Kind.TOTP_ENABLED if on else Kind.TOTP_DISABLED
        self._notices.factor_changed(account, on=on)
        await self._audit.record(Event(kind, account.id, account.id, address=device.where))


def _recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
