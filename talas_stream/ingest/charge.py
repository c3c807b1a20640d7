"""What a source costs, in seconds: the least price of everything that media time leaves out.

Does:        price the bytes, frames and links of a source; keep its media time and its charge.
Never:       asks a clock, or knows what the bytes are: readings count, this multiplies.
Guarantees:  an honest source of any coding is charged less than a second for each second of audio,
             so that a pace of the charge never holds it. One that is charged far more than it has
             audio is refused.
From / to:   ingest.reader, ingest.intake  ->  here  ->  ingest.pace

A price is about ten times what the thing takes here, at least: a source that is paced by its charge
takes a tenth of the loop at most.
"""

from __future__ import annotations

from talas_core.errors import UnsupportedMedia
from talas_stream.media import Format, Frame

BYTE_SECONDS = 1 / 10_000_000
"""Of a byte of the body, whatever it is. WAV at 192 kHz, 64 bits and stereo takes 3 million of them
a second."""

PAYLOAD_BYTES = 32
"""What one sample of one channel may take in a frame: four times its size at the widest."""

GARBAGE_SECONDS = 4e-6
"""Of a byte that was no part of a frame, page or tag."""

STEP_SECONDS = 1e-4
"""Of each thing a parser looks at on its way: a page, a piece of a packet, an element, a line
between chunks, what begins like a frame."""

READ_SECONDS = 1.5e-4
"""Of each read of the socket, however little it gives."""

FRAME_SECONDS = 1e-3
"""Of a frame, however short. The shortest that an encoder makes has 2.5 ms."""

LINK_SECONDS = 0.25
"""Of a beginning: a decoder, and perhaps a resampler, must be made anew."""

MOST_DEBT_SECONDS = 30.0
"""By which the charge may run ahead of the audio."""


def work_seconds(*, reads: int = 0, steps: int = 0, garbage: int = 0, links: int = 0) -> float:
    """The price of so many reads, steps, bytes of garbage and links."""
    for_looking = reads * READ_SECONDS + steps * STEP_SECONDS + garbage * GARBAGE_SECONDS
    return for_looking + links * LINK_SECONDS


class Account:
    """One source's `media` and `charge`, each in seconds in all."""

    def __init__(self) -> None:
        self.media = 0.0
        self.charge = 0.0
        self._frames = 0.0
        self._debt = 0.0

    def take(self, frames: list[Frame], size: int, work: float) -> None:
        """Enter new frames. `size` is how many bytes came in all, `work` the price in seconds of
        what was done with them. Raises UnsupportedMedia for a source that has too little audio."""
        media = 0.0
        for frame in frames:
            media += frame.samples / frame.format.rate
            self._frames += FRAME_SECONDS + len(frame.payload) / _byte_rate(frame.format)
        charge = self._frames + size * BYTE_SECONDS + work
        self._debt = max(0.0, self._debt + charge - self.charge - media)
        self.media += media
        self.charge = charge
        if self._debt > MOST_DEBT_SECONDS:
            raise UnsupportedMedia("too little of it is audio for all the rest that it is")


def _byte_rate(form: Format) -> int:
    """Bytes a second that frames of this format may have."""
    # ADTS may leave it to the frames how many channels there are.
    return form.rate * max(form.channels, 2) * PAYLOAD_BYTES
