"""From coded frames to samples, with a PyAV decoder that is fed by hand.

Does:        decode frame after frame; put silence where a frame could not be decoded.
Never:       lets a bad frame end the stream, or a wild sample (over full scale, NaN) go on.
Guarantees:  every frame yields as many samples as its header promised, so the clock is kept
             whatever the source sends; a new format gets a new decoder, and one that cannot begin
             is not tried again; silence needs none.
Danger:      FFmpeg reads up to 64 bytes beyond a packet. `Packet(bytes)` hands it memory without
             that padding; a packet made by size and then filled is padded. An empty packet would
             put the decoder into its draining state for ever, so it is never sent. PyAV counts a
             frame's planes up to a zero that is not there where all eight places are taken: of what
             it gives, only as many as there are channels may be read.
From / to:   station.timeline  ->  here  ->  stages.normalise
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from talas_stream.media import RATE, Codec, Format, Frame, Samples, SourceCodec
from talas_stream.wire.samples import Limit, limit_planes

# The float decoders, by their FFmpeg names.
_DECODER = {Codec.MP3: "mp3float", Codec.AAC: "aac", Codec.OPUS: "opus"}
_FULL_SCALE = {"int16": 2**15, "int32": 2**31}

MOST_CHANNELS = 8
"""Of a frame that is looked at: FFmpeg keeps the places of more somewhere else, where PyAV would
read on beyond their end."""


class Decoder:
    """Decoder of one format. `errors` counts the frames it had to replace by silence."""

    def __init__(self, format: Format, limit: Limit | None = None) -> None:
        self._format = format
        self._limit = limit or limit_planes
        self._context = _opened(format)
        self._skip = format.pre_skip
        self._channels = max(format.channels, 1)
        self.errors = 0
        self.rate = format.rate
        """Rate of the samples in Hz. It may be twice the format's: HE-AAC says so only inside."""

    def decode(self, frame: Frame) -> Samples:
        """The samples of `frame`, shape (channels, n) at `rate`."""
        if self._format.codec is SourceCodec.SILENCE:
            return np.zeros((self._channels, frame.samples), np.float32)
        decoded = self._run(frame.payload)
        pieces = [self._planes(piece) for piece in decoded]
        if decoded:
            self.rate, self._channels = decoded[0].sample_rate, pieces[0].shape[0]
        wanted = frame.samples * self.rate // self._format.rate
        if self._skip:
            wanted -= self._skipped(frame)
        return _exactly(wanted, self._channels, pieces)

    def _run(self, payload: bytes) -> list[AudioFrame]:
        if payload and self._context is not None:
            packet = av.Packet(len(payload))
            packet.update(payload)
            with contextlib.suppress(av.FFmpegError):
                decoded = self._context.decode(packet)
                if all(piece.layout.nb_channels <= MOST_CHANNELS for piece in decoded):
                    return decoded
        self.errors += 1
        return []

    def _skipped(self, frame: Frame) -> int:
        """Samples the decoder itself leaves out of this frame: Opus pre-skip (RFC 7845, 4.2)."""
        skipped = min(self._skip, frame.samples)
        self._skip -= skipped
        return skipped * self.rate // RATE

    def _planes(self, piece: AudioFrame) -> Samples:
        """The piece's samples as float32 in [-1, 1], shape (channels, n)."""
        if piece.format.name == "fltp":
            return self._limit(piece.planes[: piece.layout.nb_channels], piece.samples)
        return self._limit(tuple(_converted(piece)), piece.samples)


def _opened(format: Format) -> AudioCodecContext | None:
    """FFmpeg's decoder; None where it refuses the format, and for silence."""
    if format.codec is SourceCodec.SILENCE:
        return None
    context = _context(format)
    try:
        # Otherwise it is opened with the first packet, and where that fails, with each: what a
        # stream's beginning costs would be paid for every frame.
        context.open(strict=False)
    except av.FFmpegError:
        return None
    return context


def _context(format: Format) -> AudioCodecContext:
    codec = format.codec
    name = codec.value if isinstance(codec, SourceCodec) else _DECODER[codec]
    context: AudioCodecContext = av.CodecContext.create(name, "r")  # type: ignore[assignment]
    if format.config:
        context.extradata = format.config
    elif isinstance(codec, SourceCodec):
        # Bare samples say nothing of themselves.
        context.sample_rate = format.rate
        context.layout = "mono" if format.channels == 1 else "stereo"
    return context


def _converted(piece: AudioFrame) -> Samples:
    """Samples of another kind as float32, shape (channels, n). Doubles may be beyond its range."""
    samples = piece.to_ndarray()
    if not piece.format.is_planar:
        samples = samples.reshape(-1, piece.layout.nb_channels).T
    full_scale = _FULL_SCALE.get(samples.dtype.name, 1)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(samples, np.float32) / np.float32(full_scale)


def _exactly(wanted: int, channels: int, pieces: Sequence[Samples]) -> Samples:
    """The pieces as one run of exactly `wanted` samples: cut, or filled with silence in front.

    What is cut is the end: of a stream's last frame, less may be meant than is coded."""
    if len(pieces) == 1 and pieces[0].shape[1] == wanted:
        return pieces[0]
    joined = np.concatenate(pieces, axis=1) if pieces else np.zeros((channels, 0), np.float32)
    missing = wanted - joined.shape[1]
    if missing > 0:
        silence = np.zeros((joined.shape[0], missing), np.float32)
        return np.concatenate([silence, joined], axis=1)
    return joined[:, : max(wanted, 0)]
