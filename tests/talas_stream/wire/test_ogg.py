"""Packets and chains of streams out of Ogg."""

from __future__ import annotations

import random

import pytest

from support.wire import cuts, demuxed, encoded
from talas_stream.kernels import select
from talas_stream.wire.ogg import (
    MAX_PACKET_BYTES,
    BeginStream,
    EndStream,
    Event,
    Packet,
    PacketReader,
)
from talas_stream.wire.ogg_pages import OggWriter, ogg_crc
from talas_stream.wire.opus import OpusHead, build_head, build_tags

NATIVE = select("auto")

HEAD, TAGS = build_head(OpusHead(2, 312)), build_tags("talas")


def opus(index: int, size: int = 50) -> bytes:
    """A packet of 20 ms with a body of its own."""
    return b"\xf8" + bytes((index,)) * size


WIDE_HEAD = build_head(
    OpusHead(channels=6, pre_skip=312, mapping_family=1, mapping=b"\x04\x02\0\x04\1\2\3\5")
)


def large(index: int) -> bytes:
    """A packet that takes two pages: 48 frames of 2.5 ms, in the streams of WIDE_HEAD."""
    return b"\xe3\x30" + bytes((index,)) * 70_000


def payloads(events: list[Event]) -> list[bytes]:
    return [event.payload for event in events if isinstance(event, Packet)]


