"""One station's codec work: decode once, encode once per rendition that somebody needs.

Does:        decode, normalise, and feed every open encoder; keep the last seconds of normalised
             audio, so that a rendition opened now starts with a full burst.
Never:       knows which thread runs it; whoever owns a pipeline calls it from one thread only.
Guarantees:  renditions opened at different moments carry the same media time for the same sound;
             a change of format in the source leaves no step in the output's clock.
From / to:   the station's packets  ->  here  ->  the renditions' rings
"""

from __future__ import annotations

from collections import deque

import numpy as np

from talas_stream.media import RATE, Frame, Packet, Pcm, Rendition, Samples
from talas_stream.stages.decode import Decoder
from talas_stream.stages.encode import Encoder
from talas_stream.stages.normalise import Normaliser

MAX_FILL = RATE // 2
"""Most silence put in to close a gap at a change of format, in ticks."""


class Pipeline:
    """Decoder, normaliser and encoders of one source's visit."""

    def __init__(self, history_ticks: int) -> None:
        self._history_ticks = history_ticks
        self._history: deque[Pcm] = deque()
        self._encoders: dict[Rendition, Encoder] = {}
        self._decoder: Decoder | None = None
        self._normaliser: Normaliser | None = None
        self._format: object = None
        self._at: int | None = None
        self._past_errors = 0

    @property
    def errors(self) -> int:
        """Frames replaced by silence so far."""
        return self._past_errors + (self._decoder.errors if self._decoder else 0)

    def open(self, rendition: Rendition) -> tuple[bytes, list[Packet]]:
        """Start encoding `rendition`: its encoder's config, and the packets of the kept history."""
        encoder = self._encoders[rendition] = Encoder(rendition)
        packets = [packet for pcm in self._history for packet in encoder.encode(pcm)]
        return encoder.config, packets

    def close(self, rendition: Rendition) -> None:
        """Stop encoding `rendition`; unknown ones are ignored."""
        self._encoders.pop(rendition, None)

    def feed(self, frame: Frame, packet: Packet) -> dict[Rendition, list[Packet]]:
        """Everything that one source frame, placed as `packet`, completes."""
        blocks = []
        if frame.format is not self._format:
            blocks += self._change(frame, packet)
        assert self._decoder is not None  # noqa: S101 - _change has set it
        samples = self._decoder.decode(frame)
        if self._at is None:
            # Opus leaves its pre-skip out: the sound begins that much into the first packet.
            sounding = samples.shape[1] * RATE // self._decoder.rate
            self._at = packet.end - sounding
        blocks += self._normalise(samples)
        return self._encode(blocks)

    def flush(self) -> dict[Rendition, list[Packet]]:
        """The tail of everything, at the end of the source's visit."""
        out = self._encode(self._drain())
        for rendition, encoder in self._encoders.items():
            out.setdefault(rendition, []).extend(encoder.flush())
        return out

    def _change(self, frame: Frame, packet: Packet) -> list[Pcm]:
        """Take up a new format. What the old one left short of its place becomes silence."""
        blocks = self._drain()
        self._past_errors = self.errors
        self._format = frame.format
        self._decoder = Decoder(frame.format)
        self._normaliser = None
        if self._at is not None:
            start = packet.at + frame.format.pre_skip
            if 0 < start - self._at <= MAX_FILL:
                blocks += self._block(np.zeros((2, start - self._at), np.float32))
        return blocks

    def _drain(self) -> list[Pcm]:
        return self._block(self._normaliser.flush()) if self._normaliser else []

    def _normalise(self, samples: Samples) -> list[Pcm]:
        assert self._decoder is not None  # noqa: S101 - feed has set it
        shape = (self._decoder.rate, samples.shape[0])
        blocks = []
        if self._normaliser is None or (self._normaliser.rate, self._normaliser.channels) != shape:
            blocks += self._drain()
            self._normaliser = Normaliser(*shape)
        return blocks + self._block(self._normaliser.feed(samples))

    def _block(self, samples: Samples) -> list[Pcm]:
        """`samples` at the running position, kept as history; nothing where there are none."""
        if not samples.shape[1]:
            return []
        pcm = Pcm(samples, self._at or 0)
        self._at = pcm.end
        self._history.append(pcm)
        while self._history[0].end < pcm.end - self._history_ticks:
            self._history.popleft()
        return [pcm]

    def _encode(self, blocks: list[Pcm]) -> dict[Rendition, list[Packet]]:
        return {
            rendition: [packet for pcm in blocks for packet in encoder.encode(pcm)]
            for rendition, encoder in self._encoders.items()
        }
