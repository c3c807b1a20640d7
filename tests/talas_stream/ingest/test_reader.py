"""Bytes to frames: the same however they are cut, and an end to what is no audio."""

import os
import random
import tracemalloc

import psutil
import pytest

from support.sound import SENT_ALSO, coded, programme
from support.wire import cuts
from talas_core.errors import UnsupportedMedia
from talas_stream import kernels
from talas_stream.ingest.reader import GIVE_UP_BYTES, SourceReader, accepts, essence
from talas_stream.media import Codec, Format, Frame
from talas_stream.wire.allowance import MOST_BYTES
from talas_stream.wire.ogg_pages import OggWriter, PageReader
from talas_stream.wire.opus import build_tags

BOTH = [pytest.param(kernels.select(mode), id=mode) for mode in ("off", "auto")]
TWINS = kernels.select("off")
SOUND = programme(0.5)
DATA = {coding: coded(SOUND, coding) for coding in ("mp3", "aac", "opus")}


def read(data: bytes, hands: kernels.Kernels = TWINS) -> list[Frame]:
    return read_pieces([data], hands)


def read_pieces(pieces: list[bytes], hands: kernels.Kernels = TWINS) -> list[Frame]:
    reader = SourceReader(hands)
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    return frames + reader.flush()


def told(frames: list[Frame]) -> list[tuple[bytes, int, Codec, int, int, bytes, int]]:
    return [(f.payload, f.samples, *_numbers(f.format)) for f in frames]


def _numbers(form: Format) -> tuple[Codec, int, int, bytes, int]:
    return form.codec, form.rate, form.channels, form.config, form.pre_skip


def id3(size: int, content: bytes | None = None) -> bytes:
    body = content if content is not None else random.Random(5).randbytes(size)
    digits = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + digits + body


@pytest.mark.parametrize("hands", BOTH)
@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_the_same_frames_however_the_bytes_are_cut(coding: str, hands: kernels.Kernels) -> None:
    whole = told(read(DATA[coding], hands))
    assert whole
    assert {form[2].value for form in whole} == {coding}
    for pieces in cuts(DATA[coding]):
        assert told(read_pieces(pieces, hands)) == whole


@pytest.mark.parametrize(("coding", "least"), [("mp3", 0.5), ("aac", 0.5), ("opus", 0.5)])
def test_all_the_sound_is_in_the_frames(coding: str, least: float) -> None:
    frames = read(DATA[coding])
    seconds = sum(frame.samples / frame.format.rate for frame in frames)
    assert least <= seconds < least + 0.15
    assert len({id(frame.format) for frame in frames}) == 1


def test_the_format_says_what_a_decoder_needs() -> None:
    assert _numbers(read(DATA["mp3"])[0].format) == (Codec.MP3, 48_000, 2, b"", 0)
    assert _numbers(read(DATA["aac"])[0].format) == (Codec.AAC, 48_000, 2, b"", 0)
    opus = read(DATA["opus"])[0].format
    assert (opus.codec, opus.rate, opus.channels, opus.pre_skip) == (Codec.OPUS, 48_000, 2, 312)
    assert opus.config.startswith(b"OpusHead")


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_garbage_before_and_between_costs_little(coding: str) -> None:
    dice = random.Random(2)
    clean = read(DATA[coding])
    assert told(read(dice.randbytes(5000) + DATA[coding])) == told(clean)
    half = len(DATA[coding]) // 2
    torn = DATA[coding][:half] + dice.randbytes(900) + DATA[coding][half:]
    frames = {frame.payload for frame in read(torn)}
    # Ogg loses the page that was hit, MP3 and ADTS one frame or two.
    lost = sum(frame.payload not in frames for frame in clean)
    assert lost <= (51 if coding == "opus" else 2)


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_damage_is_counted_and_a_tag_is_none(coding: str) -> None:
    reader = SourceReader(TWINS)
    assert reader.damage == {}
    reader.feed(DATA[coding])
    assert reader.damage == {}
    reader.feed(bytes(700) + DATA[coding])
    assert reader.damage["garbage_bytes"] >= 700
    mp3 = SourceReader(TWINS)
    mp3.feed(id3(5000) + DATA["mp3"])
    assert mp3.damage == {}


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_a_tail_that_is_no_frame_is_left_out(coding: str) -> None:
    assert told(read(DATA[coding] + b"tail")) == told(read(DATA[coding]))
    cut_short = read(DATA[coding][:-3])
    assert told(cut_short) == told(read(DATA[coding]))[: len(cut_short)]


