"""From a source's bytes to coded frames, whatever the pieces they arrive in.

Does:        find out what the bytes are, whatever the Content-Type claims, and have them cut into
             frames.
Never:       decodes; keeps more than the first bytes it needs to make up its mind.
Guarantees:  the same bytes give the same frames however they were cut up; input that is no audio is
             refused after a bounded number of bytes, with what its sender may set.
From / to:   ingest.intake  ->  here  ->  ingest.demux
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from talas_core.errors import UnsupportedMedia
from talas_stream.ingest.demux import SENDABLE, Demux, Flac, Framed, Ogg, Wav, Webm
from talas_stream.kernels import Kernels
from talas_stream.media import Codec, Frame
from talas_stream.wire import flac, wav, webm
from talas_stream.wire.adts import AdtsFramer
from talas_stream.wire.lookalike import MOST_BYTES, advice, is_shredded
from talas_stream.wire.mpeg import MpegFramer

__all__ = ["GIVE_UP_BYTES", "SENDABLE", "TYPES", "SourceReader", "accepts", "essence"]

GIVE_UP_BYTES = 512 * 1024
"""Bytes without one frame after which the input is called no audio. Of tags and pictures much more
may come, see wire.allowance."""
SHREDDED_BYTES = 4 << 20
"""Of a picture that was cut up, that is borne with: of one of 3 MB half is sent."""
SHREDDED_IN_TIME = 256 << 10
"""Of these, what counts as a picture's bytes in time: half a minute, see ingest/intake.py."""

TYPES = frozenset(
    f"audio/{name}"
    for name in (
        "mpeg", "mp3", "x-mpeg", "mpeg3", "aac", "aacp", "x-aac", "ogg", "opus", "vorbis",
        "flac", "x-flac", "wav", "x-wav", "wave", "vnd.wave", "webm",
    )
) | {"application/ogg", "application/x-ogg"}  # fmt: skip
"""What a source may declare. `application/octet-stream` and nothing at all are looked into."""

UNTYPED = ("", "application/octet-stream")

NO_TAGS: Mapping[str, str] = MappingProxyType({})

# What begins with these is that and nothing else. Everything else may have garbage in front.
_SIGNED: dict[bytes, Callable[[Kernels], Demux[Any]]] = {
    flac.MARKER: Flac,
    webm.SIGNATURE: lambda _: Webm(),
    wav.SIGNATURES[0]: lambda _: Wav(),
    wav.SIGNATURES[1]: lambda _: Wav(),
}
_SIGNATURE_BYTES = 4


def accepts(content_type: str) -> bool:
    """Whether a body declared as `content_type` is worth looking into."""
    return essence(content_type) in TYPES or essence(content_type) in UNTYPED


def essence(content_type: str) -> str:
    """The type without its parameters, in lower case (RFC 9110, section 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


class SourceReader:
    """The bytes of one source, as frames.

    A signature in the first bytes decides. Without one, until a reading has found its first frame
    all readings see the bytes; then that one goes on alone. So a wrong Content-Type costs nothing,
    and bytes are never kept for a second look.
    """

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._head = b""
        self._opening = b""  # of what has no frame
        self._shredded = False
        self._readings: list[Demux[Any]] = []
        self._sure: Demux[Any] | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by `data`. Raises UnsupportedMedia when it is no audio."""
        if self._sure is not None:
            frames = self._sure.feed(data)
            if frames:
                self._forget()
            else:
                self._remember(data)
                self._check(self._sure.fruitless)
            return frames
        if not self._readings:
            data = self._head + data
            if len(data) < _SIGNATURE_BYTES:
                self._head = data
                return []
            self._keep(self._choose(data))
        self._remember(data)
        return self._through(lambda reading: reading.feed(data))

    def flush(self) -> list[Frame]:
        """The frames completed by the end of the stream."""
        return self._through(lambda reading: reading.flush())

    @property
    def tags(self) -> Mapping[str, str]:
        """What the stream says of what it plays, see Demux; empty while its reading is not sure."""
        return NO_TAGS if self._sure is None else self._sure.tags

    @property
    def overlooked(self) -> int:
        """Bytes since the last frame that were tags and pictures, see wire.allowance."""
        told = max((reading.overlooked for reading in self._readings), default=0)
        return told + min(self._fruitless, SHREDDED_IN_TIME) if self._shredded else told

    def no_audio(self, span: str) -> UnsupportedMedia:
        """The refusal of what had no frame in `span`, words for bytes or seconds."""
        known = advice(self._opening)
        ending = f"{known}; taken are {SENDABLE}" if known else f"send {SENDABLE}"
        return UnsupportedMedia(f"no audio frame in {span}: {ending}")

    @property
    def damage(self) -> dict[str, int]:
        """What was wrong with the bytes so far, counted by name; empty while nothing was, or while
        it is not known what they are."""
        found = {} if self._sure is None else self._sure.damage
        return {name: count for name, count in found.items() if count}

    @property
    def work(self) -> float:
        """What finding the frames took, see Demux; the least of the readings until one is sure: to
        each the others' frames are garbage."""
        if self._sure is not None:
            return self._sure.work
        return min((reading.work for reading in self._readings), default=0.0)

    def _choose(self, data: bytes) -> list[Demux[Any]]:
        signed = _SIGNED.get(data[:_SIGNATURE_BYTES])
        if signed is not None:
            return [signed(self._kernels)]
        return [
            Ogg(self._kernels),
            Framed(Codec.AAC, AdtsFramer(self._kernels.adts_scan, prompt=True)),
            Framed(Codec.MP3, MpegFramer(self._kernels.mpeg_scan, prompt=True)),
        ]

    def _through(self, step: Callable[[Demux[Any]], list[Frame]]) -> list[Frame]:
        for reading in self._readings:
            frames = step(reading)
            if frames:
                self._keep([reading])
                return frames
        self._check(self._fruitless)
        return []

    @property
    def _fruitless(self) -> int:
        """Bytes since the last frame, by the reading that makes most of them."""
        return min((reading.fruitless for reading in self._readings), default=0)

    def _keep(self, readings: list[Demux[Any]]) -> None:
        self._readings = readings
        self._sure = readings[0] if len(readings) == 1 else None
        if self._sure is not None:
            self._forget()

    def _remember(self, data: bytes) -> None:
        """Keep the first bytes without a frame, and see whether a picture may have been cut up."""
        if len(self._opening) < MOST_BYTES:
            self._opening += data[: MOST_BYTES - len(self._opening)]
            sure = self._sure
            possible = sure is None or sure.shreds
            self._shredded = possible and is_shredded(self._opening, within=sure is not None)

    def _forget(self) -> None:
        """A frame came."""
        if self._opening:
            self._opening, self._shredded = b"", False

    def _check(self, fruitless: int) -> None:
        if fruitless > GIVE_UP_BYTES + (SHREDDED_BYTES if self._shredded else 0):
            raise self.no_audio(f"{GIVE_UP_BYTES} bytes")
