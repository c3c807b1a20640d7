"""The last of what a station's inputs have sent, for whoever comes late.

Does:        keep frames with their places, across inputs; say what bit rate they come to.
Never:       decodes, or knows who sends.
Guarantees:  bounded in time, bytes, frames and formats, whatever is sent.
From / to:   outputs.py  ->  here  ->  coding.py
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from talas_stream.media import RATE, SILENT, Codec, Format, Frame, Packet

MAX_HISTORY_TICKS = 90 * RATE
"""Most that is kept of a source, however few bytes it sends: a codec job that starts decodes it
all."""

MAX_HISTORY_BYTES = 32 << 20
"""Most bytes: ten seconds of the widest WAV that is taken."""

MAX_HISTORY_FRAMES = 10_000
"""Most frames, however short: 25 seconds of the shortest that an encoder makes."""

MAX_HISTORY_FORMATS = 4
"""Most formats. Each costs whoever decodes the history a decoder, and perhaps a resampler."""


class _Run:
    """Frames of one format that follow each other."""

    def __init__(self, format: Format, at: int) -> None:
        self.format = format
        self.at = self.end = at
        self.frames = 0
        self.bytes = 0


class InputHistory:
    """At least `ticks` and `burst` bytes of what came last, where so much came."""

    def __init__(self, ticks: int, burst: int) -> None:
        self.ticks = ticks
        self._burst = burst
        self._entries: deque[tuple[Frame, Packet]] = deque()
        self._runs: deque[_Run] = deque()
        self._bytes = 0

    def __iter__(self) -> Iterator[tuple[Frame, Packet]]:
        return iter(self._entries)

    @property
    def bit_rate(self) -> int:
        """What the last input's packets come to, in kbit/s; 0 before it has sent any."""
        runs = self._last_runs()
        ticks = runs[-1].end - runs[0].at if runs else 0
        return round(sum(run.bytes for run in runs) * 8 * RATE / ticks / 1000) if ticks > 0 else 0

    @property
    def silent(self) -> bool:
        """Whether nothing that an input has sent is kept."""
        return all(run.format is SILENT for run in self._runs)

    def add(self, frame: Frame, packet: Packet) -> None:
        """The newest."""
        if not self._runs or self._runs[-1].format is not frame.format:
            self._runs.append(_Run(frame.format, packet.at))
        self._entries.append((frame, packet))
        run, size = self._runs[-1], len(packet.payload)
        run.frames += 1
        run.bytes += size
        run.end = packet.end
        self._bytes += size
        while len(self._entries) > 1 and self._has_too_much(packet.end):
            self._drop()

    def latest(self) -> list[Packet]:
        """What the last input has sent in its coding, without the silence since: what an output
        that is made of its own packets begins with."""
        found: list[Packet] = []
        coding = None
        for frame, packet in reversed(self._entries):
            if frame.format is SILENT and coding is None:
                continue
            if coding not in (None, _coding_of(frame.format)):
                break
            coding = _coding_of(frame.format)
            found.append(packet)
        found.reverse()
        return found

    def _last_runs(self) -> list[_Run]:
        """Those of the last input, in order, without the silence since."""
        found: list[_Run] = []
        for run in reversed(self._runs):
            if run.format is not SILENT:
                found.insert(0, run)
            elif found:
                break
        return found

    def _drop(self) -> None:
        _, oldest = self._entries.popleft()
        run, size = self._runs[0], len(oldest.payload)
        self._bytes -= size
        run.frames -= 1
        run.bytes -= size
        run.at = oldest.end
        if not run.frames:
            self._runs.popleft()

    def _has_too_much(self, end: int) -> bool:
        """Whether the oldest frame is not needed, or may not be kept."""
        oldest = self._entries[0][1]
        past = end - oldest.end
        return (
            (past >= self.ticks and self._bytes - len(oldest.payload) >= self._burst)
            or past >= MAX_HISTORY_TICKS
            or self._bytes > MAX_HISTORY_BYTES
            or len(self._entries) > MAX_HISTORY_FRAMES
            or len(self._runs) > MAX_HISTORY_FORMATS
        )


def _coding_of(format: Format) -> tuple[object, ...]:
    """What packets of one coding have in common; in Opus, channels may change."""
    shape = () if format.codec is Codec.OPUS else (format.rate, format.channels)
    return format.codec, *shape
