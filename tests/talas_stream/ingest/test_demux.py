"""Each container's reading: exact lengths, formats, and refusals by name."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest

from support.sound import SENT_ALSO, Array, coded, programme
from support.stage import KERNELS
from support.wire import cuts, encoded
from talas_core.errors import UnsupportedMedia
from talas_stream.codec.stages.decode import Decoder
from talas_stream.ingest.demux import Demux, Flac, Framed, Ogg, Wav, Webm
from talas_stream.media import Codec, Format, Frame, SourceCodec
from talas_stream.wire.adts import AdtsFramer

READINGS: dict[str, Callable[[], Demux[Any]]] = {
    "vorbis": lambda: Ogg(KERNELS), "ogg-flac": lambda: Ogg(KERNELS),
    "flac": lambda: Flac(KERNELS), "wav": Wav, "wav-24": Wav, "wav-32": Wav,
    "wav-float": Wav, "webm": Webm, "aac": lambda: Framed(Codec.AAC, AdtsFramer()),
}  # fmt: skip


def read(coding: str, *pieces: bytes) -> list[Frame]:
    reading = READINGS[coding]()
    return [frame for piece in pieces for frame in reading.feed(piece)] + reading.flush()


def told(frames: list[Frame]) -> list[tuple[bytes, int, str, int, int, bytes]]:
    return [
        (f.payload, f.samples, f.format.codec, f.format.rate, f.format.channels, f.format.config)
        for f in frames
    ]


def formats(frames: list[Frame]) -> list[Format]:
    return list({id(frame.format): frame.format for frame in frames}.values())


def by_ffmpeg(data: bytes) -> Array:
    """What FFmpeg makes of it: float32 in [-1, 1], shape (channels, n)."""
    pieces = []
    with av.open(io.BytesIO(data)) as source:
        for frame in source.decode(audio=0):
            samples = frame.to_ndarray()
            if samples.dtype.kind == "i":
                samples = (samples / float(np.iinfo(samples.dtype).max + 1)).astype(np.float32)
            channels = frame.layout.nb_channels
            pieces.append(samples if frame.format.is_planar else samples.reshape(-1, channels).T)
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("coding", SENT_ALSO)
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 1)])
def test_the_same_samples_as_ffmpeg(coding: str, rate: int, channels: int) -> None:
    if coding == "webm":
        rate = 48_000
    data = coded(programme(1.0, rate, channels), coding, rate)
    frames = read(coding, data)
    decoder = Decoder(frames[0].format)
    mine = np.concatenate([decoder.decode(frame) for frame in frames], axis=1)
    theirs = by_ffmpeg(data)
    assert (frames[0].format.rate, mine.shape[0]) == (rate, channels)
    # FFmpeg leaves out what the container says is padding at the end.
    size = theirs.shape[1]
    padding = {"webm": 960, "vorbis": 2048}.get(coding, 1)
    assert 0 <= mine.shape[1] - size < padding
    np.testing.assert_allclose(mine[:, :size], theirs, atol=1e-6)
    assert decoder.errors == 0


@pytest.mark.parametrize("coding", SENT_ALSO)
def test_the_same_frames_however_the_bytes_are_cut(coding: str) -> None:
    data = coded(programme(0.2), coding)
    whole = told(read(coding, data))
    assert whole
    for pieces in cuts(data):
        assert told(read(coding, *pieces)) == whole


@pytest.mark.parametrize("coding", SENT_ALSO)
def test_another_rate_and_channel_count_is_another_format(coding: str) -> None:
    other_rate = 48_000 if coding == "webm" else 22_050
    one = coded(programme(0.3), coding)
    two = coded(programme(0.3, other_rate, channels=1), coding, other_rate)
    frames = read(coding, one + two + one)
    found = formats(frames)
    assert [(form.rate, form.channels) for form in found] == [
        (48_000, 2), (other_rate, 1), (48_000, 2),
    ]  # fmt: skip
    decoders = {id(form): Decoder(form) for form in found}
    decoded = [decoders[id(frame.format)].decode(frame) for frame in frames]
    assert all(
        piece.shape[0] == frame.format.channels
        for piece, frame in zip(decoded, frames, strict=True)
    )
    assert sum(decoder.errors for decoder in decoders.values()) == 0


@pytest.mark.parametrize("coding", SENT_ALSO)
def test_damage_is_counted_where_it_can_be_told(coding: str) -> None:
    reading, data = READINGS[coding](), coded(programme(0.5), coding)
    frames = reading.feed(data)
    assert not any(reading.damage.values())
    hurt = bytearray(data)
    hurt[len(data) * 2 // 3] ^= 0x55
    reading = READINGS[coding]()
    lost = reading.feed(bytes(hurt) + bytes(3000))
    if coding in ("vorbis", "ogg-flac", "flac"):
        assert any(reading.damage.values())
    assert len(lost) <= len(frames) + 4


def test_webm_is_opus_and_passes_through() -> None:
    (form,) = formats(read("webm", coded(programme(0.2), "webm")))
    assert (form.codec, form.pre_skip) == (Codec.OPUS, 312)
    assert form.config.startswith(b"OpusHead")


def test_coding_that_is_only_decoded_is_a_source_codec() -> None:
    codecs = {coding: formats(read(coding, coded(programme(0.2), coding)))[0].codec
              for coding in SENT_ALSO if coding != "webm"}  # fmt: skip
    assert all(isinstance(codec, SourceCodec) for codec in codecs.values())


def test_a_chain_that_changes_its_coding_is_refused() -> None:
    data = encoded("ogg", "libopus", seconds=0.2) + encoded("ogg", "flac", seconds=0.2)
    with pytest.raises(UnsupportedMedia, match="began as Opus cannot go on as Flac"):
        read("vorbis", data)


@pytest.mark.parametrize(
    ("coding", "data", "reason"),
    [
        ("ogg-flac", encoded("ogg", "flac", seconds=0.1, layout="5.1"), "Flac with 6 channels"),
        ("vorbis", encoded("ogg", "libopus", seconds=0.1, layout="5.1"), "Opus with 6 channels"),
        ("webm", encoded("webm", "libopus", seconds=0.1, layout="5.1"), "Opus with 6 channels"),
        ("aac", encoded("adts", "aac", seconds=0.1, layout="5.1"), "AAC with 6 channels"),
        ("aac", encoded("adts", "aac", seconds=0.1, layout="4.0"), "AAC with 4 channels"),
        ("aac", encoded("adts", "aac", seconds=0.1, layout="5.0(side)"), "AAC"),
        ("flac", encoded("flac", "flac", seconds=0.1, layout="5.1"), "FLAC with 6 channels"),
        ("wav", encoded("wav", "pcm_s16le", seconds=0.1, layout="5.1"), "WAV with 6 channels"),
        ("wav", encoded("wav", "pcm_u8", seconds=0.1), "8 bits"),
        ("wav", encoded("wav", "pcm_s16le", seconds=0.1, rate=500), "500 Hz"),
        ("webm", encoded("webm", "vorbis", seconds=0.1), "A_VORBIS"),
        ("webm", encoded("webm", "libopus", seconds=0.1).replace(b"OpusHead", b"OpusTail"), "Opus"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(coding: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedMedia, match=reason):
        read(coding, data)
