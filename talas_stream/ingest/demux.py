"""One reading of a source's bytes for each container: what comes out is frames.

Does:        turn what the wire formats' parsers find into frames, with a new format wherever a
             decoder must start afresh.
Never:       decodes; guesses which container it is (ingest.reader does).
Guarantees:  every frame carries its exact length, told by the coding's own headers. A coding that
             cannot be taken is refused by name.
From / to:   ingest.reader  ->  here  ->  wire
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from talas_core.errors import UnsupportedMedia
from talas_stream.ingest.charge import work_seconds
from talas_stream.kernels import Kernels
from talas_stream.media import RATE, Codec, Format, Frame, SourceCodec
from talas_stream.wire import flac, flac_frames, framing, ogg, opus, wav, webm
from talas_stream.wire.errors import MalformedHeader

SENDABLE = "MP3, AAC with ADTS headers, FLAC, WAV, WebM with Opus, or Ogg with Opus, Vorbis or FLAC"

MAX_CHANNELS = 2

_IN_OGG: dict[str, Codec | SourceCodec] = {
    "opus": Codec.OPUS,
    "vorbis": SourceCodec.VORBIS,
    "flac": SourceCodec.FLAC,
}
_IN_WAV = {
    "s16": SourceCodec.PCM_S16,
    "s24": SourceCodec.PCM_S24,
    "s32": SourceCodec.PCM_S32,
    "f32": SourceCodec.PCM_F32,
    "f64": SourceCodec.PCM_F64,
}

_COMMENTS_AT = {"opus": len(opus.TAGS_MAGIC), "vorbis": 7, "flac": 4}
"""Where the comments begin in the second header; from there on all three are alike."""

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)


class _Parser(Protocol[Event_co]):
    """What every parser of wire/ is: bytes in, events out."""

    def feed(self, data: bytes) -> Sequence[Event_co]: ...
    def flush(self) -> Sequence[Event_co]: ...


class Demux(ABC, Generic[Event]):
    """One reading of the bytes."""

    tags: Mapping[str, str] = {}
    """What the stream says of what it plays, names in upper case; another object with each link."""

    shreds = False
    """Whether there may be pictures in it that were cut up, see wire.lookalike."""

    links = 0
    """Beginnings so far: each is a new format."""

    _parser: _Parser[Event]
    _format: Format | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. Raises UnsupportedMedia."""
        return self._frames(self._parser.feed(data))

    def flush(self) -> list[Frame]:
        """The frames that only the end completes."""
        return self._frames(self._parser.flush())

    @property
    @abstractmethod
    def fruitless(self) -> int:
        """Bytes since the last frame, less those that are overlooked."""

    @property
    def overlooked(self) -> int:
        """Bytes since the last frame that were tags and pictures, see wire.allowance."""
        return 0

    @property
    @abstractmethod
    def damage(self) -> dict[str, int]:
        """What was wrong with the bytes so far, counted by name."""

    @property
    @abstractmethod
    def work(self) -> float:
        """What all this took, in seconds by ingest.charge, bytes and frames left out."""

    @abstractmethod
    def _take(self, event: Event) -> Frame | None:
        """The frame that `event` is, or None. Whoever reads a beginning sets the format."""

    def _frames(self, events: Sequence[Event]) -> list[Frame]:
        return [frame for event in events if (frame := self._take(event)) is not None]


class Framed(Demux[bytes]):
    """Self-framing audio: MP3 or ADTS."""

    def __init__(self, codec: Codec, framer: framing.Framer) -> None:
        self._codec = codec
        self._framer = framer
        self.shreds = codec is Codec.MP3

    def feed(self, data: bytes) -> list[Frame]:
        return [self._take(payload) for payload in self._framer.cut(data)]

    def flush(self) -> list[Frame]:
        return [self._take(payload) for payload in self._framer.cut_rest()]

    @property
    def fruitless(self) -> int:
        return self._framer.bytes_since_frame

    @property
    def overlooked(self) -> int:
        return self._framer.allowance.overlooked

    @property
    def damage(self) -> dict[str, int]:
        return {"garbage_bytes": self._framer.garbage_bytes}

    @property
    def work(self) -> float:
        return work_seconds(garbage=self._framer.garbage_bytes, links=self.links)

    def _take(self, event: bytes) -> Frame:
        samples, rate, channels = self._framer.shape(event)
        known = self._format
        if known is None or known.rate != rate or known.channels != channels:
            self.links += 1
            _check(self._codec.value.upper(), rate, channels)
            self._format = known = Format(self._codec, rate, channels)
        return Frame(event, known, samples)


class Ogg(Demux[ogg.Event]):
    """Ogg pages that carry Opus, Vorbis or FLAC; each link of a chain is a new format."""

    def __init__(self, kernels: Kernels) -> None:
        self._parser = self._reader = ogg.PacketReader(kernels.ogg_scan)

    @property
    def fruitless(self) -> int:
        return self._reader.bytes_since_packet

    @property
    def overlooked(self) -> int:
        return self._reader.allowance.overlooked

    @property
    def damage(self) -> dict[str, int]:
        reader = self._reader
        return {
            "garbage_bytes": reader.garbage_bytes,
            "lost_pages": reader.lost_pages,
            "dropped_packets": reader.dropped_packets,
        }

    @property
    def work(self) -> float:
        reader = self._reader
        return work_seconds(steps=reader.steps, garbage=reader.garbage_bytes, links=self.links)

    def _take(self, event: ogg.Event) -> Frame | None:
        if isinstance(event, ogg.BeginStream):
            self.links += 1
            self._format = self._begin(event)
            self.tags = _tags(event)
        elif isinstance(event, ogg.Packet) and self._format is not None:
            return Frame(event.payload, self._format, event.samples)
        return None

    def _begin(self, event: ogg.BeginStream) -> Format:
        codec = _IN_OGG[event.codec]
        if self._format is not None and self._format.codec is not codec:
            # Listeners are served the source's own packets: those cannot change their coding.
            raise UnsupportedMedia(
                f"a stream that began as {_said(self._format.codec)} cannot go on as {_said(codec)}"
            )
        _check(_said(codec), event.sample_rate, event.channels)
        return Format(codec, event.sample_rate, event.channels, event.extradata, event.pre_skip)


