"""Whatever the bytes: what the parsers promise, on streams that are partly sound and partly not.

Each stream is put together from slices of real recordings, damaged ones, noise, and what has fooled
parsers before. A long run (tests/fuzz/run.py) tries many more, and new ones each time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.icy import IcyParser
from support.sound import coded, programme
from support.stage import WITHOUT_NATIVE
from support.wire import encoded
from talas_core.errors import TalasError
from talas_stream import kernels
from talas_stream.codec.stages.pipeline import Pipeline
from talas_stream.ingest.reader import GIVE_UP_BYTES, SourceReader
from talas_stream.media import Frame
from talas_stream.station.timeline import Timeline
from talas_stream.wire import ogg_codecs, opus, vorbis
from talas_stream.wire.adts import AdtsFramer
from talas_stream.wire.chunked import ChunkedReader
from talas_stream.wire.errors import BadRequest, MalformedHeader
from talas_stream.wire.flac import parse_frame_header
from talas_stream.wire.flac_frames import FlacReader
from talas_stream.wire.icy import IcyInterleaver, metadata_block
from talas_stream.wire.mpeg import MpegFramer
from talas_stream.wire.ogg import BeginStream, PacketReader
from talas_stream.wire.ogg_pages import ogg_crc
from talas_stream.wire.request import MAX_HEAD_BYTES, parse_head
from talas_stream.wire.wav import WavReader
from talas_stream.wire.webm import WebmReader

LONG = int(os.environ.get("TALAS_FUZZ_EXAMPLES", "0"))
FUZZ = settings(
    max_examples=LONG or 40,
    derandomize=not LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TWINS, NATIVE = kernels.select("off"), kernels.select("auto")
SOUND = programme(0.6)
RECORDED = {
    coding: coded(SOUND, coding) for coding in ("mp3", "aac", "opus", "webm", "flac", "wav")
} | {f"ogg-{coding}": encoded("ogg", coding, seconds=0.4) for coding in ("vorbis", "flac")}
CODINGS = tuple(RECORDED)
FOOLED = (
    b"ID3\x04\x00\x00\x00\x0c\x1a\x40",  # a tag of 200 KB
    b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",  # the largest tag there can be
    b"\xff\xfb\x90\x64",
    b"\xff\xf1\x4c\x80\x2e\x7f\xfc",
    b"OggS\x00\x02" + bytes(20) + b"\xff" * 256,  # a page that promises 65 KB
    b"OpusHead\x01\xff\xff\xff",
    b"fLaC\x80\x00\x00\x22",  # a STREAMINFO that does not come
    b"fLaC\x04\xff\xff\xff",  # a comment of 16 MB
    b"\xff\xf8\xc9\xa8\x00\xa1",
    b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff",
    b"data\x00\x00\x00\x00",
    b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff",
    b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xa3\x08\xff\xff\xff",
)


@st.composite
def damaged(draw: st.DrawFn, codings: tuple[str, ...] = CODINGS) -> bytes:
    """A recording, or a part of it, a few bytes of which were hit."""
    whole = RECORDED[draw(st.sampled_from(codings))]
    start = draw(st.sampled_from((0, 0, draw(st.integers(0, len(whole) - 1)))))
    part = bytearray(whole[start : start + draw(st.integers(1, 9000))])
    for _ in range(draw(st.integers(0, 4))):
        part[draw(st.integers(0, len(part) - 1))] = draw(st.integers(0, 255))
    return bytes(part)


@st.composite
def lying_page(draw: st.DrawFn) -> bytes:
    """An Ogg page whose CRC holds, and whose other fields may say anything."""
    head = (
        b"OggS\x00" + bytes((draw(st.integers(0, 7)),)) + draw(st.binary(min_size=16, max_size=16))
    )
    opus = b"OpusHead" + draw(st.binary(min_size=11, max_size=30))
    packets = draw(st.lists(st.sampled_from((opus, b"OpusTags", b"\x00", b"\xff\x3f", bytes(254)))))
    body = b"".join(packets[:200])
    tail = bytes((len(packets[:200]),)) + bytes(map(len, packets[:200])) + body
    return head + ogg_crc(head + bytes(4) + tail).to_bytes(4, "little") + tail


PIECES = st.one_of(damaged(), st.binary(max_size=600), st.sampled_from(FOOLED), lying_page())
STREAMS = st.lists(PIECES, min_size=1, max_size=6).map(b"".join)
CUTS = st.lists(st.integers(1, 5000), min_size=1, max_size=8)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """`data` in pieces of these sizes, over and over."""
    pieces, at = [], 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
    return pieces


FRAMERS: dict[str, Callable[[kernels.Kernels], Any]] = {
    "mpeg": lambda hands: MpegFramer(hands.mpeg_scan),
    "adts": lambda hands: AdtsFramer(hands.adts_scan),
    "ogg": lambda hands: PacketReader(hands.ogg_scan),
    "flac": lambda hands: FlacReader(hands.flac_crc16),
    "webm": lambda _: WebmReader(),
    "wav": lambda _: WavReader(),
}
COUNTED = ("garbage_bytes", "lost_pages", "dropped_packets", "damaged", "dropped")


def read(parser: Any, pieces: list[bytes]) -> tuple[list[Any], dict[str, int], bool]:
    """Everything a push parser makes of the pieces, what it counts, and whether it refused."""
    found: list[Any] = []
    try:
        for piece in pieces:
            found += parser.feed(piece)
        found += parser.flush()
    except MalformedHeader:
        return [], {}, True
    return found, {name: getattr(parser, name, 0) for name in COUNTED}, False


@pytest.mark.parametrize("name", FRAMERS)
@FUZZ
@given(data=STREAMS, sizes=CUTS)
def test_twin_and_kernel_agree_however_the_bytes_are_cut(
    name: str, data: bytes, sizes: list[int]
) -> None:
    make = FRAMERS[name]
    whole = read(make(TWINS), [data])
    assert read(make(NATIVE), [data]) == whole
    assert read(make(TWINS), cut(data, sizes)) == whole
    assert read(make(NATIVE), cut(data, sizes)) == whole
    assert all(count <= len(data) for count in whole[1].values())


def taken(data: bytes, sizes: list[int], hands: kernels.Kernels) -> tuple[list[Frame], str]:
    """The frames of a source that sends `data`, and why it was refused, if it was."""
    reader, frames = SourceReader(hands), []
    try:
        for piece in cut(data, sizes):
            frames += reader.feed(piece)
        frames += reader.flush()
    except TalasError as error:
        return frames, error.code
    return frames, ""


@FUZZ
@given(data=STREAMS, sizes=CUTS)
def test_a_source_gives_frames_or_is_refused_by_name(data: bytes, sizes: list[int]) -> None:
    frames, refused = taken(data, sizes, TWINS)
    assert refused in ("", "unsupported_media")
    native, again = taken(data, sizes, NATIVE)
    assert [frame.payload for frame in native] == [frame.payload for frame in frames]
    assert again == refused
    assert sum(len(frame.payload) for frame in frames) <= len(data) < GIVE_UP_BYTES
    for frame in frames:
        assert frame.samples >= 0
        assert frame.format.rate > 0


@pytest.mark.parametrize("coding", CODINGS)
@FUZZ
@given(data=st.data())
def test_damaged_audio_keeps_the_timeline(coding: str, data: st.DataObject) -> None:
    """Each frame yields the time its header promised, whatever the decoder makes of it."""
    parts = st.one_of(damaged((coding,)), lying_page() if coding == "opus" else damaged((coding,)))
    head = st.just(RECORDED[coding][:4000])  # without it, most codings cannot be decoded at all
    stream = b"".join([data.draw(head), *data.draw(st.lists(parts, max_size=3))])
    frames, _ = taken(stream, [4096], NATIVE)
    timeline, pipeline = Timeline(0), Pipeline(480_000, WITHOUT_NATIVE)
    for frame in frames:
        before = pipeline.errors
        pipeline.feed(frame, timeline.place(frame))
        assert pipeline.errors - before in (0, 1)
    pipeline.flush()


VORBIS = next(
    event.headers
    for event in PacketReader().feed(RECORDED["ogg-vorbis"])
    if isinstance(event, BeginStream)
)
PACKETS = st.one_of(
    st.binary(max_size=80),
    st.sampled_from((*VORBIS, b"OpusTags", b"OpusHead\x01\x02", b"\x7fFLAC", b"\xff\xf8\xc9\xa8")),
    st.tuples(st.sampled_from(VORBIS), st.integers(0, 60), st.binary(max_size=30)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + len(cut[2]) :]
    ),
    st.binary(max_size=40).map(lambda rest: b"OpusHead" + rest),
    st.binary(max_size=60).map(lambda rest: b"\x7fFLAC" + rest),
)


@FUZZ
@given(packets=st.lists(PACKETS, min_size=1, max_size=6))
def test_headers_of_ogg_codecs_make_a_setup_or_are_malformed(packets: list[bytes]) -> None:
    mapping = ogg_codecs.identify(packets[0])
    if mapping is None:
        return
    setup = None
    for packet in packets[1:]:
        if setup is None:
            try:
                setup = mapping.offer(packet or None)
            except MalformedHeader:
                return
        else:
            samples = mapping.samples(packet)
            assert samples is None or 0 <= samples <= 65_536
    if setup is not None:
        assert setup.sample_rate >= 0
        assert sum(map(len, setup.headers)) <= 2 * sum(map(len, packets)) + 100


@FUZZ
@given(data=st.one_of(PACKETS, st.binary(max_size=600)))
def test_small_parsers_give_a_value_or_refuse_whatever_the_bytes(data: bytes) -> None:
    for parse in (opus.parse_head, opus.parse_tags, vorbis.mode_flags):
        with contextlib.suppress(MalformedHeader):
            parse(data)
    assert 0 <= opus.packet_samples(data) <= opus.MAX_PACKET_SAMPLES
    header = parse_frame_header(data)
    assert header is None or (1 <= header.samples <= 65_536 and header.size <= len(data))


HEAD_PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        (b"PUT /live HTTP/1.1\r\n", b"SOURCE /live ICE/1.0\n", b"GET * HTTP/1.1\r\n",
         b"GET /%ff?a=%00&b HTTP/1.0\r\n", b"Content-Length: 5\r\n", b"Host: a\r\n", b"\r\n\r\n",
         b"\n\n", b"Authorization: Basic c291cmNlOmE=\r\n", b" folded\r\n", b"X: " + b"y" * 9000)
    ),
)  # fmt: skip


@FUZZ
@given(pieces=st.lists(HEAD_PIECES, max_size=12), more=st.binary(max_size=40))
def test_request_head_is_read_or_waited_for_or_refused(pieces: list[bytes], more: bytes) -> None:
    data = b"".join(pieces)
    try:
        head = parse_head(data)
    except BadRequest as error:
        assert error.status in (400, 414, 431)
        return
    if head is None:
        assert len(data) < MAX_HEAD_BYTES
        return
    assert head.size <= len(data)
    assert parse_head(data + more) == head
    assert parse_head(data[: head.size]) == head
    told = [head.path, *head.headers, *head.headers.values()]
    assert not any(c < " " and c != "\t" for value in told for c in value)


@FUZZ
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=8), sizes=CUTS, rest=st.binary()
)
def test_chunked_body_is_the_same_however_it_is_cut(
    pieces: list[bytes], sizes: list[int], rest: bytes
) -> None:
    wire = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    reader = ChunkedReader()
    body = b"".join(reader.feed(piece) for piece in cut(wire + b"0\r\nA: b\r\n\r\n" + rest, sizes))
    assert reader.done
    assert body == b"".join(pieces)


CHUNKS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        (b"5\r\nhello\r\n", b"fffffffffffffff\r\n", b"0\r\n\r\n", b"0" * 400, b"-1\r\n",
         b"0x5\r\n", b";" * 900, b"\n")
    ),
)  # fmt: skip


@FUZZ
@given(data=st.lists(CHUNKS).map(b"".join), sizes=CUTS)
def test_broken_chunks_are_refused_and_give_no_more_than_came(
    data: bytes, sizes: list[int]
) -> None:
    def outcome(pieces: list[bytes]) -> tuple[bytes, bool]:
        reader, body = ChunkedReader(), b""
        try:
            for piece in pieces:
                body += reader.feed(piece)
        except BadRequest:
            return b"", False
        return body, True

    whole = outcome([data])
    assert outcome(cut(data, sizes)) == whole
    assert len(whole[0]) <= len(data)


@FUZZ
@given(
    title=st.text(max_size=5000), url=st.text(max_size=300), audio=st.binary(max_size=3000),
    interval=st.integers(1, 500), sizes=CUTS,
)  # fmt: skip
def test_any_title_comes_out_of_an_icy_stream_as_it_went_in(
    title: str, url: str, audio: bytes, interval: int, sizes: list[int]
) -> None:
    block = metadata_block(title, url)
    assert len(block) == 1 + 16 * block[0]
    assert all(byte >= 32 for byte in block[1:].rstrip(b"\0"))
    wire = IcyInterleaver(interval, NATIVE.icy_interleave).feed(audio, block)
    parser, heard, titles = IcyParser(interval), b"", []
    for piece in cut(wire, sizes):
        part, told = parser.feed(piece)
        heard += part
        titles += told
    assert heard == audio
    assert len(titles) == (len(audio) >= interval)
    if titles and len(title) < 500:
        kept = [c for c in title if c.isprintable()]
        assert [c for c in titles[0] if c.isprintable() and c != " "] == [
            c for c in kept if c != " "
        ]


@FUZZ
@given(data=st.binary(max_size=5000), interval=st.integers(1, 300), sizes=CUTS)
def test_any_bytes_are_read_as_an_icy_stream_without_an_error(
    data: bytes, interval: int, sizes: list[int]
) -> None:
    parser = IcyParser(interval)
    assert sum(len(parser.feed(piece)[0]) for piece in cut(data, sizes)) <= len(data)