def test_a_picture_in_front_is_stepped_over() -> None:
    tag = id3(200_000)
    assert told(read(tag + DATA["mp3"])) == told(read(DATA["mp3"]))
    pieces = [tag[:4096], tag[4096:], DATA["mp3"]]
    assert told(read_pieces(pieces)) == told(read(DATA["mp3"]))


def flac_picture(size: int) -> bytes:
    """A FLAC stream of one frame and more, with a picture in front."""
    flac = coded(SOUND, "flac")
    picture = b"\x06" + size.to_bytes(3, "big") + random.Random(5).randbytes(size)
    return flac[:4] + bytes((flac[4] & 0x7F,)) + flac[5:42] + picture + flac[42:]


def ogg_picture(size: int) -> bytes:
    """An Ogg stream of Opus whose comments hold a picture."""
    tags = build_tags("talas", {"METADATA_BLOCK_PICTURE": "A" * size})
    pages = PageReader().feed(DATA["opus"])
    writer = OggWriter(pages[0].serial)
    data = writer.header_pages(pages[0].packets[0], tags)
    return data + b"".join(writer.page(page.packets, page.granule) for page in pages[2:])


COVERED = {
    "mp3": lambda size: id3(size) + DATA["mp3"],
    "aac": lambda size: id3(size) + DATA["aac"],
    "mp3 between songs": lambda size: DATA["mp3"] + id3(size) + DATA["mp3"],
    "flac": flac_picture,
    "ogg": ogg_picture,
    "ogg between songs": lambda size: DATA["opus"] + ogg_picture(size),
}


@pytest.mark.parametrize("hands", BOTH)
@pytest.mark.parametrize("kind", COVERED)
def test_a_picture_larger_than_what_is_no_audio_is_stepped_over(
    kind: str, hands: kernels.Kernels
) -> None:
    def lengths(data: bytes) -> list[int]:
        pieces = [data[at : at + 65_536] for at in range(0, len(data), 65_536)]
        return [frame.samples for frame in read_pieces(pieces, hands)]

    assert sum(lengths(COVERED[kind](6 * GIVE_UP_BYTES))) == sum(lengths(COVERED[kind](100)))


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg"])
def test_pictures_without_end_are_no_audio(kind: str) -> None:
    head = {
        "mp3": b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",
        "flac": flac_picture(0)[:42] + b"\x06\xff\xff\xff",
        "ogg": ogg_picture(0)[:47],
    }[kind]
    reader = SourceReader(TWINS)
    reader.feed(head)
    fed = 0
    with pytest.raises(UnsupportedMedia, match="no audio frame"):
        while fed < 2 * MOST_BYTES:
            reader.feed(bytes(65_536))
            fed += 65_536


def test_audio_that_hides_in_a_tag_is_not_played() -> None:
    tag = id3(len(DATA["aac"]), DATA["aac"])
    assert told(read(tag + DATA["mp3"])) == told(read(DATA["mp3"]))


def test_a_change_of_rate_in_mid_stream_is_a_new_format() -> None:
    other = coded(programme(0.5, 22_050, channels=1), "mp3", 22_050)
    frames = read(DATA["mp3"] + other + DATA["mp3"])
    shapes = [(frame.format.rate, frame.format.channels) for frame in frames]
    changes = [b for a, b in zip([None, *shapes], shapes, strict=False) if a != b]
    assert changes == [(48_000, 2), (22_050, 1), (48_000, 2)]


def test_each_link_of_a_chain_is_a_new_format() -> None:
    mono = coded(programme(0.5, channels=1), "opus")
    frames = read(DATA["opus"] + mono + mono)
    formats = list({id(frame.format): frame.format for frame in frames}.values())
    assert [form.channels for form in formats] == [2, 1, 1]
    assert formats[1].config == formats[2].config


