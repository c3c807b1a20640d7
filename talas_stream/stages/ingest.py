"""From a source's bytes to coded frames, whatever the pieces they arrive in.

Does:        find out what the bytes are (MP3, ADTS AAC or Ogg Opus), whatever the Content-Type
             claims, and cut them into frames.
Never:       decodes; keeps more than the first bytes it needs to make up its mind.
Guarantees:  the same bytes give the same frames however they were cut up; input that is no audio is
             refused after a bounded number of bytes.
From / to:   sources  ->  here  ->  stages.timeline
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from talas_core.errors import UnsupportedMedia
from talas_stream.kernels import Kernels
from talas_stream.media import RATE, Codec, Format, Frame
from talas_stream.wire import framing, ogg
from talas_stream.wire.adts import AdtsFramer
from talas_stream.wire.mpeg import MpegFramer

GIVE_UP_BYTES = 512 * 1024
"""Bytes without one frame after which the input is called no audio. A picture in an ID3 tag of
200 KB is common; twice that is not."""

TYPES: dict[str, Codec] = {
    "audio/mpeg": Codec.MP3,
    "audio/mp3": Codec.MP3,
    "audio/x-mpeg": Codec.MP3,
    "audio/mpeg3": Codec.MP3,
    "audio/aac": Codec.AAC,
    "audio/aacp": Codec.AAC,
    "audio/x-aac": Codec.AAC,
    "audio/ogg": Codec.OPUS,
    "audio/opus": Codec.OPUS,
    "application/ogg": Codec.OPUS,
    "application/x-ogg": Codec.OPUS,
}
"""What a source may declare. `application/octet-stream` and nothing at all are looked into."""

UNTYPED = ("", "application/octet-stream")


def accepts(content_type: str) -> bool:
    """Whether a body declared as `content_type` is worth looking into."""
    return essence(content_type) in TYPES or essence(content_type) in UNTYPED


def essence(content_type: str) -> str:
    """The type without its parameters, in lower case (RFC 9110, section 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


class Demux(Protocol):
    """One reading of the bytes."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes."""
        ...

    def flush(self) -> list[Frame]:
        """The frames that only the end completes."""
        ...

    @property
    def fruitless(self) -> int:
        """Bytes since the last frame."""
        ...


class Ingest:
    """The bytes of one source, as frames.

    Until a reading has found its first frame all readings see the bytes; then that one goes on
    alone. So a wrong Content-Type costs nothing, and bytes are never kept for a second look.
    """

    def __init__(self, kernels: Kernels) -> None:
        self._readings: list[Demux] = [
            _OggOpus(kernels),
            _Framed(Codec.AAC, AdtsFramer(kernels.adts_scan, prompt=True)),
            _Framed(Codec.MP3, MpegFramer(kernels.mpeg_scan, prompt=True)),
        ]

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by `data`. Raises UnsupportedMedia when it is no audio."""
        return self._through(lambda reading: reading.feed(data))

    def flush(self) -> list[Frame]:
        """The frames completed by the end of the stream."""
        return self._through(lambda reading: reading.flush())

    def _through(self, step: Callable[[Demux], list[Frame]]) -> list[Frame]:
        for reading in self._readings:
            frames = step(reading)
            if frames:
                self._readings = [reading]
                return frames
        if min(reading.fruitless for reading in self._readings) > GIVE_UP_BYTES:
            raise UnsupportedMedia(f"no audio frame in {GIVE_UP_BYTES} bytes: send {SENDABLE}")
        return []


SENDABLE = "MP3, AAC with ADTS headers, or Ogg Opus"


class _Framed:
    """Self-framing audio: MP3 or ADTS."""

    def __init__(self, codec: Codec, framer: framing.Framer) -> None:
        self._codec = codec
        self._framer = framer
        self._format: Format | None = None

    def feed(self, data: bytes) -> list[Frame]:
        return [self._frame(raw) for raw in self._framer.feed(data)]

    def flush(self) -> list[Frame]:
        return [self._frame(raw) for raw in self._framer.flush()]

    @property
    def fruitless(self) -> int:
        return self._framer.bytes_since_frame

    def _frame(self, raw: framing.Frame) -> Frame:
        known = self._format
        if known is None or (known.rate, known.channels) != (raw.sample_rate, raw.channels):
            self._format = known = Format(self._codec, raw.sample_rate, raw.channels)
        return Frame(raw.payload, known, raw.samples)


class _OggOpus:
    """Ogg pages that carry Opus; other codecs in Ogg are refused by name."""

    def __init__(self, kernels: Kernels) -> None:
        self._reader = ogg.PacketReader(kernels.ogg_scan)
        self._format: Format | None = None

    def feed(self, data: bytes) -> list[Frame]:
        return self._frames(self._reader.feed(data))

    def flush(self) -> list[Frame]:
        return self._frames(self._reader.flush())

    @property
    def fruitless(self) -> int:
        return self._reader.bytes_since_packet

    def _frames(self, events: list[ogg.Event]) -> list[Frame]:
        frames = []
        for event in events:
            if isinstance(event, ogg.BeginStream):
                self._format = self._begin(event)
            elif isinstance(event, ogg.Packet) and self._format is not None:
                frames.append(Frame(event.payload, self._format, event.samples))
        return frames

    @staticmethod
    def _begin(event: ogg.BeginStream) -> Format:
        if event.codec != "opus":
            raise UnsupportedMedia(f"Ogg with {event.codec} is not taken: send {SENDABLE}")
        return Format(Codec.OPUS, RATE, event.channels, event.extradata, event.pre_skip)
