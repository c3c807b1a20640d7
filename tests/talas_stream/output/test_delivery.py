"""Which wire format carries which coding, and the packetiser of each."""

import pytest

from support.stage import KERNELS, OPUS_HEAD, noise
from talas_stream.media import Codec
from talas_stream.output.delivery import PACKETISERS, Delivery, Profile, Stream, Wire, wire_of
from talas_stream.output.packetise import METAINT

STREAMINFO = bytes.fromhex("04800480 000000 0012a8 0bb802f000000000") + bytes(16)
CONFIG = {Wire.OGG: OPUS_HEAD, Wire.FLAC: STREAMINFO}
HEAD = {Wire.OGG: b"OggS", Wire.FLAC: b"fLaC"}


@pytest.mark.parametrize("titled", [False, True])
@pytest.mark.parametrize("codec", Codec)
def test_every_coding_has_a_wire_format_and_titles_only_where_there_is_room(
    codec: Codec, titled: bool
) -> None:
    room = codec in (Codec.MP3, Codec.AAC)
    assert (wire_of(codec, titled) is Wire.ICY) == (titled and room)
    assert wire_of(codec, titled) in PACKETISERS


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("wire", Wire)
def test_every_wire_format_has_a_packetiser_in_each_profile(wire: Wire, profile: Profile) -> None:
    stream = Stream(CONFIG.get(wire, b""), 5, "Night Line", "Song")
    packetiser = PACKETISERS[wire](KERNELS, stream, profile)
    assert packetiser.head.startswith(HEAD.get(wire, b""))
    made = [wire for packet in noise([METAINT // 10] * 10) for wire in packetiser.feed(packet)]
    assert (b"StreamTitle='Song';" in made[-1].payload) == (wire is Wire.ICY)


def test_low_opus_has_a_page_a_packet_and_steady_opus_fewer() -> None:
    pages = {}
    for profile in Profile:
        packetiser = PACKETISERS[Wire.OGG](KERNELS, Stream(OPUS_HEAD, 5, "", ""), profile)
        pages[profile] = sum(len(packetiser.feed(packet)) for packet in noise([100] * 10))
    assert pages == {Profile.LOW: 10, Profile.STEADY: 2}


def test_deliveries_are_alike_where_format_and_profile_are() -> None:
    assert Delivery() == Delivery(Wire.PLAIN, Profile.STEADY)
    assert len({Delivery(wire, profile) for wire in Wire for profile in Profile}) == 8
