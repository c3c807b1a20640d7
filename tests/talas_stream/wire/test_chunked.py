"""Bodies in chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wire import cuts
from talas_stream.wire.chunked import ChunkedReader
from talas_stream.wire.errors import BadRequest


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@given(parts=st.lists(st.binary(min_size=1, max_size=300), max_size=5), rest=st.binary(max_size=9))
def test_the_body_comes_out_however_cut(parts: list[bytes], rest: bytes) -> None:
    data = b"".join(map(chunk, parts)) + b"0\r\n\r\n" + rest
    for pieces in cuts(data):
        reader = ChunkedReader()
        assert b"".join(map(reader.feed, pieces)) == b"".join(parts)
        assert reader.done


def test_data_is_handed_on_before_its_chunk_is_whole() -> None:
    reader = ChunkedReader()
    assert reader.feed(b"64\r\nfirst") == b"first"
    assert not reader.done


def test_extensions_and_trailers_are_passed_over() -> None:
    reader = ChunkedReader()
    data = (
        b'3 ;name="value"\r\nabc\r\nA;x\r\n' + b"d" * 10 + b"\r\n0\r\nExpires: now\r\nX: y\r\n\r\n"
    )
    assert reader.feed(data) == b"abc" + b"d" * 10
    assert reader.done


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"xyz\r\n",
        b"-1\r\n",
        b"+3\r\n",
        b"0x3\r\n",
        b"3_0\r\n",
        b"1" * 16 + b"\r\n",
        b"3;\x00\r\n",
        b"3\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n",
        b"3;" + b"x" * 1100,
        b"0\r\n" + b"Name: value\r\n" * 1000,
    ],
    ids=[
        "empty size",
        "no number",
        "minus",
        "plus",
        "prefix",
        "underscore",
        "too many digits",
        "control character",
        "bare line feed",
        "longer than said",
        "bare line feed behind data",
        "endless line",
        "endless trailer",
    ],
)
def test_malformed_chunks_are_refused_however_cut(data: bytes) -> None:
    for pieces in cuts(data):
        reader = ChunkedReader()
        with pytest.raises(BadRequest):
            for piece in pieces:
                reader.feed(piece)
