"""A codec job as the loop sees it.

Does:        turn calls into orders; hold back frames that no listener waits for, to send them in
             larger lots; drop what a worker made without an order.
Never:       waits for a worker, or knows how orders reach it.
Guarantees:  orders go out in the sequence of the calls; what is held back is bounded in time, in
             number and in bytes. What is delivered is of renditions that are open, and in order.
From / to:   coding.py  ->  here  ->  link.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from talas_stream.codec.messages import (
    Change,
    Close,
    Coded,
    Feed,
    Finish,
    Measure,
    Metered,
    Open,
    Order,
)
from talas_stream.codec.trust import Track, check_reading
from talas_stream.media import RATE, Format, Frame, Packet, Rendition

UNHURRIED_TICKS = RATE // 5
"""Frames of a job that only measures are sent in so large lots: to wake a worker for each costs
more than to decode it."""

UNHURRIED_FRAMES = 100
UNHURRIED_BYTES = 1 << 20
"""Most of such a lot, however little media time its frames have."""

Deliver = Callable[[list[Coded | Metered]], None]
Done = Callable[[bool], None]
"""Told once that a job has ended: True where it was lost for no fault of its own, so that another
may do better; False where it finished, failed, or was what its worker was at when it died."""


class Orders(Protocol):
    """The way to a worker."""

    @property
    def full(self) -> bool:
        """Whether the worker has no room for one rendition more."""
        ...

    def submit(self, order: Order) -> None: ...


class LinkedJob:
    """A job as the loop sees it: every call becomes an order."""

    def __init__(self, link: Orders, number: int, deliver: Deliver, done: Done) -> None:
        self._link = link
        self._number = number
        self._format: Format | None = None
        self._renditions: dict[Rendition, Track] = {}
        self._measures = 0
        self._held: list[Order] = []
        self._held_ticks = self._held_bytes = 0
        self.deliver = deliver
        self.done = done

    @property
    def full(self) -> bool:
        """Whether its worker has no room for one rendition more."""
        return self._link.full

    def feed(self, frame: Frame, packet: Packet) -> None:
        """Decode `frame`, which stands at `packet`."""
        if frame.format is not self._format:
            self._format = frame.format
            self._held.append(Change.to(self._number, frame.format))
        self._held.append(
            Feed(self._number, frame.payload, frame.samples, packet.at, packet.duration)
        )
        self._held_ticks += packet.duration
        self._held_bytes += len(frame.payload)
        if self._renditions or self._lot_is_full:
            self._let_go()

    def open(self, rendition: Rendition, ticks: int, resume: int | None = None) -> None:
        """Encode `rendition` from now on, the last `ticks` of the history first; with `resume`,
        what follows on packets that an output has already, which end there."""
        self._renditions[rendition] = Track()
        self._let_go(Open(self._number, rendition, ticks, resume))

    def close(self, rendition: Rendition) -> None:
        """Encode `rendition` no more."""
        self._renditions.pop(rendition, None)
        self._let_go(Close(self._number, rendition))

    def meter(self) -> None:
        """Measure from now on, what was fed before left out: readings of it that are still to come
        are not delivered."""
        self._measures += 1
        self._let_go(Measure(self._number))

    def finish(self) -> None:
        """Flush all encoders; `done` follows the last output."""
        self._let_go(Finish(self._number))

    def believed(self, outputs: list[Coded | Metered]) -> list[Coded | Metered]:
        """What of `outputs` was ordered. Raises ValueError where a worker of ours cannot have made
        it."""
        return [output for output in outputs if self._ordered(output)]

    def _ordered(self, output: Coded | Metered) -> bool:
        if isinstance(output, Metered):
            check_reading(output.reading)
            return 0 < output.order == self._measures
        track = self._renditions.get(output.rendition)
        return track is not None and track.takes(output)

    @property
    def _lot_is_full(self) -> bool:
        return (
            self._held_ticks >= UNHURRIED_TICKS
            or self._held_bytes >= UNHURRIED_BYTES
            or len(self._held) >= UNHURRIED_FRAMES
        )

    def _let_go(self, *more: Order) -> None:
        """Send what was held back, and `more`."""
        held, self._held = self._held, []
        self._held_ticks = self._held_bytes = 0
        for order in (*held, *more):
            self._link.submit(order)
