"""How far ahead of the clock the sources of a station may be, together.

Does:        give each source its schedule, for its audio and for what it is charged; keep what the
             sources of a station share of that.
Never:       asks a clock; the caller brings the time.
Guarantees:  the sources of a station are ahead by no more than one may be: to come again buys
             nothing.
From / to:   ingest/icecast.py  ->  here  ->  pace.py
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from talas_stream.ingest.pace import SourcePace
from talas_stream.station.station import Station


class Lead:
    """How far ahead of the clock the sources of each station may be: `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._charge: WeakKeyDictionary[Station, SourcePace] = WeakKeyDictionary()

    def for_audio(self, station: Station) -> SourcePace:
        """A fresh schedule for a source of `station`. What is left of another's lead is no longer
        to be had: the listeners' buffers would grow with each that comes."""
        return SourcePace(max(0.0, self._seconds - station.ahead_seconds))

    def for_charge(self, station: Station) -> SourcePace:
        """The schedule for what a source of this station is charged. The station's sources share
        it."""
        pace = self._charge.setdefault(station, SourcePace(self._seconds))
        pace.again()
        return pace

    def wait(self, station: Station, now: float) -> float:
        """Seconds from `now` until another source of `station` may be heard: until what those
        before it sent, and what they were charged, is ahead by no more than one source may be."""
        charged = self._charge[station].hold(0.0, now)
        return max(0.0, station.ahead_seconds - self._seconds, charged)
