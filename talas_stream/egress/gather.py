"""A listener's first bytes, held together until there is enough to play on from.

Does:        gather what the feed writes; hand it over in one piece once it is enough, or has waited
             long; from then on pass everything through.
Never:       delays a listener that gets a whole burst.
Guarantees:  no byte is lost, and none overtakes another.
From / to:   output.feed  ->  here  ->  egress.http
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

ENOUGH_BYTES = 49_152
"""Firefox reads in blocks of 32 KiB and begins as soon as one is whole. At a source that has only
just begun the next one would then be late by the time between two writes, and there would be a hole
in the sound. With half a block more it never is, up to 320 kbit/s."""

PATIENCE_SECONDS = 10.0


class Gather:
    """Gathers `enough` bytes for `write`. `holds` says whether it still does."""

    def __init__(self, write: Callable[[bytes], object], enough: int) -> None:
        self._write = write
        self._enough = enough
        self._held = bytearray()
        self.holds = True
        self._patience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self.release)

    def write(self, data: bytes) -> None:
        """Take the feed's bytes."""
        if not self.holds:
            self._write(data)
            return
        self._held += data
        if len(self._held) >= self._enough:
            self.release()

    def release(self) -> None:
        """Hand over what there is, and hold no more."""
        self.stop()
        held, self._held = bytes(self._held), bytearray()
        if held:
            self._write(held)

    def stop(self) -> None:
        """The listener has left, or needs no gathering any more."""
        self.holds = False
        self._patience.cancel()