class Flac(Demux[flac_frames.Event]):
    """FLAC without a container; each stream marker begins a new format."""

    def __init__(self, kernels: Kernels) -> None:
        self._parser = self._reader = flac_frames.FlacReader(kernels.flac_crc16)

    @property
    def fruitless(self) -> int:
        return self._reader.bytes_since_frame

    @property
    def overlooked(self) -> int:
        return self._reader.allowance.overlooked

    @property
    def damage(self) -> dict[str, int]:
        return {"damaged_frames": self._reader.damaged}

    @property
    def work(self) -> float:
        return work_seconds(steps=self._reader.steps, links=self.links)

    def _take(self, event: flac_frames.Event) -> Frame | None:
        if isinstance(event, flac.StreamInfo):
            self.links += 1
            _check("FLAC", event.rate, event.channels)
            self._format = Format(SourceCodec.FLAC, event.rate, event.channels, event.raw)
        elif self._format is not None:
            return Frame(event.payload, self._format, event.samples)
        return None


class Wav(Demux[wav.Event]):
    """WAV: bare samples in pieces of a fiftieth of a second."""

    def __init__(self) -> None:
        self._parser = self._reader = wav.WavReader()

    def feed(self, data: bytes) -> list[Frame]:
        try:
            return super().feed(data)
        except MalformedHeader as error:
            raise UnsupportedMedia(f"{error} Send {SENDABLE}") from error

    @property
    def fruitless(self) -> int:
        return self._reader.bytes_since_piece

    @property
    def damage(self) -> dict[str, int]:
        return {}  # every byte is a sample: there is no telling

    @property
    def work(self) -> float:
        return work_seconds(steps=self._reader.steps, links=self.links)

    def _take(self, event: wav.Event) -> Frame | None:
        if isinstance(event, wav.WavFormat):
            self.links += 1
            _check("WAV", event.rate, event.channels)
            self._format = Format(_IN_WAV[event.kind], event.rate, event.channels)
        elif self._format is not None:
            return Frame(event.payload, self._format, event.samples)
        return None


class Webm(Demux[webm.Event]):
    """WebM with Opus, as browsers record it."""

    def __init__(self) -> None:
        self._parser = self._reader = webm.WebmReader()
        self._streams = 1

    @property
    def fruitless(self) -> int:
        return self._reader.bytes_since_block

    @property
    def damage(self) -> dict[str, int]:
        reader = self._reader
        return {"garbage_bytes": reader.garbage_bytes, "dropped_packets": reader.dropped}

    @property
    def work(self) -> float:
        reader = self._reader
        return work_seconds(steps=reader.steps, garbage=reader.garbage_bytes, links=self.links)

    def _take(self, event: webm.Event) -> Frame | None:
        if isinstance(event, webm.Track):
            self.links += 1
            self._format = self._begin(event)
        elif self._format is not None:
            samples = opus.packet_samples(event.payload, self._streams)
            return Frame(event.payload, self._format, samples) if samples else None
        return None

    def _begin(self, track: webm.Track) -> Format:
        if track.codec != "A_OPUS":
            raise UnsupportedMedia(f"WebM with {track.codec} is not taken: send {SENDABLE}")
        try:
            head = opus.parse_head(track.private)
        except MalformedHeader as error:
            raise UnsupportedMedia(f"{error} Send {SENDABLE}") from error
        _check("Opus", RATE, head.channels)
        self._streams = head.streams
        return Format(Codec.OPUS, RATE, head.channels, track.private, head.pre_skip)


def _check(name: str, rate: int, channels: int) -> None:
    """Raises UnsupportedMedia for what is neither mono nor stereo, or has no sensible rate. ADTS
    may leave its channels to what is inside (ISO/IEC 14496-3, 1.6.2.1), which tells none here."""
    if not channels:
        raise UnsupportedMedia(f"{name} that hides its channels is not taken: send mono or stereo")
    if channels > MAX_CHANNELS:
        raise UnsupportedMedia(f"{name} with {channels} channels is not taken: send mono or stereo")
    if not 1000 <= rate <= 4 * RATE:
        raise UnsupportedMedia(f"{name} at {rate} Hz is not taken: send 1000 to {4 * RATE} Hz")


def _tags(event: ogg.BeginStream) -> dict[str, str]:
    """Its comments. Without any, or where they are broken: none, for the audio may be good."""
    comments = event.headers[1][_COMMENTS_AT[event.codec] :] if len(event.headers) > 1 else b""
    try:
        return opus.parse_tags(opus.TAGS_MAGIC + comments)
    except MalformedHeader:
        return {}


def _said(codec: Codec | SourceCodec) -> str:
    return codec.value.capitalize()
