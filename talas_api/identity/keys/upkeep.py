"""Looking after the keys while the service runs.

Does:        read the ring at the start, when another process says it has changed, and every minute,
             so that a key which is due gets its successor, whichever process comes first; hand
             what was read to the verifier, and announce it.
Never:       ends because the database was away.
Guarantees:  a process that missed an announcement has a new key within a minute, long before the
             key signs.
"""

from __future__ import annotations

import asyncio

from talas_api.announcer import Announcer
from talas_api.identity.keys.service import Keys
from talas_api.startup import Startup
from talas_core.errors import Unavailable
from talas_core.security.tokens import TokenVerifier
from talas_core.telemetry.logs import logger

EVERY_SECONDS = 60.0

_log = logger("keys")


class Upkeep:
    """Keeps this process's ring and verifier up to date; reads every `every` seconds."""

    def __init__(
        self,
        keys: Keys,
        verifier: TokenVerifier,
        announcer: Announcer,
        *,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._keys = keys
        self._verifier = verifier
        self._announcer = announcer
        self._every = every
        self._watching: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Read the ring for the first time, tell the others, and look again from now on.

        Raises Unavailable; may then be called again.
        """
        await self._load()
        await self._announcer.keys_changed()
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    def again(self) -> None:
        """Read the ring again, in the background, until it works; the last call wins."""
        if self._reading is not None:
            self._reading.cancel()
        steps = Startup([("signing keys", self._load)], done="signing keys read again")
        self._reading = asyncio.get_running_loop().create_task(steps.run())

    def close(self) -> None:
        """End what runs in the background."""
        for task in (self._watching, self._reading):
            if task is not None:
                task.cancel()

    async def _load(self) -> bool:
        changed = await self._keys.load()
        if changed:
            self._verifier.replace_keys(self._keys.public)
        return changed

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                if await self._load():
                    await self._announcer.keys_changed()
            except Unavailable:
                continue
            except Exception as error:
                _log.error("the keys could not be looked after", exc_info=error)
