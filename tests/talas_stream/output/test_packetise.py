"""Wire formats: framed once, and valid from wherever a newcomer starts."""

import io
import random

import av
import pytest

from support.icy import IcyParser
from support.sound import programme
from support.stage import KERNELS, OPUS_HEAD, TOOLS, Hearer, frames_of, noise, placed, sized
from talas_stream import kernels
from talas_stream.codec.stages.encode import Encoder
from talas_stream.media import LADDER, Packet, Pcm
from talas_stream.output.feed import Feed
from talas_stream.output.packetise import (
    METAINT,
    PAGE_TICKS,
    IcyPacketiser,
    OggPacketiser,
    Packetiser,
    PlainPacketiser,
    flac_head,
)
from talas_stream.wire.flac import parse_streaminfo
from talas_stream.wire.ogg import BeginStream, EndStream, PacketReader
from talas_stream.wire.ogg import Packet as OggPacket
from talas_stream.wire.ogg_pages import Page, PageReader

SIZE = sized(49_152, 180_000)
MP3_SIZES = [417, 418] * 400


def all_of(packetiser: Packetiser, packets: list[Packet]) -> list[Packet]:
    return [out for packet in packets for out in packetiser.feed(packet)] + packetiser.flush()


def joined(packets: list[Packet]) -> bytes:
    return b"".join(packet.payload for packet in packets)


# ---- plain ---------------------------------------------------------------------------------------


def test_plain_frames_pass_as_the_same_objects() -> None:
    packetiser = PlainPacketiser()
    packetiser.retitle("title")
    packetiser.remind()
    packets = noise([100, 200])
    assert [out is packet for out, packet in zip(all_of(packetiser, packets), packets, strict=True)]
    assert packetiser.head == b""


# ---- ICY -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hands", [kernels.select("off"), kernels.select("auto")])
@pytest.mark.parametrize(
    "sizes",
    [MP3_SIZES, [METAINT] * 5, [METAINT - 1, 1, METAINT + 1], [100_000], [1] * 40, []],
    ids=["mp3", "whole intervals", "around the edge", "one large", "small", "none"],
)
def test_what_is_woven_parses_back_to_the_audio(hands: kernels.Kernels, sizes: list[int]) -> None:
    packets = noise(sizes)
    out = all_of(IcyPacketiser(hands, "Night"), packets)
    audio, titles = IcyParser(METAINT).feed(joined(out))
    assert audio == joined(packets)
    assert titles == (["Night"] if sum(sizes) >= METAINT else [])


def test_every_joint_ends_with_a_block_and_nothing_else_does() -> None:
    out = all_of(IcyPacketiser(KERNELS, "Night"), noise(MP3_SIZES))
    joints = [number for number, packet in enumerate(out) if packet.joint]
    assert len(joints) == sum(MP3_SIZES) // METAINT
    for number in joints:
        audio, _ = IcyParser(METAINT).feed(joined(out[number + 1 :]))
        assert audio in joined(noise(MP3_SIZES))
    assert all(out[number].payload.endswith(b"\0") for number in joints)


def test_icy_packets_without_a_block_share_the_payload_of_the_audio() -> None:
    packets = noise(MP3_SIZES)
    packetiser, shared = IcyPacketiser(KERNELS, "Night"), 0
    for packet in packets:
        shared += sum(out.payload is packet.payload for out in packetiser.feed(packet))
    assert len(packets) - shared <= sum(MP3_SIZES) // METAINT


def test_a_title_is_told_once_until_it_changes_or_somebody_asks() -> None:
    packetiser = IcyPacketiser(KERNELS, "one")
    parser = IcyParser(METAINT)
    heard: list[str] = []
    for number, packet in enumerate(noise([METAINT] * 7)):
        if number == 3:
            packetiser.retitle("two")
        if number == 5:
            packetiser.remind()
        for out in packetiser.feed(packet):
            heard += [f"{number} {title}" for title in parser.feed(out.payload)[1]]
    assert heard == ["0 one", "3 two", "5 two"]


def test_a_block_that_is_empty_for_all_carries_the_title_for_a_newcomer() -> None:
    packetiser = IcyPacketiser(KERNELS, "one")
    told, empty = (packetiser.feed(packet)[0] for packet in noise([METAINT, METAINT]))
    assert told.opening is told.payload
    assert empty.opening is not None
    assert IcyParser(METAINT).feed(empty.opening)[1] == ["one"]
    assert IcyParser(METAINT).feed(empty.payload)[1] == []


