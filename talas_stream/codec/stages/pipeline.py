"""One station's codec work: decode once, encode once for each rendition that has a listener.

Does:        decode, normalise, and feed every open encoder; keep the last seconds of normalised
             audio, so that a rendition opened now starts with a full burst; fade where silence
             begins or ends.
Never:       locks: a pipeline is called from one thread only.
Guarantees:  renditions opened at different moments carry the same media time for the same sound;
             a change of format or of the input leaves no step in the output's clock.
From / to:   codec/work.py  ->  here  ->  stages.decode, stages.normalise, stages.encode
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import msgspec
import numpy as np

from talas_stream.codec.stages.decode import Decoder
from talas_stream.codec.stages.encode import PRE_ROLL, Encoder, grid, successor
from talas_stream.codec.stages.govern import BEST
from talas_stream.codec.stages.normalise import Normaliser
from talas_stream.codec.stages.seam import Seam, last_of
from talas_stream.codec.stages.tools import Tools
from talas_stream.media import (
    RATE,
    Codec,
    Format,
    Frame,
    Packet,
    Pcm,
    Rendition,
    Samples,
    SourceCodec,
)
from talas_stream.wire.samples import Limit

MAX_FILL = RATE // 2
"""Most silence put in to close a gap at a change of format, in ticks."""

SILENCE = RATE // 10
"""Ticks of a block of silence."""

LEAST_BLOCK = RATE // 400
"""Ticks of a block of sound, but for the last before the end: less waits for more, since every
block costs something of its own. Honest frames are no shorter."""


class Opened(msgspec.Struct, frozen=True):
    """What a rendition that catches up has made of the history; with the first of it, its encoder's
    config."""

    rendition: Rendition
    config: bytes | None
    packets: list[Packet]


class _Opening:
    """A rendition whose encoder still has history to code."""

    def __init__(self, encoder: Encoder, history: Iterable[Pcm]) -> None:
        self.encoder = encoder
        self.ahead = deque(history)
        self._told = False

    def begin(self, start: int) -> None:
        """Let what is to be coded begin at `start` exactly: what is there before is left out, what
        is missing up to the first of it is silence."""
        while self.ahead and self.ahead[0].end <= start:
            self.ahead.popleft()
        if not self.ahead:
            return
        first = self.ahead[0]
        if first.at < start:
            self.ahead[0] = Pcm(first.samples[:, start - first.at :], start)
            return
        for end in range(first.at, start, -SILENCE):
            at = max(start, end - SILENCE)
            self.ahead.appendleft(Pcm(np.zeros((2, end - at), np.float32), at))

    def advance(self, ticks: int) -> Opened:
        """Code about so much of it."""
        packets = []
        while self.ahead and ticks > 0:
            pcm = self.ahead.popleft()
            packets += self.encoder.encode(pcm)
            ticks -= pcm.end - pcm.at
        config = None if self._told else self.encoder.config
        self._told = True
        return Opened(self.encoder.rendition, config, packets)


class Pipeline:
    """Decoder, normaliser, seam and encoders of one station, whatever input is on."""

    def __init__(self, history_ticks: int, tools: Tools, limit: Limit | None = None) -> None:
        self._history_ticks = history_ticks
        self._limit = limit
        self._tools = tools
        self._history: deque[Pcm] = deque()
        self._encoders: dict[Rendition, Encoder] = {}
        self._openings: dict[Rendition, _Opening] = {}
        self._lost = 0
        self._short: list[Samples] = []
        self._short_ticks = 0
        self.effort = BEST
        """What encoders open with from now on; see `swap` for those that are open."""
        self.tap: Callable[[list[Pcm]], None] | None = None
        """Told what was decoded, after it was encoded. It must not raise."""
        self._decoder: Decoder | None = None
        self._normaliser: Normaliser | None = None
        self._format: Format | None = None
        self._seam = Seam()
        self._at: int | None = None
        self._past_errors = 0

    @property
    def errors(self) -> int:
        """Frames replaced by silence so far."""
        return self._past_errors + (self._decoder.errors if self._decoder else 0)

    @property
    def codecs(self) -> list[Codec]:
        """The coding of each open rendition."""
        return [rendition.codec for rendition in self._encoders]

    def begin(self, rendition: Rendition, ticks: int, resume: int | None = None) -> None:
        """Start encoding `rendition`, the last `ticks` of the history first, bit by bit: call
        `advance` while it is `catching_up`. With `resume`, go on where the packets of another
        encoder ended: none comes twice, and they are on the same grid."""
        encoder = Encoder(rendition, self._tools, self.effort, resume)
        if resume is None:
            start = (self._at or 0) - ticks
            kept = (pcm for pcm in self._history if pcm.end > start)
            self._openings[rendition] = _Opening(encoder, kept)
            return
        lead, duration = grid(rendition, self._tools)
        opening = self._openings[rendition] = _Opening(encoder, self._history)
        opening.begin(resume + lead - PRE_ROLL * duration)

    @property
    def catching_up(self) -> bool:
        """Whether `advance` has something to do."""
        return bool(self._openings)

    def advance(self, ticks: int) -> list[Opened]:
        """Code about `ticks` of the history, of each rendition begun its share; what that made.

        It is of use at once: a listener hears the beginning while the rest is still being coded.
        """
        made = []
        share = ticks // max(1, len(self._openings))
        for rendition, opening in list(self._openings.items()):
            made.append(opening.advance(share))
            if not opening.ahead:
                del self._openings[rendition]
                self._encoders[rendition] = opening.encoder
        return made

    def close(self, rendition: Rendition) -> None:
        """Stop encoding `rendition`; unknown ones are ignored."""
        self._encoders.pop(rendition, None)
        self._openings.pop(rendition, None)

    def swap(self) -> bool:
        """Give one open encoder `effort`, without a seam. False when there is none to swap."""
        for rendition, encoder in self._encoders.items():
            if encoder.takes(self.effort):
                new = successor(encoder, self.effort, self._history)
                if new is not None:
                    self._encoders[rendition] = new
                    return True
        return False

    def skip(self, ticks: int) -> None:
        """So much of the source is left out: silence comes in its place, with the next frame."""
        self._lost += ticks

    def feed(self, frame: Frame, packet: Packet) -> dict[Rendition, list[Packet]]:
        """Everything that one source frame, placed as `packet`, completes."""
        blocks = self._silence() if self._lost else []
        left_out = len(blocks)
        if frame.format is not self._format:
            blocks += self._change(frame, packet)
        assert self._decoder is not None  # noqa: S101 - _change has set it
        samples = self._decoder.decode(frame)
        if self._at is None:
            # Opus leaves its pre-skip out, however many packets that takes.
            self._at = packet.at + frame.format.pre_skip
        blocks += self._normalise(samples)
        made = self._encode(blocks)
        if self.tap is not None:
            self.tap(blocks[left_out:])
        return made

    def flush(self) -> dict[Rendition, list[Packet]]:
        """The tail of everything, at the end of the programme."""
        out = self._encode(self._silence() + self._drain() + self._rest())
        for rendition, encoder in self._encoders.items():
            out.setdefault(rendition, []).extend(encoder.flush())
        return out

    def _change(self, frame: Frame, packet: Packet) -> list[Pcm]:
        """Take up a new format. What the old one left short of its place becomes silence."""
        blocks = self._drain()
        if self._is_seam(frame.format):
            blocks += self._rest()
            self._seam.cut(last_of(self._history))
        self._past_errors = self.errors
        self._format = frame.format
        self._decoder = Decoder(frame.format, self._limit)
        self._normaliser = None
        if self._at is not None:
            start = packet.at + frame.format.pre_skip
            if 0 < start - self._at <= MAX_FILL:
                blocks += self._block(np.zeros((2, start - self._at), np.float32))
        return blocks

    def _is_seam(self, format: Format) -> bool:
        """Whether another input begins with `format`, or silence: between two there is always
        some. Links of one source's chain go on from each other."""
        before = self._format
        return before is not None and SourceCodec.SILENCE in (before.codec, format.codec)

    def _silence(self) -> list[Pcm]:
        """What stands for the frames left out, in blocks that cost no more than a frame each."""
        blocks = []
        if self._at is None:
            # The clock has not started: it does where the next frame stands.
            self._lost = 0
        while self._lost:
            size = min(self._lost, SILENCE)
            self._lost -= size
            blocks += self._block(np.zeros((2, size), np.float32))
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
        """`samples` at the running position, with what was too short before; nothing where they are
        too short still."""
        if not samples.shape[1]:
            return []
        samples = self._seam.feed(samples)
        self._at = (self._at or 0) + samples.shape[1]
        self._short.append(samples)
        self._short_ticks += samples.shape[1]
        return self._rest() if self._short_ticks >= LEAST_BLOCK else []

    def _rest(self) -> list[Pcm]:
        """What was too short for a block as one, kept as history."""
        if not self._short:
            return []
        short, self._short = self._short, []
        samples = short[0] if len(short) == 1 else np.concatenate(short, axis=1)
        pcm = Pcm(samples, (self._at or 0) - self._short_ticks)
        self._short_ticks = 0
        self._history.append(pcm)
        oldest = pcm.end - self._history_ticks
        while self._history[0].end < oldest:
            self._history.popleft()
        return [pcm]

    def _encode(self, blocks: list[Pcm]) -> dict[Rendition, list[Packet]]:
        for opening in self._openings.values():
            opening.ahead.extend(blocks)
        made: dict[Rendition, list[Packet]] = {}
        for rendition, encoder in self._encoders.items():
            packets = made[rendition] = []
            for pcm in blocks:
                packets += encoder.encode(pcm)
        return made
