"""Who hears a station, counted: listeners, and the bytes that they were given.

Does:        count listeners without those who only look; keep the most that there were at once; add
             up the bytes, of outputs that have closed as well.
Never:       decides who is let in; keeps an output that has closed.
Guarantees:  peak and bytes are the source's: they begin anew with each, and without one no bytes
             are told.
From / to:   station.py, outputs.py  ->  here  ->  pages
"""

from __future__ import annotations

from collections.abc import Iterable

from talas_stream.output.feed import Listener
from talas_stream.output.output import Output
from talas_stream.station.outputs import Outputs


class Count:
    """`peak` is the most listeners that there were at once since the source came."""

    def __init__(self) -> None:
        self.peak = 0
        self._outputs: Outputs | None = None
        # Outputs whose bytes may still grow, and the bytes of those that closed.
        self._open: set[Output] = set()
        self._closed_bytes = 0
        self._sent_before: int | None = None
        self._looking: set[Listener] = set()

    @property
    def listeners(self) -> int:
        """Listeners now, without those who only look."""
        outputs = self._outputs
        return max(0, outputs.listeners - len(self._looking)) if outputs is not None else 0

    @property
    def bytes_sent(self) -> int:
        """Bytes that listeners were given since the source came; 0 without one."""
        return self._all_sent - self._sent_before if self._sent_before is not None else 0

    @property
    def _all_sent(self) -> int:
        """Bytes that listeners were given since there are outputs."""
        return self._closed_bytes + _bytes_out(self._open)

    def begin(self, outputs: Outputs) -> None:
        """There is something to hear."""
        self._outputs = outputs

    def end(self) -> None:
        """There is nothing to hear any more."""
        self._outputs = None
        self._open.clear()
        self._closed_bytes = 0
        self._looking.clear()
        if self._sent_before is not None:
            self._sent_before = 0

    def source_came(self) -> None:
        """Another counts from now on."""
        self._sent_before = self._all_sent
        self.peak = self.listeners

    def source_went(self) -> None:
        """And counts no longer."""
        self._sent_before = None

    def joined(self, output: Output) -> None:
        """A listener was let in to `output`."""
        self._open.add(output)
        self.peak = max(self.peak, self.listeners)

    def looks(self, listener: Listener) -> None:
        """One that is about to join only looks, and does not count."""
        self._looking.add(listener)

    def stays(self, listener: Listener) -> bool:
        """One that looked has stayed, and counts; whether it did look at what is on."""
        if listener not in self._looking:
            return False
        self._looking.discard(listener)
        self.peak = max(self.peak, self.listeners)
        return True

    def left(self, listener: Listener) -> None:
        """One that has left looks no longer."""
        self._looking.discard(listener)

    def tidy(self) -> None:
        """Let go of outputs that have closed."""
        if self._outputs is not None:
            closed = self._open.difference(self._outputs.all)
            self._closed_bytes += _bytes_out(closed)
            self._open -= closed


def _bytes_out(outputs: Iterable[Output]) -> int:
    return sum(feed.bytes_out for output in outputs for feed in output.feeds)