def test_cuts_keep_the_packet_s_media_time() -> None:
    (packet,) = noise([3 * METAINT + 5])
    out = IcyPacketiser(KERNELS, "").feed(packet)
    assert [(piece.at, piece.duration) for piece in out] == [(packet.at, packet.duration)] * 4
    assert [piece.joint for piece in out] == [True, True, True, False]


def titles_at(feed: Feed, step: int) -> str:
    """A new title now and then; what it is from here on."""
    title = f"title {step // 150}"
    if step % 150 == 0:
        feed.retitle(title)
    return title


@pytest.mark.parametrize("seed", range(8))
def test_a_newcomer_at_any_moment_hears_clean_audio_and_the_title(seed: int) -> None:
    dice = random.Random(seed)
    packets = noise([dice.randrange(96, 1500) for _ in range(900)], seed)
    whole = joined(packets)
    feed = Feed(IcyPacketiser(KERNELS, "title 0"), SIZE)
    newcomers: list[tuple[Hearer, str]] = []
    for step, packet in enumerate(packets):
        title = titles_at(feed, step)
        if dice.random() < 0.03:
            hearer = Hearer()
            feed.join(hearer)
            newcomers.append((hearer, title))
        feed.push([packet])
        if dice.random() < 0.2:
            feed.flush()
    feed.end()
    for hearer, title in newcomers:
        audio, titles = IcyParser(METAINT).feed(hearer.heard)
        assert whole.endswith(audio)
        first = IcyParser(METAINT).feed(hearer.heard[: METAINT + 4081])[1]
        # The burst lies before the moment of joining: its title may be the one before.
        if len(audio) >= METAINT:
            assert len(first) >= 1
            assert int(first[0].split()[1]) in (int(title.split()[1]), int(title.split()[1]) - 1)
            assert titles == sorted(titles, key=lambda text: int(text.split()[1]))


@pytest.mark.parametrize("seed", range(8))
def test_a_slow_listener_who_skips_still_counts_right(seed: int) -> None:
    dice = random.Random(seed)
    packets = noise([dice.randrange(96, 1500) for _ in range(2000)], seed)
    whole = joined(packets)
    feed = Feed(IcyPacketiser(KERNELS, "here"), SIZE)
    slow, quick = Hearer(), Hearer()
    feed.join(slow)
    feed.join(quick)
    for packet in packets:
        feed.push([packet])
        if dice.random() < 0.2:
            feed.flush()
        if dice.random() < 0.004:
            feed.pause(slow)
        elif dice.random() < 0.002:
            feed.resume(slow)
    feed.end()
    assert IcyParser(METAINT).feed(quick.heard) == (whole, ["here"])
    parser = IcyParser(METAINT)
    position = 0
    for piece in slow.got:
        audio, _ = parser.feed(piece)
        found = whole.find(audio, position)
        assert found >= 0, "bytes that were no audio, or came twice"
        position = found + len(audio)
    assert position == len(whole)
    assert feed.skipped > 0


# ---- Ogg -----------------------------------------------------------------------------------------


def ogg(serial: int = 7) -> OggPacketiser:
    return OggPacketiser(KERNELS, OPUS_HEAD, serial, "Night Line")


def opus_packets(count: int, start: int = 0, duration: int = 960, size: int = 240) -> list[Packet]:
    dice = random.Random(3)
    return [
        Packet(b"\xfc" + dice.randbytes(size - 1), start + number * duration, duration)
        for number in range(count)
    ]


def pages(data: bytes) -> list[Page]:
    reader = PageReader()
    found = reader.feed(data) + reader.flush()
    assert reader.garbage_bytes == 0
    return found


def test_the_head_is_two_header_pages_and_comes_before_all() -> None:
    first, second = pages(ogg().head)
    assert (first.bos, first.granule, first.packets) == (True, 0, (OPUS_HEAD,))
    assert second.packets[0].startswith(b"OpusTags")
    assert b"Night Line" in second.packets[0]


def test_pages_hold_the_packets_and_granules_rise_with_media_time() -> None:
    packetiser = ogg()
    packets = opus_packets(52, start=96_000)
    out = all_of(packetiser, packets)
    found = pages(packetiser.head + joined(out))
    audio = found[2:]
    assert [packet for page in audio for packet in page.packets] == [p.payload for p in packets]
    assert [page.sequence for page in found] == list(range(len(found)))
    assert {page.serial for page in found} == {7}
    # Media time right after the page, and the pre-skip on top.
    assert [page.granule for page in audio] == [piece.end + 312 for piece in out]
    assert [piece.at for piece in out[1:]] == [piece.end for piece in out[:-1]]
    assert [page.eos for page in audio] == [False] * 10 + [True]
    assert all(piece.joint for piece in out)


