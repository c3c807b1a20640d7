"""How much is kept for listeners, and how much a newcomer gets.

Does:        work out the buffers of each rendition in each profile from the settings.
Never:       holds a packet.
Guarantees:  a burst is long enough for a browser's audio element to begin with, whatever the bit
             rate.
From / to:   compose  ->  here  ->  output.py, outputs.py
"""

from __future__ import annotations

import msgspec

from talas_stream.media import RATE, Rendition
from talas_stream.output.delivery import Profile
from talas_stream.output.packetise import METAINT

LOW_BURSTS_KEPT = 4

USUAL_BIT_RATES = (96_000, 128_000)
"""Bit rates for which a burst is what the settings say. Others get as many seconds as the nearer of
these: sixteen seconds of a lean one would be long to encode and far behind, half a second of FLAC
too little to play from."""

LEAST_BURST = 36_864
"""A browser's audio element reads in blocks of 32 KiB, whatever the bit rate, and plays a block
when it is whole. With one and an eighth the second is whole before the first has been played."""


class Size(msgspec.Struct, frozen=True):
    """The buffers of one rendition in one delivery profile, in bytes: `burst` is what a newcomer
    gets; `start` what a feed begins with, a burst from wherever its wire format lets a newcomer in;
    `keep` what a feed remembers for those who are behind. `ticks` bounds all of them in time, where
    a quiet passage takes few bytes."""

    burst: int
    start: int
    keep: int
    ticks: int


class Sizes:
    """Buffer sizes from the settings, in bytes.

    Under a steady burst of 48 KiB a browser's audio element starts late and stutters at the usual
    bit rates. The low profile is for players that take what comes, and a listener who is further
    behind than a few low bursts is no longer low.
    """

    def __init__(self, burst: int, queue: int, low_burst: int = 8192) -> None:
        self.burst = burst
        self._queue = queue
        self._low_burst = low_burst

    def of(self, rendition: Rendition, profile: Profile = Profile.STEADY) -> Size:
        """The sizes for `rendition` in `profile`."""
        lean, rich = USUAL_BIT_RATES
        share = rendition.bit_rate / min(max(rendition.bit_rate, lean), rich)
        if profile is Profile.LOW:
            burst = int(self._low_burst * share)
            keep = burst * LOW_BURSTS_KEPT + METAINT
        else:
            burst = max(int(self.burst * share), LEAST_BURST)
            keep = burst + self._queue
        return Size(burst, burst + METAINT, keep, keep * 8 * RATE // rendition.bit_rate)

    def history_ticks(self, rendition: Rendition) -> int:
        """Media time that fills a burst of `rendition`, and a little more."""
        return self.of(rendition).burst * 8 * RATE // rendition.bit_rate + RATE // 2
