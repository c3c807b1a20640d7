"""MPEG audio headers and frames, by the Python twin and by the native kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wire import cuts, demuxed, encoded
from talas_stream.kernels import select
from talas_stream.wire.mpeg import MpegFramer, MpegHeader, parse_header

NATIVE = select("auto")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"\xff\xfb\x90\x44", MpegHeader("1", 3, 128_000, 44100, 2, 1152, 417, crc=False)),
        (b"\xff\xfb\x92\x44", MpegHeader("1", 3, 128_000, 44100, 2, 1152, 418, crc=False)),
        (b"\xff\xfa\xe4\xc0", MpegHeader("1", 3, 320_000, 48000, 1, 1152, 960, crc=True)),
        (b"\xff\xf3\x80\xc0", MpegHeader("2", 3, 64_000, 22050, 1, 576, 208, crc=False)),
        (b"\xff\xe3\x18\x00", MpegHeader("2.5", 3, 8_000, 8000, 2, 576, 72, crc=False)),
        (b"\xff\xfd\xe8\x00", MpegHeader("1", 2, 384_000, 32000, 2, 1152, 1728, crc=False)),
        (b"\xff\xf5\xe8\x00", MpegHeader("2", 2, 160_000, 16000, 2, 1152, 1440, crc=False)),
        (b"\xff\xff\xe2\x00", MpegHeader("1", 1, 448_000, 44100, 2, 384, 488, crc=False)),
        (b"\xff\xf7\xe4\x00", MpegHeader("2", 1, 256_000, 24000, 2, 384, 512, crc=False)),
    ],
)
def test_a_header_tells_its_frame(field: bytes, expected: MpegHeader) -> None:
    assert parse_header(field) == expected
    assert parse_header(b"xy" + field + b"z", 2) == expected


@pytest.mark.parametrize(
    "field",
    [
        b"\xfe\xfb\x90\x44",
        b"\xff\xdb\x90\x44",
        b"\xff\xeb\x90\x44",
        b"\xff\xf9\x90\x44",
        b"\xff\xfb\x00\x44",
        b"\xff\xfb\xf0\x44",
        b"\xff\xfb\x9c\x44",
        b"\xff\xfb\x90\x46",
        b"\xff\xfb\x90",
        b"",
    ],
    ids=[
        "first byte",
        "sync word",
        "reserved version",
        "reserved layer",
        "free format",
        "forbidden bit rate",
        "reserved rate",
        "reserved emphasis",
        "three bytes",
        "nothing",
    ],
)
def test_bytes_that_are_no_mpeg_header_are_refused(field: bytes) -> None:
    assert parse_header(field) is None


def note(field: bytes, mark: bytes, at: int) -> bytes:
    """A frame with `mark` at the given place."""
    header = parse_header(field)
    assert header
    return (field + bytes(at - 4) + mark).ljust(header.frame_bytes, b"\0")


class TestMpegFramer:
    kernels = select("off")

    def framer(self) -> MpegFramer:
        return MpegFramer(self.kernels.mpeg_scan)

    @pytest.mark.parametrize(
        ("rate", "layout", "samples"),
        [
            (44100, "stereo", 1152),
            (48000, "mono", 1152),
            (22050, "stereo", 576),
            (8000, "mono", 576),
        ],
    )
    def test_the_same_frames_as_ffmpeg(self, rate: int, layout: str, samples: int) -> None:
        data = encoded("mp3", "libmp3lame", rate=rate, layout=layout, seconds=0.5)
        expected = demuxed(data, "mp3")
        for pieces in cuts(data):
            framer = self.framer()
            found = [frame for piece in pieces for frame in framer.feed(piece)] + framer.flush()
            assert [frame.payload for frame in found] == expected
            assert {frame.samples for frame in found} == {samples}
            assert {frame.sample_rate for frame in found} == {rate}
            assert {frame.channels for frame in found} == {1 if layout == "mono" else 2}
            assert framer.garbage_bytes == 0

    def test_layer_two_frames_are_cut_as_layer_three_s(self) -> None:
        data = encoded("mp2", "mp2", seconds=0.3)
        found = self.framer().feed(data)
        assert [frame.payload for frame in found] == demuxed(data, "mp3")[: len(found)]
        assert {(frame.samples, frame.sample_rate) for frame in found} == {(1152, 48000)}

    @pytest.mark.parametrize(
        ("field", "mark", "at"),
        [
            (b"\xff\xfb\x90\x44", b"Xing", 36),
            (b"\xff\xfb\x90\x44", b"Info", 36),
            (b"\xff\xfb\x90\xc4", b"Xing", 21),
            (b"\xff\xf3\x90\x44", b"Info", 21),
            (b"\xff\xf3\x90\xc4", b"Info", 13),
            (b"\xff\xfb\x90\x44", b"VBRI", 36),
        ],
    )
    def test_notes_about_the_file_are_no_audio(self, field: bytes, mark: bytes, at: int) -> None:
        audio = note(field, b"\x55" * 40, 60)
        data = note(field, mark, at) + audio * 2 + note(field, mark, at) + audio
        framer = self.framer()
        assert [frame.payload for frame in framer.feed(data) + framer.flush()] == [audio] * 3
        assert framer.garbage_bytes == 0

    def test_the_same_marks_elsewhere_are_audio(self) -> None:
        layer_two = note(b"\xff\xfd\x90\x44", b"Xing", 36)
        elsewhere = note(b"\xff\xfb\x90\x44", b"Xing", 37)
        for frame in (layer_two, elsewhere):
            framer = self.framer()
            found = framer.feed(frame * 3) + framer.flush()
            assert [each.payload for each in found] == [frame] * 3

    def test_frame_too_short_for_a_note_is_audio(self) -> None:
        frame = note(b"\xff\xf3\x14\x40", b"", 4)  # 24 bytes, of 8 kbit/s
        framer = self.framer()
        assert len(framer.feed(frame * 3) + framer.flush()) == 3

    def test_stereo_and_joint_stereo_are_one_stream(self) -> None:
        stereo, joint = note(b"\xff\xfb\x90\x04", b"", 4), note(b"\xff\xfb\x90\x64", b"", 4)
        framer = self.framer()
        found = framer.feed((stereo + joint) * 3) + framer.flush()
        assert [frame.channels for frame in found] == [2] * 6


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeMpegFramer(TestMpegFramer):
    kernels = NATIVE

    @given(fields=st.binary(min_size=3, max_size=3))
    def test_reads_every_header_as_the_twin_does(self, fields: bytes) -> None:
        """Two frames of the length the twin reads are frames for the kernel, too, or neither."""
        field = b"\xff" + fields
        header = parse_header(field)
        body = bytes((header.frame_bytes if header else 100) - 4)
        data = (field + body) * 2
        for final in (False, True):
            twin = select("off").mpeg_scan(data, 0, final)
            assert self.kernels.mpeg_scan(data, 0, final) == twin
            assert not header or final or twin[2]