NO_AUDIO = {
    "zeros": lambda: bytes(8192),
    "ones": lambda: b"\xff" * 8192,
    "html": lambda: b"<html><body>not audio</body></html>\n" * 228,
    "random": lambda: os.urandom(8192),
    "ogg captures": lambda: b"OggS" * 2048,
    "ogg pages that promise": lambda: (b"OggS\0\2" + bytes(20) + b"\xff" + b"\xff" * 255) * 29,
    "mp3 headers": lambda: b"\xff\xfb\x90\x64" * 2048,
    "tag after tag": lambda: id3(5000) + id3(3160),
}


@pytest.mark.parametrize("hands", BOTH)
@pytest.mark.parametrize("kind", NO_AUDIO)
def test_no_audio_is_refused_after_so_many_bytes(kind: str, hands: kernels.Kernels) -> None:
    reader = SourceReader(hands)
    fed = 0
    with pytest.raises(UnsupportedMedia, match="no audio frame"):
        while fed < 4 * GIVE_UP_BYTES:
            piece = NO_AUDIO[kind]()
            reader.feed(piece)
            fed += len(piece)
    assert fed <= GIVE_UP_BYTES + 16_384


@pytest.mark.parametrize("kind", NO_AUDIO)
def test_memory_stays_flat_while_no_frame_is_found(kind: str) -> None:
    """FFmpeg's own parsers keep all they are fed until they find a frame."""
    reader = SourceReader(kernels.select("auto"))
    tracemalloc.start()
    try:
        for _ in range(GIVE_UP_BYTES // 8192 - 1):
            reader.feed(NO_AUDIO[kind]())
        assert tracemalloc.get_traced_memory()[0] < 300_000
    finally:
        tracemalloc.stop()


def test_memory_of_the_native_scan_stays_flat_too() -> None:
    process = psutil.Process()
    native = kernels.select("auto")
    # One reading per round: each gives up after half a megabyte.
    before = process.memory_info().rss
    for _ in range(40):
        with pytest.raises(UnsupportedMedia):
            reader = SourceReader(native)
            for _ in range(80):
                reader.feed(bytes(8192))
    assert process.memory_info().rss - before < 8_000_000


@pytest.mark.parametrize("coding", [*DATA, *SENT_ALSO])
def test_a_source_that_stops_sending_audio_is_refused_as_well(coding: str) -> None:
    reader = SourceReader(TWINS)
    assert reader.feed(coded(SOUND, coding) if coding in SENT_ALSO else DATA[coding])
    with pytest.raises(UnsupportedMedia):
        for _ in range(80):
            reader.feed(bytes(8192))


@pytest.mark.parametrize("coding", SENT_ALSO)
def test_a_signature_decides_however_the_bytes_are_cut(coding: str) -> None:
    data = coded(SOUND, coding)
    whole = told(read(data))
    assert whole
    for pieces in cuts(data):
        assert told(read_pieces(pieces)) == whole


@pytest.mark.parametrize("head", [b"RIFF", b"fLaC", b"\x1a\x45\xdf\xa3"])
def test_a_signature_and_nothing_behind_it_is_refused_as_well(head: bytes) -> None:
    reader = SourceReader(TWINS)
    with pytest.raises(UnsupportedMedia):
        for _ in range(80):
            reader.feed(head + os.urandom(8188))
    assert read(head[:3]) == []


def test_reader_fed_nothing_gives_no_frame() -> None:
    assert read(b"") == []


@pytest.mark.parametrize(
    ("declared", "taken"),
    [
        ("audio/mpeg", True),
        ("Audio/MPEG ; charset=x", True),
        ("audio/aacp", True),
        ("application/ogg", True),
        ("application/octet-stream", True),
        ("audio/wav", True),
        ("audio/flac", True),
        ("audio/vorbis", True),
        ("", True),
        ("text/html", False),
        ("video/webm", False),
        ("audio", False),
    ],
)
def test_what_a_body_may_be_declared_as(declared: str, taken: bool) -> None:
    assert accepts(declared) is taken


def test_the_type_without_its_parameters() -> None:
    assert essence(" Audio/Ogg; codecs=opus") == "audio/ogg"
