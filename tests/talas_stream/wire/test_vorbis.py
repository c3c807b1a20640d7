"""Vorbis packets' lengths, told from headers alone, against a decoder."""

from __future__ import annotations

import av
import pytest

from support.sound import coded, programme
from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.ogg import BeginStream, Packet, PacketReader
from talas_stream.wire.vorbis import (
    MOST_ENTRIES,
    MOST_SETUP_BYTES,
    MOST_VALUES,
    BlockSizes,
    check_books,
    mode_flags,
)

IDENTITY = bytes(28) + b"\xb8\x01"  # blocks of 256 and 2048


def setup(*flags: int, count: int | None = None) -> bytes:
    """The end of a setup header with these modes."""
    bits, at = (len(flags) if count is None else count) - 1, 6
    for flag in flags:
        bits |= flag << at
        at += 41
    return (bits << 3 | 1 << at + 3).to_bytes(at // 8 + 2, "little")


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1), (22_050, 1), (8_000, 1)])
def test_the_same_lengths_as_the_decoder_gives(rate: int, channels: int) -> None:
    events = PacketReader().feed(coded(programme(2.0, rate, channels), "vorbis", rate))
    begin, packets = events[0], [event for event in events if isinstance(event, Packet)]
    assert isinstance(begin, BeginStream)
    decoder = av.CodecContext.create("vorbis", "r")
    decoder.extradata = begin.extradata
    decoded = []
    for packet in packets:
        padded = av.Packet(len(packet.payload))
        padded.update(packet.payload)
        decoded.append(sum(frame.samples for frame in decoder.decode(padded)))  # type: ignore[attr-defined]
    lengths = [packet.samples for packet in packets]
    assert lengths[:-1] == decoded[:-1]
    # The last block is filled up: the stream says where it ends.
    assert sum(lengths) == 2 * rate <= sum(decoded)
    assert len(set(decoded)) >= (3 if rate > 8000 else 2), "long and short blocks"


def test_modes_are_read_from_the_end() -> None:
    assert mode_flags(setup(0, 1)) == [0, 1]
    assert mode_flags(setup(1)) == [1]
    assert mode_flags(b"books" + setup(0, 1, 1)) == [0, 1, 1]


@pytest.mark.parametrize("bad", [b"", bytes(9), b"\xff" * 40])
def test_modes_that_cannot_be_read(bad: bytes) -> None:
    with pytest.raises(MalformedHeader, match="modes"):
        mode_flags(bad)


@pytest.mark.parametrize("exponents", [0x8B, 0xE8, 0xB5], ids=["turned round", "long", "short"])
def test_block_sizes_that_there_are_not(exponents: int) -> None:
    with pytest.raises(MalformedHeader, match="no blocks"):
        BlockSizes(bytes(28) + bytes((exponents, 1)), setup(0))


def test_what_is_no_audio_packet_does_not_count() -> None:
    blocks = BlockSizes(IDENTITY, setup(0, 1, 1))
    short, long, other, none, header = b"\x00", b"\x02", b"\x04", b"\x06", b"\x01"
    assert [blocks.samples(packet) for packet in (short, header, none, b"", long, other)] == [
        0, None, None, None, 576, 1024,
    ]  # fmt: skip


def test_one_mode_takes_no_bits() -> None:
    blocks = BlockSizes(IDENTITY, setup(1))
    assert [blocks.samples(packet) for packet in (b"\x06", b"\xfe")] == [0, 1024]


def book(dimensions: int, entries: int) -> bytes:
    """How a codebook begins, and a little of what follows."""
    return b"BCV" + dimensions.to_bytes(2, "little") + entries.to_bytes(3, "little") + bytes(4)


def shifted(data: bytes, bits: int) -> bytes:
    return (int.from_bytes(data, "little") << bits).to_bytes(len(data) + 1, "little")


@pytest.mark.parametrize("bits", range(8))
def test_codebooks_too_large_together_are_refused_wherever_they_begin(bits: int) -> None:
    half = book(8, MOST_ENTRIES // 2)
    check_books(half + shifted(half, bits))
    with pytest.raises(MalformedHeader, match="codebooks"):
        check_books(half + shifted(half + book(1, 1), bits))
    with pytest.raises(MalformedHeader, match="codebooks"):
        check_books(shifted(book(9, MOST_VALUES // 8), bits))


def test_setup_header_and_codebooks_without_end_are_refused() -> None:
    with pytest.raises(MalformedHeader, match="setup header"):
        check_books(bytes(MOST_SETUP_BYTES + 1))
    check_books(book(1, 0) * 256)
    with pytest.raises(MalformedHeader, match="codebooks"):
        check_books(book(1, 0) * 257)


def test_stream_with_codebooks_too_large_is_none() -> None:
    with pytest.raises(MalformedHeader, match="codebooks"):
        BlockSizes(IDENTITY, book(16, 16_383) * 256 + setup(0))


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (192_000, 2), (8_000, 1)])
def test_codebooks_that_an_encoder_writes_have_room_four_times_over(
    rate: int, channels: int
) -> None:
    begin = PacketReader().feed(coded(programme(0.2, rate, channels), "vorbis", rate))[0]
    assert isinstance(begin, BeginStream)
    check_books(begin.headers[2] * 4)
