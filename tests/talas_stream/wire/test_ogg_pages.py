"""Ogg pages, by the Python twin and by the native kernel."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wire import cuts, encoded
from talas_stream.kernels import select
from talas_stream.wire.ogg_pages import (
    MAX_PAGE_BYTES,
    MOST_FALSE,
    OggWriter,
    Page,
    PageReader,
    PageScanResult,
    ogg_crc,
)

NATIVE = select("auto")


def slow_crc(data: bytes, crc: int = 0) -> int:
    """The CRC bit by bit, as the format describes it."""
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    return crc


def reframe(page: bytes, place: int, value: int) -> bytes:
    """`page` with one byte changed and its CRC made right again."""
    changed = bytearray(page)
    changed[place] = value
    changed[22:26] = bytes(4)
    changed[22:26] = slow_crc(bytes(changed)).to_bytes(4, "little")
    return bytes(changed)


class TestOggPages:
    kernels = select("off")

    def writer(self, serial: int = 7) -> OggWriter:
        return OggWriter(serial, self.kernels.ogg_page)

    def run(self, data: bytes) -> tuple[list[Page], PageReader]:
        answers = []
        for pieces in cuts(data):
            reader = PageReader(self.kernels.ogg_scan)
            found = []
            for piece in pieces:
                found += reader.feed(piece)
                assert reader.buffered < 65307
            found += reader.flush()
            answers.append((found, reader.garbage_bytes, reader.bytes_since_page))
        assert all(answer == answers[0] for answer in answers)
        return answers[0][0], reader

    @pytest.mark.parametrize("size", [*range(18), 100])
    def test_the_crc_bit_by_bit(self, size: int) -> None:
        data = random.Random(size).randbytes(size)
        assert ogg_crc(data) == slow_crc(data)
        assert ogg_crc(b"more", slow_crc(data)) == slow_crc(data + b"more")
        page = self.writer().page([data], size)
        assert reframe(page, 4, 0) == page

    def test_crc_of_a_long_page_is_right(self) -> None:
        page = self.writer().page([random.Random(1).randbytes(50_000)], 1)
        assert reframe(page, 4, 0) == page

    def test_a_page_has_no_more_segments_than_it_can_tell(self) -> None:
        assert len(self.kernels.ogg_page(0, 0, 0, 0, b"\1" * 255, bytes(255))) == 27 + 2 * 255
        with pytest.raises(OverflowError):
            self.kernels.ogg_page(0, 0, 0, 0, b"\1" * 256, bytes(256))

    @pytest.mark.parametrize("codec", ["libopus", "flac"])
    def test_every_page_that_ffmpeg_writes(self, codec: str) -> None:
        data = encoded("ogg", codec)
        pages, reader = self.run(data)
        assert reader.garbage_bytes == reader.bytes_since_page == 0
        assert [page.sequence for page in pages] == list(range(len(pages)))
        assert [page.bos for page in pages] == [True] + [False] * (len(pages) - 1)
        assert pages[-1].eos

    def test_pages_are_read_as_they_were_written(self) -> None:
        writer = self.writer(serial=0xFFFFFFFE)
        data = writer.header_pages(b"head", b"tags")
        data += writer.page([b"a" * 254, b"", b"b" * 255], 960)
        data += writer.page([b"last"], -5, eos=True)
        pages, _ = self.run(data)
        assert [page.packets for page in pages] == [
            (b"head",),
            (b"tags",),
            (b"a" * 254, b"", b"b" * 255),
            (b"last",),
        ]
        assert [page.granule for page in pages] == [0, 0, 960, -5]
        assert [(page.bos, page.eos) for page in pages] == [
            (True, False),
            (False, False),
            (False, False),
            (False, True),
        ]
        assert {page.serial for page in pages} == {0xFFFFFFFE}
        assert all(page.complete and not page.continued for page in pages)
        assert writer.sequence == 4

    @pytest.mark.parametrize("size", [65024, 65025, 65026, 200_000])
    def test_a_large_packet_goes_on_over_pages(self, size: int) -> None:
        packet = random.Random(size).randbytes(size)
        reader = PageReader(self.kernels.ogg_scan)
        pages = reader.feed(self.writer().page([packet], 480, eos=True))
        assert b"".join(page.packets[0] for page in pages) == packet
        last = len(pages) - 1
        assert [page.continued for page in pages] == [index > 0 for index in range(last + 1)]
        assert [page.complete for page in pages] == [index == last for index in range(last + 1)]
        assert [page.granule for page in pages] == [-1] * last + [480]
        assert [page.eos for page in pages] == [False] * last + [True]

    def test_page_without_packets_is_read(self) -> None:
        [page] = self.run(self.writer().page([], 77, eos=True))[0]
        assert page.packets == ()
        assert page.complete and page.eos

    def test_packets_that_do_not_fit_one_page(self) -> None:
        writer = self.writer()
        with pytest.raises(ValueError, match="256 packets do not fit one page"):
            writer.page([b"x"] * 256, 0)
        assert len(self.run(writer.page([b"x"] * 255, 0))[0][0].packets) == 255

    def test_sequence_numbers_start_again(self) -> None:
        writer = self.writer()
        writer.sequence = 0xFFFFFFFF
        pages, _ = self.run(writer.page([b"a"], 1) + writer.page([b"b"], 2))
        assert [page.sequence for page in pages] == [0xFFFFFFFF, 0]

    def test_garbage_around_pages(self) -> None:
        writer = self.writer()
        first, second = writer.page([b"a" * 50], 1), writer.page([b"b" * 50], 2)
        noise = b"OggOggSOgO" + random.Random(4).randbytes(200)
        pages, reader = self.run(noise + first + b"Ogg" + second + b"OggS")
        assert [page.packets for page in pages] == [(b"a" * 50,), (b"b" * 50,)]
        assert reader.garbage_bytes == len(noise) + 3 + 4
        assert reader.bytes_since_page == 4

    @pytest.mark.parametrize(
        "place", [6, 22, 40, 60], ids=["granule", "checksum", "body", "end of body"]
    )
    def test_a_damaged_page_is_passed_over(self, place: int) -> None:
        writer = self.writer()
        first, second, third = (writer.page([bytes((i,)) * 40], i) for i in range(3))
        damaged = bytearray(second)
        damaged[place] ^= 1
        pages, reader = self.run(first + bytes(damaged) + third)
        assert [page.sequence for page in pages] == [0, 2]
        assert reader.garbage_bytes == len(second)

    @pytest.mark.parametrize(("place", "value"), [(4, 1), (5, 8)], ids=["version", "flags"])
    def test_page_of_an_unknown_kind_is_passed_over(self, place: int, value: int) -> None:
        page = self.writer().page([b"a" * 40], 1)
        pages, reader = self.run(reframe(page, place, value) + page)
        assert len(pages) == 1
        assert reader.garbage_bytes == len(page)

    def test_a_page_that_lies_about_its_length_hides_no_other(self) -> None:
        writer = self.writer()
        liar = bytearray(writer.page([b"a" * 40], 1))
        liar[27] = 255
        after = [writer.page([bytes((i,)) * 40], i) for i in range(10)]
        pages, _ = self.run(bytes(liar) + b"".join(after))
        assert [page.sequence for page in pages] == list(range(1, 11))

    def test_pages_hidden_in_one_that_never_ends(self) -> None:
        writer = self.writer()
        hidden = writer.page([b"a"], 1)
        liar = b"OggS" + bytes(22) + b"\xff" + b"\xff" * 255
        reader = PageReader(self.kernels.ogg_scan)
        assert reader.feed(liar + hidden) == []
        assert [page.packets for page in reader.flush()] == [(b"a",)]
        assert reader.buffered == 0

    @pytest.mark.parametrize("junk", [b"O" * 100_000, b"Ogg" * 30_000, bytes(100_000)])
    def test_what_is_no_ogg_gives_nothing_and_holds_little(self, junk: bytes) -> None:
        reader = PageReader(self.kernels.ogg_scan)
        assert reader.feed(junk) == []
        assert reader.buffered < 4
        assert reader.flush() == []
        assert reader.garbage_bytes == reader.bytes_since_page == len(junk)

    def test_pages_that_are_none_are_summed_up_a_bounded_number_of_times(self) -> None:
        """Each begins within the one before and promises 50 KB: to sum up all would be to look at
        each byte a thousand times."""
        false = (b"OggS\0\0" + b"\xff" * 21) * 8000
        summed = 0

        def scan(data: bytes, final: bool, strict: int = 0) -> PageScanResult:
            nonlocal summed
            answer = self.kernels.ogg_scan(data, final, strict)
            summed += answer[3]
            return answer

        reader = PageReader(scan)
        for at in range(0, len(false), 1024):
            assert reader.feed(false[at : at + 1024]) == []
            assert reader.buffered < MAX_PAGE_BYTES
        assert summed <= (len(false) // MAX_PAGE_BYTES + 1) * MOST_FALSE
        sound = self.writer().page([b"sound"], 1)
        assert [page.packets for page in reader.feed(bytes(70_000) + sound)] == [(b"sound",)]

    def test_after_many_false_pages_long_ones_are_believed_again(self) -> None:
        false = (b"OggS\0\0" + b"\xff" * 21) * 4000
        long = self.writer().page([random.Random(1).randbytes(50_000)], 1)
        pages, reader = self.run_once(false + bytes(MAX_PAGE_BYTES) + long)
        assert [len(page.packets[0]) for page in pages] == [50_000]
        assert reader.garbage_bytes == len(false) + MAX_PAGE_BYTES
        assert reader.steps == 2

    def run_once(self, data: bytes) -> tuple[list[Page], PageReader]:
        reader = PageReader(self.kernels.ogg_scan)
        return reader.feed(data) + reader.flush(), reader


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeOggPages(TestOggPages):
    kernels = NATIVE

    @given(data=st.data())
    def test_scans_as_the_twin_does(self, data: st.DataObject) -> None:
        sound = st.builds(
            lambda packets, granule: OggWriter(1).page(packets, granule),
            st.lists(st.binary(max_size=300), max_size=4),
            st.integers(-(2**63), 2**63 - 1),
        )
        torn = st.tuples(sound, st.integers(1, 40)).map(lambda pair: pair[0][: -pair[1]])
        piece = st.one_of(sound, torn, st.sampled_from((b"O", b"OggS", b"OggS\0")), st.binary())
        stream = b"".join(data.draw(st.lists(piece, max_size=6)))
        end = data.draw(st.integers(0, len(stream)))
        final = data.draw(st.booleans())
        twin = select("off").ogg_scan(stream[:end], final)
        assert self.kernels.ogg_scan(stream[:end], final) == twin

    def test_long_buffer_of_pages_is_scanned_as_by_the_twin(self) -> None:
        writer = self.writer()
        data = b"".join(writer.page([b"x" * 5000], i) for i in range(20))
        assert self.kernels.ogg_scan(data, False) == select("off").ogg_scan(data, False)
