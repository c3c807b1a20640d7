"""What framing promises for any codec, shown on MP3 by the Python twin and by the native kernel."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wire import cuts, encoded
from talas_stream.kernels import select
from talas_stream.wire.framing import Frame, byte_class, tag_bytes
from talas_stream.wire.mpeg import MpegFramer

NATIVE = select("auto")
RATE = 44100


@pytest.fixture(scope="module")
def frames() -> list[bytes]:
    framer = MpegFramer()
    data = encoded("mp3", "libmp3lame", rate=RATE)
    return [frame.payload for frame in framer.feed(data) + framer.flush()]


def id3(size: int, *, flags: int = 0, seed: int = 1) -> bytes:
    """An ID3v2 tag whose body is random, and so full of false headers."""
    digits = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    footer = b"3DI\x04\x00\x10" + digits if flags & 0x10 else b""
    return b"ID3\x04\x00" + bytes((flags,)) + digits + random.Random(seed).randbytes(size) + footer


def payloads(found: list[Frame]) -> list[bytes]:
    return [frame.payload for frame in found]


class TestFramer:
    kernels = select("off")

    def framer(self) -> MpegFramer:
        return MpegFramer(self.kernels.mpeg_scan)

    def run(self, data: bytes) -> tuple[list[bytes], MpegFramer]:
        """Feed `data` in every way, demand the same answer each time, and give it."""
        answers = []
        for pieces in cuts(data):
            framer = self.framer()
            found: list[bytes] = []
            for piece in pieces:
                found += payloads(framer.feed(piece))
                assert framer.buffered < 6000
            found += payloads(framer.flush())
            answers.append((found, framer.garbage_bytes, framer.bytes_since_frame))
        assert all(answer == answers[0] for answer in answers)
        return answers[0][0], framer

    def test_all_frames_of_a_clean_stream(self, frames: list[bytes]) -> None:
        found, framer = self.run(b"".join(frames))
        assert found == frames
        assert framer.garbage_bytes == 0
        assert framer.bytes_since_frame == 0

    def test_a_frame_waits_for_the_header_behind_it(self, frames: list[bytes]) -> None:
        framer = self.framer()
        assert payloads(framer.feed(b"".join(frames[:2]))) == frames[:1]
        assert framer.locked
        assert framer.buffered == len(frames[1])
        assert framer.feed(frames[2][:3]) == []
        assert payloads(framer.feed(frames[2][3:4])) == frames[1:2]

    def test_a_prompt_framer_in_step_waits_for_nothing(self, frames: list[bytes]) -> None:
        framer = MpegFramer(self.kernels.mpeg_scan, prompt=True)
        assert payloads(framer.feed(frames[0])) == []
        assert payloads(framer.feed(frames[1])) == frames[:2]
        for frame in frames[2:20]:
            assert payloads(framer.feed(frame)) == [frame]
            assert framer.bytes_since_frame == framer.buffered == 0
        assert payloads(framer.feed(frames[20] + frames[21][:50])) == frames[20:21]
        assert payloads(framer.feed(frames[21][50:])) == frames[21:22]
        assert framer.garbage_bytes == 0

    def test_a_prompt_scan_goes_on_in_what_it_took_for_the_end(self) -> None:
        """Cut short, and full of small sound frames: more than a kernel tells of at a time."""
        small = b"\xff\xf3\x14\xc4" + bytes(20)
        large = b"\xff\xf3\xe4\xc4" + small * 19
        stream = small * 300 + large + small
        for end in range(len(stream) - 50, len(stream) + 1):
            twin = select("off").mpeg_scan(stream[:end], 0xFFF20480, False, True)
            assert self.kernels.mpeg_scan(stream[:end], 0xFFF20480, False, True) == twin

    def test_a_prompt_framer_gets_back_in_step(self, frames: list[bytes]) -> None:
        """A frame cut short costs at most itself and the next; what follows is found again."""
        framer = MpegFramer(self.kernels.mpeg_scan, prompt=True)
        found: list[bytes] = []
        for piece in [*frames[:5], frames[5][:100], *frames[6:20]]:
            found += payloads(framer.feed(piece))
        assert found[:5] == frames[:5]
        assert found[-12:] == frames[8:20]

    def test_one_frame_alone_is_not_believed(self, frames: list[bytes]) -> None:
        found, framer = self.run(frames[0])
        assert found == []
        assert framer.garbage_bytes == framer.bytes_since_frame == len(frames[0])
        assert not framer.locked

    def test_the_last_frame_comes_with_the_end(self, frames: list[bytes]) -> None:
        framer = self.framer()
        first = framer.feed(b"".join(frames[:2]))
        assert payloads(first) == frames[:1]
        assert payloads(framer.flush()) == frames[1:2]
        assert framer.flush() == []

    def test_a_stream_that_ends_inside_a_frame(self, frames: list[bytes]) -> None:
        found, framer = self.run(b"".join(frames[:3]) + frames[3][:100])
        assert found == frames[:3]
        assert framer.garbage_bytes == 100

    def test_a_stream_that_ends_inside_a_header(self, frames: list[bytes]) -> None:
        found, framer = self.run(b"".join(frames[:3]) + frames[3][:3])
        assert found == frames[:3]
        assert framer.garbage_bytes == 3

    @pytest.mark.parametrize("flags", [0, 0x10], ids=["plain", "with a footer"])
    def test_a_large_tag_in_front_is_skipped_not_held(
        self, frames: list[bytes], flags: int
    ) -> None:
        found, framer = self.run(id3(200_000, flags=flags) + b"".join(frames[:5]))
        assert found == frames[:5]
        assert framer.garbage_bytes == 0

    def test_tag_in_mid_stream_is_stepped_over(self, frames: list[bytes]) -> None:
        data = b"".join(frames[:4]) + id3(5000) + b"".join(frames[4:9])
        found, framer = self.run(data)
        assert found == frames[:9]
        assert framer.garbage_bytes == 0

    def test_empty_tag_at_the_very_end_is_stepped_over(self, frames: list[bytes]) -> None:
        found, framer = self.run(b"".join(frames[:4]) + id3(0))
        assert found == frames[:4]
        assert framer.garbage_bytes == 0

    def test_old_tags_behind_the_music_are_garbage(self, frames: list[bytes]) -> None:
        tail = b"APETAGEX" + bytes(24) + b"TAG" + bytes(125)
        found, framer = self.run(b"".join(frames[:4]) + tail + b"".join(frames[4:8]))
        assert found == frames[:8]
        assert framer.garbage_bytes == len(tail)

    def test_tag_found_while_searching_is_stepped_over(self, frames: list[bytes]) -> None:
        found, framer = self.run(b"<html>" + id3(3000) + b"".join(frames[:4]))
        assert found == frames[:4]
        assert framer.garbage_bytes == 6

    @pytest.mark.parametrize(
        "fake",
        [b"ID3\xff\x00\x00\0\0\0\0", b"ID3\x04\x00\x01\0\0\0\0", b"ID3\x04\x00\x00\0\0\x80\0"],
        ids=["version", "flags", "size"],
    )
    def test_bytes_that_only_look_like_a_tag_are_searched_for_frames(
        self, frames: list[bytes], fake: bytes
    ) -> None:
        found, framer = self.run(b"".join(frames[:3]) + fake + b"".join(frames[3:6]))
        assert found == frames[:6]
        assert framer.garbage_bytes == len(fake)

    def test_garbage_between_frames_costs_no_frame(self, frames: list[bytes]) -> None:
        dice = random.Random(5)
        data, garbage = b"", 0
        for index, frame in enumerate(frames):
            if index % 7 == 3:
                junk = dice.randbytes(dice.randrange(1, 700))
                data, garbage = data + junk, garbage + len(junk)
            data += frame
        found, framer = self.run(data)
        assert found == frames
        assert framer.garbage_bytes == garbage

    def test_a_frame_cut_short_takes_no_other_with_it(self, frames: list[bytes]) -> None:
        data = b"".join(frames[:5]) + frames[5][:150] + b"".join(frames[6:])
        found, framer = self.run(data)
        assert found == frames[:5] + frames[6:]
        assert framer.garbage_bytes == 150

    def test_a_false_header_inside_a_frame_is_not_followed(self, frames: list[bytes]) -> None:
        fake = frames[5][:200] + frames[5][:4] + frames[5][204:]
        data = b"".join(frames[:5]) + fake + b"junk" + b"".join(frames[6:])
        found, _ = self.run(data)
        assert found == [*frames[:5], fake, *frames[6:]]

    def test_a_new_rate_in_mid_stream_is_labelled(self, frames: list[bytes]) -> None:
        other = encoded("mp3", "libmp3lame", rate=22050, layout="mono", seconds=0.5)
        framer = self.framer()
        labels = [
            (frame.sample_rate, frame.channels, frame.samples)
            for frame in framer.feed(b"".join(frames) + other) + framer.flush()
        ]
        assert labels[: len(frames)] == [(RATE, 2, 1152)] * len(frames)
        assert set(labels[len(frames) :]) == {(22050, 1, 576)}

    @pytest.mark.parametrize(
        "junk",
        [b"\xff" * 200_000, bytes(200_000), random.Random(2).randbytes(200_000), b"ID3" * 60_000],
        ids=["ones", "zeros", "random", "tag marks"],
    )
    def test_what_is_no_audio_gives_nothing_and_holds_little(self, junk: bytes) -> None:
        framer = self.framer()
        assert framer.feed(junk) + framer.flush() == []
        assert framer.garbage_bytes == framer.bytes_since_frame == len(junk)

    def test_bytes_since_frame_count_every_tag_but_the_first_long_one(
        self, frames: list[bytes]
    ) -> None:
        framer = self.framer()
        framer.feed(b"".join(frames[:3]))
        for tag, counted in ((1000, 900), (2000, 900 + 2010)):
            framer.feed(id3(tag)[:900])
            framer.feed(id3(tag)[900:])
            assert framer.bytes_since_frame == counted
        assert framer.feed(b"") == []

    def test_many_frames_in_one_feed(self, frames: list[bytes]) -> None:
        assert payloads(self.framer().feed(b"".join(frames * 20))) == (frames * 20)[:-1]


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeFramer(TestFramer):
    kernels = NATIVE

    @given(data=st.data())
    def test_scans_as_the_twin_does(self, data: st.DataObject) -> None:
        """Streams of frames, pieces of frames, tags and noise, at any reference."""
        header = st.builds(
            lambda a, b, c: b"\xff" + bytes((a, b, c)),
            st.sampled_from((0xFB, 0xFA, 0xF3, 0xE3, 0xFD, 0xFF)),
            st.sampled_from((0x10, 0x14, 0x90, 0x92, 0xA0)),
            st.sampled_from((0x00, 0x40, 0xC0)),
        )
        frame = header.map(lambda head: head + bytes(413))
        tag = st.integers(0, 40).map(id3)
        piece = st.one_of(frame, header, tag, st.binary(max_size=30), st.just(b"ID3\x04"))
        stream = b"".join(data.draw(st.lists(st.tuples(piece, st.integers(1, 3)).map(_repeat))))
        end = data.draw(st.one_of(st.just(len(stream)), st.integers(0, len(stream))))
        reference = data.draw(st.sampled_from((0, 0xFFFA0000, 0xFFF20000, 0xFFE20000)))
        final, prompt = data.draw(st.booleans()), data.draw(st.booleans())
        twin = select("off").mpeg_scan(stream[:end], reference, final, prompt)
        assert self.kernels.mpeg_scan(stream[:end], reference, final, prompt) == twin


def _repeat(pair: tuple[bytes, int]) -> bytes:
    return pair[0] * pair[1]


def test_tag_bytes_counts_header_body_and_footer() -> None:
    assert tag_bytes(id3(300), 0) == 310
    assert tag_bytes(b"xx" + id3(300, flags=0x10), 2) == 320
    assert tag_bytes(b"ID4" + bytes(7), 0) == 0


def test_byte_class_matches_the_bytes_it_was_asked_for() -> None:
    assert byte_class(lambda value: value in {0x5D, 0xFF}) == b"[\\x5d\\xff]"
