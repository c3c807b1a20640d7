"""ICY metadata, interleaved by the Python twin and by the native kernel."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.icy import IcyParser
from support.wire import cuts
from talas_stream.kernels import select
from talas_stream.wire.icy import (
    EMPTY_BLOCK,
    IcyInterleaver,
    icy_interleave,
    metadata_block,
)

NATIVE = select("auto")


def titles(block: bytes) -> list[str]:
    return IcyParser(1).feed(b"." + block)[1]


def test_a_block_is_padded_to_units_of_sixteen() -> None:
    assert metadata_block("A") == b"\x01StreamTitle='A';"
    assert metadata_block("AB") == b"\x02StreamTitle='AB';" + bytes(15)
    assert metadata_block("", "u") == b"\x02StreamTitle='';StreamUrl='u';".ljust(33, b"\0")


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Rock 'n' Roll", "Rock 'n' Roll"),
        ("ends with one'", "ends with one'"),
        ("x';StreamUrl='evil", "x' ;StreamUrl='evil"),
        ("x'\0;y", "x' ;y"),
        (";-)", " ;-)"),
        ("line\r\nline\u2028line\x7f\x9f", "linelineline"),
        ("\ud800lone half", "lone half"),
        ("Füße 日本", "Füße 日本"),
    ],
)
def test_nothing_in_a_title_can_end_it(title: str, told: str) -> None:
    assert titles(metadata_block(title)) == [told]


@given(title=st.text(max_size=200), url=st.text(max_size=200))
def test_any_text_makes_a_sound_block(title: str, url: str) -> None:
    block = metadata_block(title, url)
    assert len(block) == 1 + 16 * block[0]
    assert len(titles(block)) == 1
    assert block.count(b"';") == (2 if url else 1)


def test_a_long_title_is_cut_between_characters() -> None:
    block = metadata_block("é" * 5000)
    assert len(block) == 4081
    assert titles(block) == ["é" * 2032]
    assert titles(metadata_block("a" + "é" * 5000)) == ["a" + "é" * 2032]


def test_an_address_that_does_not_fit_is_left_out() -> None:
    assert b"StreamUrl" not in metadata_block("t" * 4000, "http://example.org/" + "u" * 100)
    assert b"StreamUrl='http://example.org/';" in metadata_block("t" * 4000, "http://example.org/")


@pytest.mark.parametrize("wrong", [0, -1])
def test_interval_of_no_bytes_is_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        IcyInterleaver(wrong)
    with pytest.raises(ValueError, match="at least one byte"):
        IcyParser(wrong)


def test_a_parser_meets_old_and_foreign_blocks() -> None:
    def block(text: bytes) -> bytes:
        units = -(-len(text) // 16)
        return bytes((units,)) + text.ljust(units * 16, b"\0")

    assert titles(block("StreamTitle='Füße';".encode("latin-1"))) == ["Füße"]
    assert titles(block(b"StreamTitle='never ended")) == ["never ended" + "\0" * 8]
    assert titles(block(b"Other='x';")) == []


class TestIcyInterleaver:
    kernels = select("off")

    def interleaver(self, metaint: int) -> IcyInterleaver:
        return IcyInterleaver(metaint, self.kernels.icy_interleave)

    def test_a_block_after_every_interval(self) -> None:
        block = metadata_block("A")
        icy = self.interleaver(4)
        assert icy.feed(b"abc", block) == b"abc"
        assert icy.position == 3
        assert icy.feed(b"defghi") == b"d" + block + b"efgh\0i"
        assert icy.position == 1

    def test_a_boundary_at_the_very_end_has_its_block(self) -> None:
        icy = self.interleaver(4)
        assert icy.feed(b"abcd", metadata_block("A")) == b"abcd" + metadata_block("A")
        assert icy.position == 0
        assert icy.feed(b"") == b""
        assert icy.feed(b"efgh") == b"efgh\0"

    def test_a_newer_block_replaces_one_that_waits(self) -> None:
        icy = self.interleaver(4)
        icy.feed(b"a", metadata_block("old"))
        assert icy.feed(b"bcd", metadata_block("new")) == b"bcd" + metadata_block("new")

    def test_what_follows_the_last_boundary_holds_no_block(self) -> None:
        icy = self.interleaver(10)
        out = icy.feed(bytes(range(1, 38)), metadata_block("A"))
        assert icy.position == 7
        assert out[-7:] == bytes(range(31, 38))
        assert out[-8:-7] == EMPTY_BLOCK

    @pytest.mark.parametrize("metaint", [1, 7, 400, 16000])
    def test_the_parser_is_its_inverse_however_cut(self, metaint: int) -> None:
        audio = random.Random(metaint).randbytes(5000)
        block = metadata_block("A title", "http://example.org/")
        whole = self.interleaver(metaint).feed(audio, block)
        for pieces in cuts(audio):
            icy = self.interleaver(metaint)
            first, *others = pieces
            assert icy.feed(first, block) + b"".join(map(icy.feed, others)) == whole
            assert icy.position == 5000 % metaint
        for pieces in cuts(whole):
            parser = IcyParser(metaint)
            answers = [parser.feed(piece) for piece in pieces]
            assert b"".join(found for found, _ in answers) == audio
            heard = [title for _, found in answers for title in found]
            assert heard == (["A title"] if metaint <= 5000 else [])

    @pytest.mark.parametrize(
        ("metaint", "position", "block"),
        [(0, 0, b"\0"), (4, 4, b"\0"), (4, 0, b""), (4, 0, b"\x01"), (4, 0, b"\0\0")],
    )
    def test_numbers_that_make_no_sense(self, metaint: int, position: int, block: bytes) -> None:
        with pytest.raises(ValueError):
            self.kernels.icy_interleave(b"abc", metaint, position, block)


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeIcyInterleaver(TestIcyInterleaver):
    kernels = NATIVE

    @given(
        audio=st.binary(max_size=300),
        metaint=st.integers(1, 100),
        position=st.integers(0, 99),
        title=st.text(max_size=20),
    )
    def test_interleaves_as_the_twin_does(
        self, audio: bytes, metaint: int, position: int, title: str
    ) -> None:
        arguments = (audio, metaint, position % metaint, metadata_block(title))
        assert self.kernels.icy_interleave(*arguments) == icy_interleave(*arguments)

    def test_long_buffer_is_interleaved_as_by_the_twin(self) -> None:
        arguments = (random.Random(1).randbytes(100_000), 16000, 15999, metadata_block("A"))
        assert self.kernels.icy_interleave(*arguments) == icy_interleave(*arguments)