def test_the_reader_hears_one_stream_from_beginning_to_end() -> None:
    packetiser = ogg()
    packets = opus_packets(23)
    events = PacketReader().feed(packetiser.head + joined(all_of(packetiser, packets)))
    assert isinstance(events[0], BeginStream)
    assert [e.payload for e in events if isinstance(e, OggPacket)] == [p.payload for p in packets]
    assert isinstance(events[-1], EndStream)
    assert events[-1].clean


@pytest.mark.parametrize(("duration", "count"), [(120, 40), (960, 5), (2880, 2), (5760, 1)])
def test_a_page_is_a_tenth_of_a_second_whatever_the_packets(duration: int, count: int) -> None:
    out = all_of(ogg(), opus_packets(3 * count, duration=duration))
    assert len(out) == 3
    assert all(piece.duration >= PAGE_TICKS for piece in out)


def test_packets_too_large_to_share_a_page_get_pages_of_their_own() -> None:
    packets = opus_packets(7, size=20_000) + opus_packets(2, start=7 * 960, size=200_000)
    # As pages: no reader of Opus takes such packets.
    found = pages(joined(all_of(ogg(), packets)))
    assert b"".join(piece for page in found for piece in page.packets) == joined(packets)
    assert sum(len(page.packets) - (not page.complete) for page in found) == len(packets)


def test_granules_do_not_fall_when_a_chained_link_brings_a_long_pre_skip() -> None:
    before, after = opus_packets(50), opus_packets(100, start=50 * 960 - 65_000)
    granules = [page.granule for page in pages(joined(all_of(ogg(), before + after)))]
    assert granules == sorted(granules)


def test_a_granule_is_never_negative() -> None:
    assert pages(joined(all_of(ogg(), opus_packets(2, start=-60_000))))[0].granule == 0


def test_ogg_has_no_place_for_titles_and_ends_without_a_page_when_it_holds_nothing() -> None:
    packetiser = ogg()
    packetiser.retitle("title")
    packetiser.remind()
    assert packetiser.flush() == []


@pytest.mark.parametrize("seed", range(3))
def test_a_newcomer_s_bytes_play_from_any_moment_on(seed: int) -> None:
    dice = random.Random(seed)
    encoder = Encoder(LADDER["opus"], TOOLS)
    sound = programme(12.0)
    packets = [
        packet
        for at in range(0, sound.shape[1], 960)
        for packet in encoder.encode(Pcm(sound[:, at : at + 960], at))
    ]
    feed = Feed(OggPacketiser(KERNELS, encoder.config, 1, "x"), SIZE)
    newcomers: list[tuple[Hearer, int]] = []
    for number, packet in enumerate(packets):
        if number % 60 == 0:
            hearer = Hearer()
            feed.join(hearer)
            newcomers.append((hearer, number))
        feed.push([packet])
        if dice.random() < 0.1:
            feed.flush()
    feed.end()
    for hearer, number in newcomers:
        with av.open(io.BytesIO(hearer.heard), format="ogg") as player:
            samples = sum(frame.samples for frame in player.decode(audio=0))
        assert samples >= (len(packets) - number - 10) * 960


def test_a_source_s_own_opus_passes_through_with_its_config() -> None:
    frames = frames_of(programme(2.0), "opus")
    packetiser = OggPacketiser(KERNELS, frames[0].format.config, 1, "x")
    out = all_of(packetiser, placed(frames, start=48_000))
    with av.open(io.BytesIO(packetiser.head + joined(out)), format="ogg") as player:
        decoded = list(player.decode(audio=0))
    assert sum(frame.samples for frame in decoded) == pytest.approx(96_000, abs=1300)
    assert out[0].at == 48_000 - 312


# ---- FLAC ----------------------------------------------------------------------------------------


def test_a_flac_head_says_the_shape_and_nothing_of_length() -> None:
    told = parse_streaminfo(bytes.fromhex("04800480 000011 0012a8 0bb802f0 00012345") + b"m" * 16)
    head = flac_head(told.raw)
    assert head[:8] == b"fLaC\x80\x00\x00\x22"
    assert head[8:] == bytes.fromhex("04800480 000000 000000 0bb802f0 00000000") + bytes(16)
    again = parse_streaminfo(head[8:])
    assert (again.rate, again.channels, again.bits) == (told.rate, told.channels, told.bits)


def test_only_a_streaminfo_makes_a_flac_head() -> None:
    with pytest.raises(ValueError, match="33 bytes"):
        flac_head(bytes(33))