class TestPacketReader:
    kernels = select("off")

    def reader(self) -> PacketReader:
        return PacketReader(self.kernels.ogg_scan)

    def run(self, data: bytes) -> tuple[list[Event], PacketReader]:
        answers = []
        for pieces in cuts(data):
            reader = self.reader()
            events = [event for piece in pieces for event in reader.feed(piece)] + reader.flush()
            answers.append(
                (events, reader.garbage_bytes, reader.lost_pages, reader.dropped_packets)
            )
        assert all(answer == answers[0] for answer in answers)
        return answers[0][0], reader

    @pytest.mark.parametrize(
        ("codec", "name", "lengths"),
        [
            ("libopus", "opus", {960, 440}),
            ("vorbis", "vorbis", {0, 1024}),
            ("flac", "flac", {4608, 2048}),
        ],
    )
    def test_the_same_packets_as_ffmpeg(self, codec: str, name: str, lengths: set[int]) -> None:
        data = encoded("ogg", codec)
        events, reader = self.run(data)
        begin, *packets, end = events
        assert isinstance(begin, BeginStream)
        assert (begin.codec, begin.sample_rate, begin.channels) == (name, 48000, 2)
        assert begin.pre_skip == (312 if name == "opus" else 0)
        assert payloads(events) == demuxed(data, "ogg")
        assert {packet.samples for packet in packets if isinstance(packet, Packet)} == lengths
        assert isinstance(end, EndStream) and end.clean
        assert end.granule is not None and 48000 <= end.granule < 50000
        assert end.granule == sum(each.samples for each in packets if isinstance(each, Packet))
        assert reader.garbage_bytes == reader.dropped_packets == reader.lost_pages == 0

    def test_granules_stand_on_the_last_packet_of_a_page(self) -> None:
        writer = OggWriter(5)
        data = writer.header_pages(WIDE_HEAD, TAGS)
        data += writer.page([opus(1), opus(2)], 1920) + writer.page([large(3)], 2880)
        events, _ = self.run(data)
        assert [event.granule for event in events if isinstance(event, Packet)] == [
            None,
            1920,
            2880,
        ]
        assert events[-1] == EndStream(5, 2880, clean=False)

    def test_a_page_that_ends_inside_a_packet(self) -> None:
        """Granules belong to the packet that ends, not to the one that goes on."""
        writer = OggWriter(5)
        headers = writer.header_pages(WIDE_HEAD, TAGS)
        whole, torn = opus(1, 253), large(2)
        pages = writer.page([torn], 1920)
        first_end = 27 + 255 + 255 * 255
        # Put a packet of one segment in front of the torn one, in its first page.
        page = bytearray(pages[:first_end])
        page[5] = 0
        page[6:14] = (960).to_bytes(8, "little")
        page[27:282] = b"\xfe" + b"\xff" * 254
        page[282:] = whole + torn[: 254 * 255]
        page[22:26] = bytes(4)
        page[22:26] = ogg_crc(bytes(page), 0).to_bytes(4, "little")
        rest_writer = OggWriter(5)
        rest_writer.sequence = 3
        rest = bytearray(rest_writer.page([torn[254 * 255 :]], 1920))
        rest[5] = 1
        rest[22:26] = bytes(4)
        rest[22:26] = ogg_crc(bytes(rest), 0).to_bytes(4, "little")
        events = self.reader().feed(headers + bytes(page) + bytes(rest))
        assert payloads(events) == [whole, torn]
        assert [each.granule for each in events if isinstance(each, Packet)] == [960, 1920]

    @pytest.mark.parametrize(
        ("granule", "lengths"),
        [
            (1920 + 1920, [960, 960, 960, 960]),  # as long as coded
            (1920 + 1000, [960, 960, 960, 40]),
            (1920 + 900, [960, 960, 900, 0]),
            (1920, [960, 960, 0, 0]),
            (1000, [960, 960, 960, 960]),  # before the page: a lie
            (9_999_999, [960, 960, 960, 960]),
        ],
    )
    def test_the_last_page_says_where_the_sound_ends(
        self, granule: int, lengths: list[int]
    ) -> None:
        writer = OggWriter(5)
        data = writer.header_pages(HEAD, TAGS) + writer.page([opus(1), opus(2)], 1920)
        data += writer.page([opus(3), opus(4)], granule, eos=True)
        events, _ = self.run(data)
        assert [each.samples for each in events if isinstance(each, Packet)] == lengths

    def test_what_was_lost_before_the_last_page_cuts_nothing_off(self) -> None:
        writer = OggWriter(5)
        data = writer.header_pages(HEAD, TAGS) + writer.page([opus(1)], 960)
        writer.page([opus(2)], 1920)
        events, _ = self.run(data + writer.page([opus(3)], 2880 - 100, eos=True))
        assert [each.samples for each in events if isinstance(each, Packet)] == [960, 960]

    def test_a_page_that_is_not_the_last_cuts_nothing_off(self) -> None:
        writer = OggWriter(5)
        data = writer.header_pages(HEAD, TAGS) + writer.page([opus(1), opus(2)], 1000)
        events, _ = self.run(data + writer.page([opus(3)], 1960, eos=True))
        assert [each.samples for each in events if isinstance(each, Packet)] == [960, 960, 960]

    def test_chain_of_streams_gives_each_stream_s_packets(self) -> None:
        data = encoded("ogg", "libopus", seconds=0.3) + encoded("ogg", "flac", seconds=0.3)
        mono = encoded("ogg", "libopus", layout="mono", seconds=0.3)
        events, _ = self.run(data + mono)
        begins = [event for event in events if isinstance(event, BeginStream)]
        assert [(each.codec, each.channels) for each in begins] == [
            ("opus", 2),
            ("flac", 2),
            ("opus", 1),
        ]
        ends = [event for event in events if isinstance(event, EndStream)]
        assert [(end.serial, end.clean) for end in ends] == [(b.serial, True) for b in begins]

    def test_a_link_whose_end_was_not_told(self) -> None:
        one, two = OggWriter(1), OggWriter(2)
        data = one.header_pages(HEAD, TAGS) + one.page([opus(1)], 960)
        data += two.header_pages(HEAD, TAGS) + two.page([opus(2)], 960, eos=True)
        events, _ = self.run(data)
        assert [type(event) for event in events] == [BeginStream, Packet, EndStream] * 2
        assert [e.clean for e in events if isinstance(e, EndStream)] == [False, True]

    def test_a_stream_beside_the_first_is_left_out(self) -> None:
        first, second, foreign = OggWriter(1), OggWriter(2), OggWriter(3)
        data = foreign.header_pages(b"fishead\0") + first.header_pages(HEAD)
        data += second.header_pages(HEAD)
        for writer in (second, first):
            data += writer.page([TAGS], 0) + writer.page([opus(writer.sequence)], 960)
        events, _ = self.run(data + foreign.page([b"bone"], 0, eos=True))
        assert {event.serial for event in events} == {1}

    def test_a_stream_joined_in_the_middle_is_not_understood(self) -> None:
        writer = OggWriter(1)
        writer.header_pages(HEAD, TAGS)
        data = writer.page([opus(1)], 960)
        events, reader = self.run(data)
        assert events == []
        assert reader.bytes_since_packet == len(data)

    def test_lost_page_costs_its_own_packets_alone(self) -> None:
        writer = OggWriter(1)
        data = writer.header_pages(HEAD, TAGS) + writer.page([opus(1)], 960)
        writer.page([opus(2)], 1920)
        events, reader = self.run(data + writer.page([opus(3)], 2880))
        assert payloads(events) == [opus(1), opus(3)]
        assert reader.lost_pages == 1

    def test_packet_whose_beginning_was_lost_is_dropped(self) -> None:
        writer = OggWriter(1)
        data = writer.header_pages(WIDE_HEAD, TAGS)
        rest = writer.page([large(1)], 960)[27 + 255 + 65025 :]
        events, reader = self.run(data + rest + writer.page([opus(2)], 1920))
        assert payloads(events) == [opus(2)]
        assert reader.lost_pages == 1

    def test_packet_whose_end_was_lost_is_dropped(self) -> None:
        writer = OggWriter(1)
        data = writer.header_pages(WIDE_HEAD, TAGS)
        torn = writer.page([large(1)], 960)[: 27 + 255 + 65025]
        writer.sequence -= 1
        events, reader = self.run(data + torn + writer.page([opus(2)], 1920))
        assert payloads(events) == [opus(2)]
        assert (reader.lost_pages, reader.dropped_packets) == (0, 1)

    def test_packets_that_no_decoder_should_see(self) -> None:
        writer = OggWriter(1)
        data = writer.header_pages(HEAD, TAGS)
        data += writer.page([b"", b"\xfb\x00", opus(1)], 960) + writer.page([b""], 960, eos=True)
        events, reader = self.run(data)
        assert payloads(events) == [opus(1)]
        assert reader.dropped_packets == 1
        assert events[-1] == EndStream(1, 960, clean=True)

    def test_packet_that_is_too_large_is_dropped(self) -> None:
        writer = OggWriter(1)
        data = writer.header_pages(HEAD, TAGS) + writer.page([opus(1, 2 * MAX_PACKET_BYTES)], 960)
        reader = self.reader()
        events = reader.feed(data + writer.page([opus(2)], 1920))
        assert payloads(events) == [opus(2)]
        assert reader.dropped_packets == 1

    def test_tags_too_large_do_not_stop_the_stream(self) -> None:
        writer = OggWriter(1)
        tags = build_tags("talas", {"METADATA_BLOCK_PICTURE": "A" * MAX_PACKET_BYTES})
        reader = self.reader()
        data = writer.header_pages(HEAD, tags) + writer.page([opus(1)], 960)
        begin, packet = reader.feed(data)
        assert isinstance(begin, BeginStream) and begin.headers == (HEAD, build_tags(""))
        assert isinstance(packet, Packet) and packet.payload == opus(1)

    def test_a_stream_that_cannot_be_decoded_says_nothing(self) -> None:
        writer = OggWriter(1)
        identity = b"\x01vorbis" + bytes(4) + b"\x02" + bytes(18)
        data = writer.header_pages(identity, b"no comment") + writer.page([b"\0audio"], 1, eos=True)
        events, reader = self.run(data)
        assert events == []
        assert reader.bytes_since_packet == len(data)

    def test_bytes_since_packet(self) -> None:
        writer = OggWriter(1)
        reader = self.reader()
        headers = writer.header_pages(HEAD, TAGS)
        reader.feed(headers)
        assert reader.bytes_since_packet == len(headers)
        reader.feed(writer.page([opus(1)], 960) + b"junk")
        assert reader.bytes_since_packet == 4

    def test_noise_is_no_stream(self) -> None:
        noise = random.Random(9).randbytes(100_000)
        events, reader = self.run(noise[:5000])
        assert events == []
        assert self.reader().feed(noise) == []
        assert reader.bytes_since_packet == 5000


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativePacketReader(TestPacketReader):
    kernels = NATIVE
