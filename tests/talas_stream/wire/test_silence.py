"""Frames of silence in the middle of a stream: decoders take them, and hear nothing."""

import numpy as np
import pytest

from support.sound import programme
from support.stage import frames_of
from talas_stream.codec.stages.decode import Decoder
from talas_stream.media import Codec, Frame
from talas_stream.wire import adts, mpeg, opus
from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.silence import OPUS_SAMPLES, silent_adts, silent_mpeg, silent_opus

SHAPES = [("mp3", rate, channels) for rate in (48_000, 44_100, 22_050) for channels in (1, 2)]
SHAPES += [("aac", rate, channels) for rate in (48_000, 44_100) for channels in (1, 2)]
SHAPES += [("opus", 48_000, 1), ("opus", 48_000, 2)]


def silence(codec: object, payload: bytes, size: int) -> bytes:
    if codec is Codec.MP3:
        return silent_mpeg(payload)
    return silent_adts(payload, size) if codec is Codec.AAC else silent_opus(size)


@pytest.mark.parametrize(("coding", "rate", "channels"), SHAPES)
def test_silence_within_a_stream_is_decoded_as_silence_and_the_stream_goes_on(
    coding: str, rate: int, channels: int
) -> None:
    frames = frames_of(programme(1.0, rate, channels), coding, rate)
    form, samples = frames[-2].format, frames[-2].samples
    size = sum(len(frame.payload) for frame in frames) // len(frames)
    quiet = silence(form.codec, frames[-1].payload, size)
    decoder = Decoder(form)
    for frame in frames:
        decoder.decode(frame)
    heard = [decoder.decode(Frame(quiet, form, samples)) for _ in range(6)]
    assert np.abs(np.concatenate(heard[2:], axis=1)).max() == 0.0
    again = [decoder.decode(frame) for frame in frames]
    assert np.abs(np.concatenate(again, axis=1)).max() > 0.1
    assert (decoder.errors, decoder.rate, heard[0].shape[0]) == (0, rate, channels)
    assert abs(len(quiet) - size) <= 4


def test_silence_keeps_rate_channels_and_kind() -> None:
    (sound, *_) = frames_of(programme(0.5, 44_100, 1), "mp3", 44_100)
    told, kept = mpeg.parse_header(silent_mpeg(sound.payload)), mpeg.parse_header(sound.payload)
    assert told is not None
    assert kept is not None
    assert (told.sample_rate, told.channels, told.bitrate) == (44_100, 1, kept.bitrate)
    (sound, *_) = frames_of(programme(0.5, 44_100, 1), "aac", 44_100)
    header, before = (
        adts.parse_header(data) for data in (silent_adts(sound.payload, 300), sound.payload)
    )
    assert header is not None
    assert before is not None
    assert (header.object_type, header.sample_rate, header.channels) == (
        before.object_type, before.sample_rate, before.channels,
    )  # fmt: skip


@pytest.mark.parametrize("size", [0, 3, 4, 5, 6, 7, 258, 259, 260, 515, 1275])
def test_opus_of_any_size_plays_20_ms(size: int) -> None:
    packet = silent_opus(size)
    assert opus.packet_samples(packet) == OPUS_SAMPLES
    assert len(packet) == max(size, 3) or abs(len(packet) - size) <= 2


@pytest.mark.parametrize("size", [0, 13, 14, 15, 16, 30, 31, 32, 33, 290, 600, 1500])
def test_adts_of_any_size_is_whole(size: int) -> None:
    (sound, *_) = frames_of(programme(0.5), "aac")
    frame = silent_adts(sound.payload, size)
    header = adts.parse_header(frame)
    assert header is not None
    assert header.frame_bytes == len(frame)
    assert len(frame) <= max(size, 14)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(MalformedHeader):
        silent_mpeg(b"\xff\xe0\x00\x00")
    with pytest.raises(MalformedHeader):
        silent_adts(bytes(9), 100)
