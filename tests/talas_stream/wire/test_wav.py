"""WAV as it streams in: even pieces, lengths that lie, and RIFF after RIFF."""

from __future__ import annotations

import pytest

from support.sound import coded, programme
from support.wire import cuts
from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.wav import Event, Piece, WavFormat, WavReader, parse_format

SOUND = programme(0.25, 44_100)
DATA = coded(SOUND, "wav", 44_100)


def fmt(tag: int = 1, channels: int = 2, rate: int = 48_000, bits: int = 16) -> bytes:
    stride = channels * bits // 8
    return (
        tag.to_bytes(2, "little") + channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
        + (rate * stride).to_bytes(4, "little") + stride.to_bytes(2, "little")
        + bits.to_bytes(2, "little")
    )  # fmt: skip


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + (len(body) if size is None else size).to_bytes(4, "little") + body


def riff(*chunks: bytes) -> bytes:
    return b"RIFF\xff\xff\xff\xffWAVE" + b"".join(chunks)


def read(*pieces: bytes) -> list[Event]:
    reader = WavReader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.flush()


def samples(events: list[Event]) -> list[int]:
    return [event.samples for event in events if isinstance(event, Piece)]


def test_the_same_pieces_however_the_bytes_are_cut() -> None:
    whole = read(DATA)
    assert whole[0] == WavFormat("s16", 44_100, 2)
    assert samples(whole) == [882] * 12 + [441]
    audio = b"".join(event.payload for event in whole if isinstance(event, Piece))
    assert audio == DATA[-SOUND.shape[1] * 4 :]
    for pieces in cuts(DATA):
        assert read(*pieces) == whole


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_is_not_known_means_until_the_end(size: int) -> None:
    events = read(riff(chunk(b"fmt ", fmt()), chunk(b"data", bytes(9602), size)))
    assert samples(events) == [960, 960, 480]


def test_chunks_in_between_are_stepped_over_and_not_kept() -> None:
    reader = WavReader()
    reader.feed(
        riff(chunk(b"LIST", b"odd"), b"\0", chunk(b"fmt ", fmt()), chunk(b"junk", b"", 9**6))
    )
    for _ in range(9):
        assert reader.feed(bytes(9**5)) == []
        assert reader.buffered == 0
    assert reader.bytes_since_piece > 9**6
    # Its length is odd, so a byte follows.
    assert samples(reader.feed(b"\0" + chunk(b"data", bytes(3840)))) == [960]


def test_another_riff_behind_the_samples() -> None:
    first = riff(chunk(b"fmt ", fmt(1, 1, 8000, 24)), chunk(b"data", bytes(963)), b"\0")
    second = riff(chunk(b"fmt ", fmt(3, 2, 48_000, 32)), chunk(b"data", bytes(80)))
    events = read(first + second)
    assert events[0] == WavFormat("s24", 8000, 1)
    assert WavFormat("f32", 48_000, 2) in events
    assert samples(events) == [160, 160, 1, 10]


def test_a_torn_sample_is_left_out() -> None:
    assert samples(read(riff(chunk(b"fmt ", fmt()), chunk(b"data", bytes(7))))) == [1]
    assert samples(read(riff(chunk(b"fmt ", fmt()), chunk(b"data", bytes(3))))) == []
    assert read(b"") == []


def test_data_before_its_format_is_stepped_over() -> None:
    assert read(riff(chunk(b"data", bytes(80)), chunk(b"fmt ", fmt()))) == [
        WavFormat("s16", 48_000, 2)
    ]


@pytest.mark.parametrize(("kind", "stride"), [("s16", 4), ("s24", 6), ("s32", 8), ("f64", 16)])
def test_formats_and_their_strides(kind: str, stride: int) -> None:
    tag, bits = (3 if kind[0] == "f" else 1), int(kind[1:])
    plain = parse_format(fmt(tag, 2, 48_000, bits))
    extensible = parse_format(
        fmt(0xFFFE, 2, 48_000, bits) + bytes(8) + tag.to_bytes(2, "little") + bytes(14)
    )
    assert plain == extensible
    assert (plain.kind, plain.stride) == (kind, stride)


@pytest.mark.parametrize(
    "bad",
    [b"", bytes(16), fmt(7), fmt(bits=8), fmt(3, bits=16), fmt(channels=0), fmt(rate=0),
     fmt(rate=9**9), fmt(0xFFFE)],
)  # fmt: skip
def test_formats_that_are_not_known(bad: bytes) -> None:
    with pytest.raises(MalformedHeader):
        parse_format(bad)


def test_format_chunk_that_promises_megabytes_is_refused() -> None:
    with pytest.raises(MalformedHeader, match="cannot have"):
        read(riff(chunk(b"fmt ", b"", 5_000_000)))
