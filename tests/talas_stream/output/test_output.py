"""One rendition being made: who waits for the encoder, and what its feeds begin with."""

import random

import pytest

from support.icy import IcyParser
from support.stage import KERNELS, OPUS_HEAD, Hearer, noise
from talas_stream.media import LADDER, RATE, Packet
from talas_stream.output.delivery import Delivery, Profile, Wire, wire_of
from talas_stream.output.feed import TURNS, Feed
from talas_stream.output.output import Output
from talas_stream.output.packetise import METAINT, flac_head
from talas_stream.output.sizes import Sizes
from talas_stream.wire.ogg_pages import PageReader

ICY, LOW = Delivery(Wire.ICY), Delivery(profile=Profile.LOW)
LOW_OGG = Delivery(Wire.OGG, Profile.LOW)
SIZES = Sizes(49_152, 65_536)
STREAMINFO = bytes.fromhex("04800480 000000 0012a8 0bb802f000000000") + bytes(16)


def live(name: str) -> Output:
    return Output(LADDER[name], KERNELS, SIZES, "Night Line", 5)


def join(rendition: Output, icy: bool = False) -> tuple[Hearer, list[Feed]]:
    hearer, feeds = Hearer(), []  # type: tuple[Hearer, list[Feed]]
    delivery = Delivery(wire_of(rendition.rendition.codec, icy))
    rendition.join(hearer, delivery, feeds.append)
    return hearer, feeds


def test_a_quiet_passage_of_flac_is_not_kept_for_minutes() -> None:
    rendition = live("flac")
    rendition.ready(STREAMINFO)
    rendition.push(noise([14] * 10_000, duration=1152))
    hearer, _ = join(rendition)
    kept = (len(hearer.heard) - 42) // 14 * 1152
    assert kept <= SIZES.of(LADDER["flac"]).ticks + 1152


def test_flac_begins_with_its_head_and_has_no_titles() -> None:
    rendition = live("flac")
    rendition.ready(STREAMINFO)
    packets = noise([3000] * 10, duration=1152)
    rendition.push(packets)
    one, (feed,) = join(rendition, icy=True)
    other, (same,) = join(rendition)
    assert feed is same
    assert one.heard == other.heard
    audio = b"".join(packet.payload for packet in packets)
    assert one.heard == flac_head(STREAMINFO) + audio


def test_a_listener_waits_for_the_encoder_and_then_hears_from_its_first_packet() -> None:
    rendition = live("opus")
    hearer, feeds = join(rendition)
    assert (hearer.heard, feeds, rendition.listeners) == (b"", [], 1)
    rendition.ready(OPUS_HEAD)
    assert len(feeds) == 1
    assert hearer.heard.startswith(b"OggS")
    rendition.push(noise([100] * 5))
    assert b"OpusTags" in hearer.heard
    assert hearer.heard.count(b"OggS") == 3
    assert rendition.listeners == 1


def test_one_who_went_while_he_waited_is_forgotten() -> None:
    rendition = live("opus")
    gone, feeds = join(rendition)
    stays, _ = join(rendition)
    rendition.forget(gone)
    rendition.forget(gone)
    rendition.ready(OPUS_HEAD)
    assert (gone.heard, feeds, rendition.listeners) == (b"", [], 1)
    assert stays.heard


def test_the_end_reaches_those_who_wait_and_those_who_listen() -> None:
    rendition = live("mp3")
    waits, _ = join(rendition)
    rendition.end()
    assert waits.ended
    assert rendition.listeners == 0
    rendition = live("mp3")
    rendition.ready(b"")
    listens, _ = join(rendition)
    rendition.push(noise([100]))
    rendition.end()
    assert listens.ended


def test_packets_of_an_encoder_that_was_closed_are_nobody_s() -> None:
    """Closed and opened again at once: what the first still delivers must not mix in."""
    rendition = live("mp3")
    hearer, _ = join(rendition)
    rendition.push(noise([100] * 3))
    rendition.ready(b"")
    assert hearer.heard == b""
    fresh = noise([100], seed=2)
    rendition.push(fresh)
    assert hearer.heard == fresh[0].payload


