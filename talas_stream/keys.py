"""The keys that sign access tokens, and the sessions that have ended, as talas_api tells them.

Does:        ask for both at start, after a change, after the bus came back, and every minute; hear
             of sessions that end in between; tell the verifier.
Never:       holds a private key.
Guarantees:  tokens are refused, not guessed at, until the first answer has come. Ends are listened
             to before anything is asked, so none falls between; one that could not be announced, or
             was while this process was down, is known with the next answer.
From / to:   bus  ->  here  ->  TokenVerifier
"""

from __future__ import annotations

import asyncio
import contextlib

from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.errors import Unavailable
from talas_core.messages import KeySet, Nothing, SessionEnded
from talas_core.security.tokens import TokenVerifier
from talas_core.telemetry.logs import logger

ASK_SECONDS = 2.0
RETRY_SECONDS = 0.25
ASK_AGAIN_SECONDS = 60.0
"""So long an end is unknown here that its process could not announce, having no bus itself."""

log = logger("keys")


class Keys:
    """Keeps `tokens` up to date."""

    def __init__(self, bus: Bus, tokens: TokenVerifier) -> None:
        self._bus = bus
        self.tokens = tokens
        self._due = asyncio.Event()
        self._due.set()
        self._have = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe, and ask in the background until answered."""
        await self._bus.subscribe(messages.KEYS_CHANGED, lambda _: self._due.set())
        await self._bus.subscribe(messages.SESSION_ENDED, self._session_ended)
        self._bus.on_reconnect(self._due.set)
        self._task = asyncio.create_task(self._keep_asking())

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def check(self) -> None:
        """For health: raises while the bus is away or no key set has come."""
        if not self._bus.connected:
            raise Unavailable("the bus is not connected")
        if not self._have:
            raise Unavailable("talas_api has not told the signing keys yet")

    async def _keep_asking(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_SECONDS):
                    await self._due.wait()
            self._due.clear()
            try:
                await self._ask()
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("the signing keys cannot be used")
                await asyncio.sleep(RETRY_SECONDS)
                self._due.set()

    async def _ask(self) -> None:
        payload = messages.encode(Nothing())
        reply = await self._bus.request(messages.KEYS_LIST, payload, timeout=ASK_SECONDS)
        told = messages.decode(reply, KeySet)
        self.tokens.void_until(told.since)
        self.tokens.end_sessions(told.ended)
        # Last: with the first keys tokens begin to pass.
        self.tokens.replace_keys(told)
        self._have = True

    def _session_ended(self, payload: bytes) -> None:
        self.tokens.end_session(messages.decode(payload, SessionEnded).sid)
