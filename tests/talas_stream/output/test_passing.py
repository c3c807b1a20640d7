"""What of a source can be passed on, and with which silence it goes on."""

import msgspec
import pytest

from support.sound import programme
from support.stage import OPUS_HEAD, frames_of
from talas_stream.media import LADDER, RATE, Codec, Format, Frame, Packet
from talas_stream.output.passing import own_coding, silence_after, untrimmed

LAYER_II = b"\xff\xfd\x84\x00" + bytes(380)


@pytest.mark.parametrize("coding", ["mp3", "aac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_and_aac_are_passed_on_in_their_own_rate_and_channels(
    coding: str, channels: int
) -> None:
    frames = frames_of(programme(0.5, 44_100, channels), coding, 44_100)
    wanted = msgspec.structs.replace(LADDER[coding], rate=44_100, channels=channels)
    assert own_coding(frames[0]) == wanted


def test_opus_is_passed_on_alike_in_mono_and_stereo() -> None:
    for channels in (1, 2):
        frames = frames_of(programme(0.5, channels=channels), "opus")
        assert own_coding(frames[0]) == LADDER["opus"]


@pytest.mark.parametrize("coding", ["vorbis", "flac", "wav"])
def test_what_nobody_is_served_is_not_passed_on(coding: str) -> None:
    assert own_coding(frames_of(programme(0.5), coding)[0]) is None


def opus(gain: int = 0, table: bytes = b"") -> Frame:
    config = OPUS_HEAD[:16] + gain.to_bytes(2, "little") + bytes((len(table) > 0,)) + table
    return Frame(b"\xfc\xff\xfe", Format(Codec.OPUS, RATE, 2, config, 312), 960)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(LAYER_II, Format(Codec.MP3, 48_000, 2), 1152),
        Frame(b"", Format(Codec.MP3, 48_000, 2), 1152),
        Frame(b"\xff\xf1\x0c\x80\x01\xff\xfc" + bytes(8), Format(Codec.AAC, 48_000, 2), 1024),
        opus(gain=256),
        opus(table=b"\x02\x00\x00\x01"),
        Frame(b"", Format(Codec.OPUS, RATE, 2), 960),
    ],
    ids=["layer II", "damaged", "AAC Main", "Opus with a gain", "Opus of two streams", "no head"],
)
def test_what_an_encoder_could_not_go_on_with_is_not_passed_on(frame: Frame) -> None:
    assert own_coding(frame) is None


def test_plain_opus_is_passed_on() -> None:
    assert own_coding(opus()) == LADDER["opus"]
    assert own_coding(opus(table=b"\x01\x01\x00\x01")) == LADDER["opus"]


@pytest.mark.parametrize(("coding", "samples"), [("mp3", 576), ("aac", 1024), ("opus", 960)])
def test_silence_has_the_samples_of_its_coding(coding: str, samples: int) -> None:
    rate = RATE if coding == "opus" else 22_050
    frame = frames_of(programme(0.5, rate), coding, rate)[0]
    own = own_coding(frame)
    assert own is not None
    quiet, length = silence_after(own, frame.payload, 200)
    assert length == samples
    assert own_coding(Frame(quiet, frame.format, samples)) == own


def test_last_packet_of_an_ogg_stream_is_taken_for_as_long_as_it_plays() -> None:
    short = Packet(b"\xfc\xff\xfe", 1000, 312)
    assert untrimmed(short, LADDER["opus"]) == Packet(short.payload, 1000, 960)
    assert untrimmed(short, LADDER["mp3"]) is short
    whole = Packet(b"\xfc\xff\xfe", 1000, 960)
    assert untrimmed(whole, LADDER["opus"]) is whole