def test_with_and_without_titles_are_two_feeds_of_the_same_bytes() -> None:
    rendition = live("mp3")
    rendition.ready(b"")
    rendition.retitle("Song")
    rendition.push(noise([METAINT] * 4))
    plain, (plain_feed,) = join(rendition)
    icy, (icy_feed,) = join(rendition, icy=True)
    icy_too, (same_feed,) = join(rendition, icy=True)
    assert plain_feed is not icy_feed
    assert icy_feed is same_feed
    assert len(list(rendition.feeds)) == 2
    audio, titles = IcyParser(METAINT).feed(icy.heard)
    assert audio == plain.heard
    assert titles == ["Song"]
    assert IcyParser(METAINT).feed(icy_too.heard)[1] == ["Song"]
    assert rendition.listeners == 3


def test_a_new_title_reaches_the_feeds_there_are() -> None:
    rendition = live("aac")
    rendition.ready(b"")
    icy, _ = join(rendition, icy=True)
    rendition.push(noise([METAINT]))
    rendition.retitle("Next")
    rendition.push(noise([METAINT]))
    for feed in rendition.feeds:
        feed.flush()
    assert IcyParser(METAINT).feed(icy.heard)[1] == ["", "Next"]


def test_opus_has_no_titles_whatever_is_asked() -> None:
    rendition = live("opus")
    rendition.ready(OPUS_HEAD)
    _, (one,) = join(rendition, icy=True)
    _, (other,) = join(rendition)
    assert one is other


def test_the_first_listener_of_a_format_starts_with_what_the_rendition_kept() -> None:
    rendition = live("mp3")
    rendition.ready(b"")
    packets = noise([500] * 300)
    rendition.push(packets)
    hearer, _ = join(rendition)
    whole = b"".join(packet.payload for packet in packets)
    assert whole.endswith(hearer.heard)
    assert SIZES.burst <= len(hearer.heard) < SIZES.burst + 1000


def test_a_listener_makes_it_busy_again() -> None:
    rendition = live("mp3")
    rendition.idle_since = 5.0
    join(rendition)
    assert rendition.idle_since is None


def test_low_is_a_feed_of_its_own_with_a_short_start_and_nothing_held_back() -> None:
    rendition = live("mp3")
    rendition.ready(b"")
    rendition.push(noise([500] * 300))
    steady, (steady_feed,) = join(rendition)
    low, feeds = Hearer(), []  # type: tuple[Hearer, list[Feed]]
    rendition.join(low, LOW, feeds.append)
    assert feeds[0] is not steady_feed
    assert 8192 <= len(low.heard) < 8192 + 500
    assert steady.heard.endswith(low.heard)
    before = len(steady.got)
    fresh = noise([300], seed=2)
    rendition.push(fresh)
    assert low.got[-1] == fresh[0].payload
    assert len(steady.got) == before
    assert rendition.listeners == 2


def test_low_opus_has_a_page_for_every_packet() -> None:
    rendition = live("opus")
    low = Hearer()
    rendition.join(low, LOW_OGG, lambda feed: None)
    rendition.ready(OPUS_HEAD)
    for number, packet in enumerate(noise([100] * 6), 1):
        rendition.push([packet])
        assert low.heard.count(b"OggS") == 2 + number


def test_a_low_listener_of_titles_starts_right_after_a_block() -> None:
    rendition = live("mp3")
    rendition.ready(b"")
    rendition.retitle("Song")
    rendition.push(noise([700] * 300))
    for extra in range(40):
        low = Hearer()
        rendition.join(low, Delivery(Wire.ICY, Profile.LOW), lambda feed: None)
        rendition.push(noise([700] * 30, seed=extra))
        assert IcyParser(METAINT).feed(low.heard)[1] == ["Song"]


