"""The bus: what services may ask of the link between them.

Does:        name the verbs, and what each may raise.
Never:       promises delivery: an event reaches whoever is subscribed and connected at that moment,
             at most once. Whoever must not miss anything asks again after a reconnect.
Guarantees:  events of one publisher on one subject arrive in the order they were published.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

Handler = Callable[[bytes], None]
Responder = Callable[[bytes], Awaitable[bytes]]

MAX_PAYLOAD = 1024 * 1024
"""Largest payload in bytes; NATS' own default."""


class Subscription(Protocol):
    """An interest in a subject, until it is ended."""

    async def close(self) -> None:
        """End the interest. Closing twice is harmless."""
        ...


class Bus(Protocol):
    """At-most-once publish, and request with reply.

    `queue` names a group of which one member gets each payload. A handler must not block; one that
    raises is logged and harms nobody else.
    """

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send to all subscribers. Raises BusUnavailable while disconnected, BadInput if too big.

        Returns when the payload is on its way, not when it has arrived.
        """
        ...

    async def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> Subscription:
        """Call `handler` with each payload, on the loop, in order."""
        ...

    async def serve(self, subject: str, responder: Responder, *, queue: str = "") -> Subscription:
        """Answer requests, several at once. One that raises sends no reply: its caller waits."""
        ...

    async def request(self, subject: str, payload: bytes, *, timeout: float) -> bytes:
        """The first reply. Raises BusUnavailable when disconnected or when nobody serves the
        subject, BusTimeout after `timeout` seconds without a reply."""
        ...

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Call back on the loop after each return of a lost connection: events were missed."""
        ...

    @property
    def connected(self) -> bool:
        """Whether a payload sent now would leave."""
        ...

    async def close(self) -> None:
        """Flush what was published, end every subscription, disconnect."""
        ...
