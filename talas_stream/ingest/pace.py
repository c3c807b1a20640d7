"""When things are due: arithmetic over media time and a monotonic reading.

Does:        say how long a source that runs ahead is to be held back, for its audio or its charge;
             keep what the sources of a station share of that.
Never:       sleeps or asks a clock; the caller brings the time.
Guarantees:  a source is held only by what it is ahead; over any span it gets real time, and a late
             source is never asked to hurry. The sources of a station are ahead by no more than one
             may be: to come again buys nothing.
From / to:   ingest  ->  here: the hold in seconds
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from talas_stream.station.station import Station


class SourcePace:
    """Lets a source run at most `lead` seconds ahead of the clock, in audio or in what it is
    charged (see ingest.charge)."""

    def __init__(self, lead: float) -> None:
        self._lead = lead
        self._zero: float | None = None
        self._sent = 0.0

    def hold(self, sent: float, now: float) -> float:
        """Seconds to wait before taking more, after `sent` seconds of audio in all, at time `now`.

        The schedule starts with the first call. A source that fell behind moves it: time it did not
        use is not saved up, or a stall would be followed by a flood.
        """
        if self._zero is None or now - self._zero > sent:
            self._zero = now - sent
        self._sent = sent
        wait = sent - (now - self._zero) - self._lead
        return wait if wait > 0 else 0.0

    def again(self) -> None:
        """Let another source go on where the last one stopped: what is sent counts from 0 again,
        and what was ahead stays so."""
        if self._zero is not None:
            self._zero += self._sent
            self._sent = 0.0


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
