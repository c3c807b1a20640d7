"""The keys that sign access tokens, and the sessions that have ended, as talas_api tells them.

Does:        ask talas_api for both at start, after a change, when the bus is back, and every
             minute; subscribe to the sessions that end in between; hand both to the verifier.
Never:       holds a private key; accepts a token while the end of its session could be missed.
Guarantees:  every token is refused until the first answer has come, and again from a second after
             the bus falls silent until what was missed has been asked for. The subscription begins
             before the question, so no ended session is missed; one that ended while this process
             was down is in the next answer.
From / to:   the bus  ->  here  ->  talas_core/security/tokens.py
"""

from __future__ import annotations

import asyncio
import contextlib

from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.bus.session_news import SessionNews
from talas_core.clock import Clock
from talas_core.errors import Unavailable
from talas_core.messages import KeySet, Nothing
from talas_core.security.tokens import Claims, TokenVerifier
from talas_core.telemetry.logs import logger

ASK_SECONDS = 2.0
RETRY_SECONDS = 0.25
ASK_AGAIN_SECONDS = 60.0
"""So long an end is unknown here whose process died before it could announce it."""

log = logger("keys")


class Keys:
    """Keeps `tokens` up to date."""

    def __init__(self, bus: Bus, tokens: TokenVerifier, clock: Clock) -> None:
        self._bus = bus
        self.tokens = tokens
        self._news = SessionNews(
            bus, clock, ended=tokens.end_session, fell_silent=self._missing, returned=self._missing
        )
        self._due = asyncio.Event()
        self._due.set()
        self._have = False
        self._misses = 0
        self._caught_up = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe, and ask in the background until answered."""
        await self._bus.subscribe(messages.KEYS_CHANGED, lambda _: self._due.set())
        await self._news.start()
        self._task = asyncio.create_task(self._keep_asking())

    async def stop(self) -> None:
        """Ask no more."""
        self._news.stop()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def verify(self, token: str) -> Claims:
        """The claims of an access token whose session goes on. Raises Unauthorized; Unavailable
        while that cannot be known."""
        if self._have and not (self._news.heard and self._caught_up == self._misses):
            raise Unavailable("it cannot be known now whether that session goes on; try again")
        return self.tokens.verify(token)

    async def check(self) -> None:
        """For health: raises while the bus is away or silent, or no key set has come."""
        if not self._bus.connected:
            raise Unavailable("the bus is not connected")
        if not self._have:
            raise Unavailable("talas_api has not told the signing keys yet")
        if self._news.silent:
            raise Unavailable("the bus is silent")

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

    def _missing(self) -> None:
        """Ends may be missed from here on, or have been: ask for them."""
        self._misses += 1
        self._due.set()

    async def _ask(self) -> None:
        misses = self._misses
        payload = messages.encode(Nothing())
        reply = await self._bus.request(messages.KEYS_LIST, payload, timeout=ASK_SECONDS)
        told = messages.decode(reply, KeySet)
        self.tokens.void_until(told.since)
        self.tokens.end_sessions(told.ended)
        # Last: with the first keys tokens begin to pass.
        self.tokens.replace_keys(told)
        self._have = True
        self._caught_up = misses