DELIVERIES = [
    ("mp3", Delivery(Wire.PLAIN)),
    ("aac", Delivery(Wire.PLAIN, Profile.LOW)),
    ("aac", Delivery(Wire.ICY)),
    ("mp3", Delivery(Wire.ICY, Profile.LOW)),
    ("opus", Delivery(Wire.OGG)),
    ("opus", Delivery(Wire.OGG, Profile.LOW)),
    ("flac", Delivery(Wire.FLAC)),
    ("flac", Delivery(Wire.FLAC, Profile.LOW)),
]
CONFIGS = {"opus": OPUS_HEAD, "flac": STREAMINFO}


def newcomer(name: str, delivery: Delivery, packets: list[Packet], *, all_along: bool) -> bytes:
    """What one hears at once who comes after `packets`, to a feed that was there all along or that
    begins with them."""
    rendition = live(name)
    rendition.ready(CONFIGS.get(name, b""))
    feeds: list[Feed] = []
    if all_along:
        rendition.join(Hearer(), delivery, feeds.append)
    for number, packet in enumerate(packets):
        rendition.push([packet])
        for feed in rendition.feeds:
            feed.flush_turn(number % TURNS)
    for feed in rendition.feeds:
        feed.flush()
    hearer = Hearer()
    rendition.join(hearer, delivery, feeds.append)
    assert len(set(feeds)) == 1
    return hearer.heard


def audio_in(delivery: Delivery, heard: bytes) -> bytes:
    if delivery.wire is Wire.ICY:
        return IcyParser(METAINT).feed(heard)[0]
    if delivery.wire is Wire.OGG:
        return b"".join(packet for page in PageReader().feed(heard)[2:] for packet in page.packets)
    return heard.removeprefix(flac_head(STREAMINFO))


@pytest.mark.parametrize(("name", "delivery"), DELIVERIES)
@pytest.mark.parametrize("largest", [500, 1275])
def test_feed_that_begins_late_starts_with_the_burst_of_one_that_was_there_all_along(
    name: str, delivery: Delivery, largest: int
) -> None:
    dice, rendition = random.Random(largest), LADDER[name]
    largest *= 8 if name == "flac" else 1
    duration = 960 if name == "opus" else 1152
    count = 4 * SIZES.of(rendition).keep // largest
    packets = noise([dice.randrange(largest // 2, largest) for _ in range(count)], 1, duration)
    whole = b"".join(packet.payload for packet in packets)
    early, late = (newcomer(name, delivery, packets, all_along=there) for there in (True, False))
    if delivery.wire in (Wire.PLAIN, Wire.FLAC):
        assert early == late
    burst = SIZES.of(rendition, delivery.profile).burst
    # An Ogg page comes when it is whole; an ICY stream begins where a title block stands.
    unpaged = 5 * largest if delivery.wire is Wire.OGG else 0
    more = METAINT if delivery.wire is Wire.ICY else unpaged
    for heard in (early, late):
        audio = audio_in(delivery, heard)
        start = whole.index(audio)
        assert len(whole) - unpaged <= start + len(audio)
        assert burst <= len(heard) <= burst + more + largest + 300


@pytest.mark.parametrize(("name", "delivery"), [d for d in DELIVERIES if d[1].wire is not Wire.ICY])
def test_feed_that_begins_late_in_a_quiet_passage_reaches_as_far_back(
    name: str, delivery: Delivery
) -> None:
    packets = noise([3] * 6000)
    early, late = (
        len(audio_in(delivery, newcomer(name, delivery, packets, all_along=there))) // 3
        for there in (True, False)
    )
    assert abs(early - late) <= 5
    assert 0 <= SIZES.of(LADDER[name], delivery.profile).ticks - late * 960 <= RATE // 5


def test_output_keeps_what_a_feed_begins_with_and_no_more() -> None:
    rendition = live("opus")
    rendition.ready(OPUS_HEAD)
    rendition.push(noise([240] * 2000))
    kept = sum(len(packet.payload) for packet in rendition._history.read(0))
    assert kept <= SIZES.of(LADDER["opus"]).start + 240
