"""What FLAC's headers say, and what is none."""

from __future__ import annotations

import pytest

from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.flac import parse_frame_header, parse_streaminfo


@pytest.mark.parametrize(
    ("head", "samples", "rate", "number"),
    [
        ("fff81918 00", 192, 44_100, 0),
        ("fff82a18 7f", 576, 48_000, 127),
        ("fff86b18 c280 0f", 16, 96_000, 128),
        ("fff97c18 e18080 0fff 20", 4096, 32_000, 0x1000),
        ("fff8cd18 00 3e80", 4096, 16_000, 0),
        ("fff8ce18 00 2710", 4096, 100_000, 0),
        ("fff8c018 fe8080808080 80", 4096, 0, 0),
    ],
)
def test_flac_frame_header_tells_what_it_holds(
    head: str, samples: int, rate: int, number: int
) -> None:
    data = bytes.fromhex(head)
    crc = next(c for c in range(256) if parse_frame_header(data + bytes((c,)) + bytes(9)))
    header = parse_frame_header(data + bytes((crc,)) + bytes(9))
    assert header
    assert (header.samples, header.rate, header.number) == (samples, rate, number)
    assert (header.size, header.channels) == (len(data) + 1, 2)
    assert header.next_number == number + (samples if header.variable else 1)
    assert parse_frame_header(data) is None


@pytest.mark.parametrize(
    "head",
    ["", "fffb9064", "fff80018 00", "fff8cf18 00", "fff8cab8 00", "fff8ca19 00", "fff8ca18 80",
     "fff8ca18 ff", "fff8ca18 c200", "fff8ca18 e0"],
)  # fmt: skip
def test_bytes_that_are_no_flac_frame_header_are_refused(head: str) -> None:
    data = bytes.fromhex(head)
    assert not any(parse_frame_header(data + bytes((c,)) + bytes(9)) for c in range(256))


@pytest.mark.parametrize("block", [b"", bytes(33), bytes(34)])
def test_bytes_that_are_no_streaminfo_are_refused(block: bytes) -> None:
    with pytest.raises(MalformedHeader):
        parse_streaminfo(block)
