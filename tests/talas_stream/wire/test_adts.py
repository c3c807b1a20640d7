"""ADTS headers and frames, by the Python twin and by the native kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wire import cuts, demuxed, encoded
from talas_stream.kernels import select
from talas_stream.wire.adts import (
    MAX_FRAME_BYTES,
    AdtsFramer,
    AdtsHeader,
    AudioSpecificConfig,
    adts_header,
    parse_config,
    parse_header,
)
from talas_stream.wire.errors import MalformedHeader

NATIVE = select("auto")
LC = AudioSpecificConfig(object_type=2, sample_rate=48000, channels=2)


def frame(payload: bytes, config: AudioSpecificConfig = LC) -> bytes:
    return adts_header(config, len(payload)) + payload


def with_crc(payload: bytes) -> bytes:
    """A frame whose header is followed by two bytes of checksum."""
    plain = bytearray(frame(b"\x12\x34" + payload))
    plain[1] &= 0xFE
    return bytes(plain)


def of_blocks(payload: bytes, blocks: int) -> bytes:
    """A frame of several raw data blocks."""
    plain = bytearray(frame(payload))
    plain[6] |= blocks - 1
    return bytes(plain)


@given(
    object_type=st.integers(1, 4),
    sample_rate=st.sampled_from((96000, 48000, 44100, 22050, 8000, 7350)),
    channels=st.sampled_from((0, 1, 2, 3, 4, 5, 6, 8)),
    size=st.integers(1, MAX_FRAME_BYTES - 7),
)
def test_a_header_is_read_as_it_was_written(
    object_type: int, sample_rate: int, channels: int, size: int
) -> None:
    config = AudioSpecificConfig(object_type, sample_rate, channels)
    header = adts_header(config, size)
    assert parse_header(b"." + header, 1) == AdtsHeader(
        object_type, sample_rate, channels, 1024, 7, size + 7
    )


@pytest.mark.parametrize(
    ("config", "size"),
    [
        (LC, 0),
        (LC, MAX_FRAME_BYTES - 6),
        (AudioSpecificConfig(5, 48000, 2), 9),
        (AudioSpecificConfig(2, 44000, 2), 9),
        (AudioSpecificConfig(2, 48000, 7), 9),
    ],
    ids=["empty", "too large", "object type", "rate", "channels"],
)
def test_config_that_no_adts_header_can_say_is_refused(
    config: AudioSpecificConfig, size: int
) -> None:
    with pytest.raises(ValueError):
        adts_header(config, size)


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 0xFE), (1, 0xE1), (1, 0xF3), (2, 0x74), (4, 0), (1, 0xF0)],
    ids=["first byte", "sync word", "layer", "reserved rate", "too short", "no room for its CRC"],
)
def test_bytes_that_are_no_adts_header_are_refused(place: int, value: int) -> None:
    field = bytearray(adts_header(LC, 2))
    field[place] = value
    assert parse_header(bytes(field)) is None
    assert parse_header(adts_header(LC, 2)[:6]) is None


def test_a_crc_and_several_blocks_are_told() -> None:
    protected = parse_header(with_crc(b"abc"))
    assert protected and (protected.header_bytes, protected.frame_bytes) == (9, 12)
    several = parse_header(of_blocks(b"abc", 3))
    assert several and several.samples == 3072


def test_the_config_an_encoder_gives() -> None:
    assert parse_config(b"\x11\x90") == LC
    assert parse_config(b"\x12\x10\x56\xe5\x00") == AudioSpecificConfig(2, 44100, 2)


@pytest.mark.parametrize("data", [b"", b"\x11", b"\x29\x90", b"\x17\x90", b"\x11\xc0"])
def test_config_that_adts_cannot_carry_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedHeader):
        parse_config(data)


class TestAdtsFramer:
    kernels = select("off")

    def run(self, data: bytes) -> tuple[list[bytes], AdtsFramer]:
        answers = []
        for pieces in cuts(data):
            framer = AdtsFramer(self.kernels.adts_scan)
            found = [each for piece in pieces for each in framer.feed(piece)] + framer.flush()
            answers.append(([each.payload for each in found], framer.garbage_bytes))
        assert all(answer == answers[0] for answer in answers)
        return answers[0][0], framer

    @pytest.mark.parametrize(("rate", "layout"), [(48000, "stereo"), (22050, "mono")])
    def test_the_same_frames_as_ffmpeg(self, rate: int, layout: str) -> None:
        data = encoded("adts", "aac", rate=rate, layout=layout, seconds=0.5)
        found, framer = self.run(data)
        assert found == demuxed(data, "aac")
        assert framer.garbage_bytes == 0
        labelled = AdtsFramer(self.kernels.adts_scan).feed(data)[0]
        assert (labelled.samples, labelled.sample_rate) == (1024, rate)
        assert labelled.channels == (1 if layout == "mono" else 2)

    def test_several_blocks_last_longer(self) -> None:
        framer = AdtsFramer(self.kernels.adts_scan)
        found = framer.feed(of_blocks(b"x" * 50, 4) * 3)
        assert [each.samples for each in found] == [4096, 4096]

    def test_frames_with_and_without_a_crc_are_one_stream(self) -> None:
        frames = [frame(b"a" * 80), with_crc(b"b" * 90), frame(b"c" * 70)]
        found, framer = self.run(b"".join(frames))
        assert found == frames
        assert framer.garbage_bytes == 0

    def test_damage_costs_only_the_damaged_frame(self) -> None:
        frames = [frame(bytes((index,)) * 200) for index in range(1, 9)]
        data = b"noise" + b"".join(frames[:3]) + frames[3][:100] + b"".join(frames[4:])
        found, framer = self.run(data)
        assert found == frames[:3] + frames[4:]
        assert framer.garbage_bytes == 105

    def test_largest_adts_frames_are_cut_whole(self) -> None:
        frames = [frame(b"\xff" * (MAX_FRAME_BYTES - 7))] * 3
        found, _ = self.run(b"".join(frames))
        assert found == frames

    def test_a_header_without_a_body_is_no_frame(self) -> None:
        """A decoder takes an empty packet for the end of the stream."""
        empty = bytearray(frame(b"x"))[:7]
        empty[4:6] = (7 >> 3, (7 & 7) << 5 | 0x1F)
        sound = [frame(b"a" * 80)] * 3
        found, framer = self.run(b"".join(sound) + bytes(empty) + b"".join(sound))
        assert found == sound * 2
        assert framer.garbage_bytes == 7

    def test_other_channels_are_another_stream(self) -> None:
        mono = AudioSpecificConfig(2, 48000, 1)
        frames = [frame(b"a" * 80)] * 3 + [frame(b"b" * 80, mono)] * 3
        framer = AdtsFramer(self.kernels.adts_scan)
        found = framer.feed(b"".join(frames)) + framer.flush()
        assert [each.channels for each in found] == [2, 2, 2, 1, 1, 1]

    def test_a_prompt_framer_in_step_waits_for_nothing(self) -> None:
        framer = AdtsFramer(self.kernels.adts_scan, prompt=True)
        frames = [frame(bytes([number]) * 200) for number in range(1, 9)]
        assert framer.feed(frames[0]) == []
        assert [f.payload for f in framer.feed(frames[1])] == frames[:2]
        for one in frames[2:]:
            assert [f.payload for f in framer.feed(one)] == [one]


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeAdtsFramer(TestAdtsFramer):
    kernels = NATIVE

    @given(data=st.data())
    def test_scans_as_the_twin_does(self, data: st.DataObject) -> None:
        sound = st.binary(min_size=1, max_size=60).map(frame)
        protected = st.binary(min_size=1, max_size=60).map(with_crc)
        torn = st.tuples(sound, st.integers(1, 20)).map(lambda pair: pair[0][: -pair[1]])
        field = st.binary(min_size=6, max_size=6).map(lambda rest: b"\xff" + rest)
        piece = st.one_of(sound, protected, torn, field, st.binary(max_size=20))
        stream = b"".join(data.draw(st.lists(piece)))
        reference = data.draw(st.sampled_from((0, 0xFFF04C80 & 0xFFFEFDC0)))
        final = data.draw(st.booleans())
        for prompt in (False, True):
            twin = select("off").adts_scan(stream, reference, final, prompt)
            assert self.kernels.adts_scan(stream, reference, final, prompt) == twin
