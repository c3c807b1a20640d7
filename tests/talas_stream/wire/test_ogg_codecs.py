"""How Opus, Vorbis and FLAC begin."""

from __future__ import annotations

import av
import pytest

from support.wire import encoded
from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.ogg_codecs import identify
from talas_stream.wire.ogg_pages import PageReader
from talas_stream.wire.opus import OpusHead, build_head, build_tags

OPUS = build_head(OpusHead(2, 312))
TAGS = build_tags("talas")
IDENTITY = (
    b"\x01vorbis" + bytes(4) + b"\x02" + (44100).to_bytes(4, "little") + bytes(12) + b"\xb8\x01"
)
COMMENT = b"\x03vorbis words"
# The modes: two, short and long, behind their number and before the framing bit.
SETUP = b"\x05vorbis books" + (1 | 1 << 47 | 1 << 88).to_bytes(12, "little")
STREAMINFO = bytes(10) + ((48000 << 12 | 1 << 9).to_bytes(4, "big")) + bytes(20)
FLAC = b"\x7fFLAC\x01\x00\x00\x02fLaC\x00\x00\x00\x22" + STREAMINFO
FLAC_COMMENT, FLAC_PICTURE = b"\x84words", b"\x06picture"
FLAC_AUDIO = b"\xff\xf8\xca\x18\x00\x7faudio"


@pytest.mark.parametrize(
    "packet",
    [b"", b"fishead\0", OPUS[:12], b"\x01vorbis" + bytes(22), IDENTITY[:20], FLAC[:50]],
    ids=["nothing", "skeleton", "torn Opus", "no channels", "torn Vorbis", "torn FLAC"],
)
def test_first_packet_of_an_unknown_codec_is_not_recognised(packet: bytes) -> None:
    assert identify(packet) is None


def test_opus_headers_give_its_extradata() -> None:
    mapping = identify(OPUS)
    assert mapping
    setup = mapping.offer(TAGS)
    assert setup and (setup.codec, setup.sample_rate, setup.channels) == ("opus", 48000, 2)
    assert (setup.pre_skip, setup.headers, setup.extradata) == (312, (OPUS, TAGS), OPUS)
    assert not mapping.began_with_audio
    assert mapping.samples(b"\xf8\x00") == 960
    assert mapping.samples(b"\xfb") is None


@pytest.mark.parametrize(("packet", "audio"), [(b"\xf8audio", True), (None, False)])
def test_opus_without_tags(packet: bytes | None, audio: bool) -> None:
    mapping = identify(OPUS)
    assert mapping
    setup = mapping.offer(packet)
    assert setup and setup.headers == (OPUS, build_tags(""))
    assert mapping.began_with_audio is audio


def test_vorbis_headers_give_its_extradata() -> None:
    mapping = identify(IDENTITY)
    assert mapping and mapping.offer(COMMENT) is None
    setup = mapping.offer(SETUP)
    assert setup and (setup.codec, setup.sample_rate, setup.channels) == ("vorbis", 44100, 2)
    lacing = b"\x02" + bytes((len(IDENTITY), len(COMMENT)))
    assert setup.extradata == lacing + IDENTITY + COMMENT + SETUP
    assert not mapping.began_with_audio
    assert mapping.samples(b"\x00audio") == 0
    assert mapping.samples(b"\x02audio") == 64 + 512
    assert mapping.samples(COMMENT) is None


def test_vorbis_whose_modes_cannot_be_read_cannot_be_decoded() -> None:
    mapping = identify(IDENTITY)
    assert mapping and mapping.offer(COMMENT) is None
    with pytest.raises(MalformedHeader, match="modes"):
        mapping.offer(b"\x05vorbis books")


def test_vorbis_with_long_comments_is_laced_in_several_bytes() -> None:
    mapping = identify(IDENTITY)
    comment = COMMENT.ljust(600, b".")
    assert mapping and mapping.offer(comment) is None
    setup = mapping.offer(SETUP)
    assert setup
    assert setup.extradata.startswith(b"\x02" + bytes((len(IDENTITY), 255, 255, 90)) + IDENTITY)


def test_vorbis_whose_comments_were_lost() -> None:
    mapping = identify(IDENTITY)
    assert mapping and mapping.offer(None) is None
    setup = mapping.offer(SETUP)
    assert setup and setup.headers[1] == b"\x03vorbis" + bytes(8) + b"\x01"


@pytest.mark.parametrize("packets", [[b"\x00audio"], [COMMENT, b"\x00audio"], [COMMENT, None]])
def test_vorbis_without_a_header_cannot_be_decoded(packets: list[bytes | None]) -> None:
    mapping = identify(IDENTITY)
    assert mapping
    with pytest.raises(MalformedHeader):
        for packet in packets:
            mapping.offer(packet)


def test_flac_headers_give_its_extradata() -> None:
    mapping = identify(FLAC)
    assert mapping
    for packet in (FLAC_PICTURE, FLAC_COMMENT, None, b"\x84other words"):
        assert mapping.offer(packet) is None
    setup = mapping.offer(FLAC_AUDIO)
    assert setup and (setup.codec, setup.sample_rate, setup.channels) == ("flac", 48000, 2)
    assert (setup.extradata, setup.headers) == (STREAMINFO, (FLAC, FLAC_COMMENT))
    assert mapping.began_with_audio
    assert mapping.samples(FLAC_AUDIO) == 4096
    assert mapping.samples(b"\xff" + FLAC_AUDIO) is None
    assert mapping.samples(FLAC_PICTURE) is None


def test_flac_without_comments() -> None:
    mapping = identify(FLAC)
    setup = mapping.offer(FLAC_AUDIO) if mapping else None
    assert setup and setup.headers == (FLAC,)


@pytest.mark.parametrize(("codec", "channels"), [("libopus", 2), ("flac", 2), ("vorbis", 2)])
def test_the_extradata_opens_ffmpegs_decoder(codec: str, channels: int) -> None:
    packets = [
        packet
        for page in PageReader().feed(encoded("ogg", codec, seconds=0.2))
        for packet in page.packets
    ]
    mapping = identify(packets[0])
    assert mapping
    setup = None
    for packet in packets[1:]:
        setup = setup or mapping.offer(packet)
    assert setup
    decoder = av.CodecContext.create(setup.codec, "r")
    decoder.extradata = setup.extradata
    decoder.open()
    assert setup.channels == channels
    assert setup.sample_rate == 48000
