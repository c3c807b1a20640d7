"""How often a code of a second factor may be wrong: asked by factors/codes.py.

Does:        count an account's wrong codes; refuse to look at more of them than the rules allow,
             and raise the alarm then: the owner hears that somebody knows the password.
Never:       is asked before the password was right: who does not know it can use up nothing here.
Guarantees:  one alarm an account a day, of all processes together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.limits.service import Limiter
from talas_api.identity.limits.values import LimitReached
from talas_api.identity.ports import Notices
from talas_api.request.limits import CODES, CODES_ALARM, Subject
from talas_api.request.origin import Device
from talas_core.errors import Unavailable


class CodeTries:
    """Tries at the codes of all accounts."""

    def __init__(self, limiter: Limiter, notices: Notices, audit: Recorder) -> None:
        self._limiter = limiter
        self._notices = notices
        self._audit = audit

    async def count(
        self, user_id: UUID, device: Device, check: Callable[[], Awaitable[bool]]
    ) -> bool:
        """What `check` says, and count it if that is no. Raises LimitReached instead of asking it
        where too many were wrong."""
        subjects = {Subject.ACCOUNT: str(user_id)}
        event = Event(Kind.LIMITED, user_id, address=device.where)
        try:
            passage = await self._limiter.enter(self._limiter.charges(CODES, subjects), event)
        except LimitReached:
            await self._alarm(user_id, device)
            raise
        try:
            right = await check()
        except Unavailable:
            await self._limiter.unserved(passage)
            raise
        if right:
            await self._limiter.halfway(passage)
        return right

    async def _alarm(self, user_id: UUID, device: Device) -> None:
        charges = self._limiter.charges([CODES_ALARM], {Subject.ACCOUNT: str(user_id)})
        if await self._limiter.fits(charges):
            self._notices.codes_guessed(user_id)
            await self._audit.record(Event(Kind.CODES_GUESSED, user_id, address=device.where))
