"""What a listener got, as units of sound with the times they came.

Does:        cut a recorded body into Ogg pages, ADTS or MP3 frames; say when the last byte of each
             came, and how late that was.
Never:       decodes sound.
Guarantees:  *due* is t0 plus media time, t0 being the earliest arrival, less its media time, of the
             first seconds measured; a body that is not what it should be is counted as gaps. Who
             was refused has heard nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

RATE = 48_000
OPUS_TICKS = 960
ADTS_TICKS = 1024
MP3_TICKS = 1152
MP3_BYTES = 384
FIRST_SECONDS = 5.0
END_OF_HEAD = b"\r\n\r\n"

Floats = npt.NDArray[np.float64]
Units = list[tuple[int, int]]
"""For each unit, the offset in the body right after it, and the media time in ticks at its end."""


class Heard(msgspec.Struct, frozen=True):
    """A listener's record. `body` ends with a whole unit; unit n came at `at[n]`, seconds of the
    monotonic clock, and ends at media time `end[n]` in ticks."""

    body: bytes
    at: Floats
    end: Floats
    gaps: int

    def late_ms(self, begin: float, end: float) -> Floats:
        """How long after it was due each unit came, of those that came from `begin` to `end`."""
        inside = (self.at >= begin) & (self.at < end)
        at = self.at[inside]
        offset = at - self.end[inside] / RATE
        zero = offset[at < begin + FIRST_SECONDS].min() if at.size else 0.0
        return (offset - zero) * 1000

    def lost_seconds(self, begin: float, end: float) -> float:
        """By how much the sound that came from `begin` to `end` is shorter than that time, in
        seconds; what was on its way at either end counts too."""
        inside = np.flatnonzero((self.at >= begin) & (self.at < end))
        if inside.size == 0:
            return end - begin
        got = (self.end[inside[-1]] - self.end[inside[0]]) / RATE
        return float(end - begin - got)


def heard(folder: Path, number: int, path: str | None) -> Heard:
    """What listener `number` of a driver's run has got from `path`; None is a bare socket."""
    raw = (folder / f"{number}.body").read_bytes()
    reads = np.fromfile(folder / f"{number}.reads").reshape(-1, 2)
    start = 0 if path is None else raw.find(END_OF_HEAD) + len(END_OF_HEAD)
    if path is not None and not raw.startswith(b"HTTP/1.1 200 "):
        start = len(raw)
    units, gaps = _cutter(path)(raw[start:])
    stops = np.array([stop for stop, _ in units], np.int64) + start
    at = reads[np.searchsorted(reads[:, 1].cumsum(), stops), 0]
    ends = np.array([end for _, end in units], np.float64)
    return Heard(raw[start : int(stops[-1])] if units else b"", at, ends, gaps)


def spread(values: Sequence[float] | Floats) -> dict[str, float]:
    """The percentiles that verdicts are given by, and the greatest."""
    found = np.percentile(values, (50, 99, 99.9, 100)) if len(values) else (0, 0, 0, 0)
    return dict(zip(("p50", "p99", "p99.9", "max"), (round(float(v), 2) for v in found),
                    strict=True))  # fmt: skip


def _cutter(path: str | None) -> Callable[[bytes], tuple[Units, int]]:
    suffix = "mp3" if path is None else path.partition("?")[0].rpartition(".")[2]
    return {"opus": _ogg_pages, "aac": _adts_frames, "mp3": _mp3_frames}[suffix]


def _ogg_pages(body: bytes) -> tuple[Units, int]:
    """Pages of audio. A gap: granules that rise by other than the packets of a page."""
    units: Units = []
    at = gaps = 0
    while at + 27 <= len(body):
        magic, granule, segments = struct.unpack_from("<4s2xq12xB", body, at)
        lacing = body[at + 27 : at + 27 + segments]
        stop = at + 27 + segments + sum(lacing)
        if magic != b"OggS" or stop > len(body) or len(lacing) < segments:
            return units, gaps + (magic != b"OggS")
        if granule > 0:
            packets = sum(length < 255 for length in lacing)
            gaps += bool(units) and granule - units[-1][1] != packets * OPUS_TICKS
            units.append((stop, granule))
        at = stop
    return units, gaps


def _adts_frames(body: bytes) -> tuple[Units, int]:
    """Frames of AAC. A gap: a frame that does not start where the one before ends."""
    units: Units = []
    at = 0
    while at + 7 <= len(body):
        if body[at] != 0xFF or body[at + 1] & 0xF6 != 0xF0:
            return units, 1
        at += (body[at + 3] & 3) << 11 | body[at + 4] << 3 | body[at + 5] >> 5
        if at <= len(body):
            units.append((at, (len(units) + 1) * ADTS_TICKS))
    return units, 0


def _mp3_frames(body: bytes) -> tuple[Units, int]:
    """Frames of the one size that the driver sends. A gap: one without its sync word."""
    units: Units = []
    for at in range(0, len(body) - MP3_BYTES + 1, MP3_BYTES):
        if body[at : at + 2] != b"\xff\xfb":
            return units, 1
        units.append((at + MP3_BYTES, (len(units) + 1) * MP3_TICKS))
    return units, 0
